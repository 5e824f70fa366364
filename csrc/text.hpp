// Numbers in messages, as printf formats them.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace colordeploy {

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
inline std::string text(const char* format, ...) {
    std::va_list values;
    va_start(values, format);
    std::va_list again;
    va_copy(again, values);
    const int length = std::vsnprintf(nullptr, 0, format, values);
    va_end(values);
    std::string result(static_cast<std::size_t>(length > 0 ? length : 0), '\0');
    std::vsnprintf(result.data(), result.size() + 1, format, again);
    va_end(again);
    return result;
}

}  // namespace colordeploy
