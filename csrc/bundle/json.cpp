#include "json.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace colordeploy::bundle {

namespace {

constexpr int DEEPEST = 200;

void append_utf8(std::string& text, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

// The code point that begins at `at`, which moves past it; throws for what is no UTF-8.
std::uint32_t code_at(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const std::uint32_t first = byte(at);
    if (first < 0x80) {
        ++at;
        return first;
    }
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    std::uint32_t code = first & (0x3FU >> more);
    for (int i = 1; i <= more; ++i) {
        if ((byte(at + static_cast<std::size_t>(i)) & 0xC0) != 0x80)
            throw JsonError("no UTF-8 text");
        code = code << 6 | (byte(at + static_cast<std::size_t>(i)) & 0x3F);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (first < 0xC0 || first > 0xF7 || code < least[more] || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000)) {
        throw JsonError("no UTF-8 text");
    }
    at += static_cast<std::size_t>(more) + 1;
    return code;
}

// The shortest text that reads as the same double, as Python writes it.
std::string repr(double value) {
    char digits[40];
    const auto [end, error] =
        std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::scientific);
    std::string text(digits, end);
    const std::size_t e = text.find('e');
    const int exponent = std::stoi(text.substr(e + 1));
    std::string mantissa = text.substr(0, e);
    if (exponent < -4 || exponent >= 16) {
        char tail[16];
        std::snprintf(tail, sizeof(tail), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
        return mantissa + tail;
    }
    const bool negative = mantissa[0] == '-';
    std::string plain;
    for (const char c : mantissa) {
        if (c >= '0' && c <= '9') plain.push_back(c);
    }
    if (exponent < 0) {
        plain.insert(0, static_cast<std::size_t>(-exponent), '0');
        plain.insert(1, 1, '.');
    } else {
        const auto whole = static_cast<std::size_t>(exponent) + 1;
        if (plain.size() <= whole) {
            plain.append(whole - plain.size(), '0');
            plain += ".0";
        } else {
            plain.insert(whole, 1, '.');
        }
    }
    if (negative) plain.insert(plain.begin(), '-');
    return plain;
}

void dump_string(const std::string& text, std::string& out) {
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
        const std::uint32_t code = code_at(text, at);
        switch (code) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            default:
                char escaped[16];
                if (code >= 0x20 && code < 0x7F) {
                    out.push_back(static_cast<char>(code));
                } else if (code < 0x10000) {
                    std::snprintf(escaped, sizeof(escaped), "\\u%04x", code);
                    out += escaped;
                } else {
                    const std::uint32_t pair = code - 0x10000;
                    std::snprintf(escaped, sizeof(escaped), "\\u%04x\\u%04x", 0xD800 | pair >> 10,
                                  0xDC00 | (pair & 0x3FF));
                    out += escaped;
                }
        }
    }
    out.push_back('"');
}

}  // namespace

class JsonParser {
 public:
    explicit JsonParser(std::string_view text) : text_(text) {}

    Json whole() {
        Json value = any(0);
        space();
        if (at_ != text_.size()) fail("more after the value");
        return value;
    }

 private:
    [[noreturn]] void fail(const char* what) const {
        throw JsonError(std::string(what) + " (byte " + std::to_string(at_) + ")");
    }

    void space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\r' || text_[at_] == '\t')) {
            ++at_;
        }
    }

    bool take(char c) {
        space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool take_word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    Json any(int depth) {
        if (depth > DEEPEST) fail("values nested too deeply");
        Json json;
        space();
        if (take('{')) {
            json.value_ = object(depth);
        } else if (take('[')) {
            json.value_ = array(depth);
        } else if (at_ < text_.size() && text_[at_] == '"') {
            json.value_ = string();
        } else if (take_word("true")) {
            json.value_ = true;
        } else if (take_word("false")) {
            json.value_ = false;
        } else if (take_word("null")) {
            json.value_ = Json::Null{};
        } else if (const char* odd = odd_number()) {
            json.value_ = Json::Number{odd, false};
        } else {
            json.value_ = number();
        }
        return json;
    }

    Json::Object object(int depth) {
        Json::Object found;
        if (take('}')) return found;
        do {
            space();
            std::string key = string();
            if (!take(':')) fail("a colon is missing");
            found.insert_or_assign(std::move(key), any(depth + 1));
        } while (take(','));
        if (!take('}')) fail("a brace is missing");
        return found;
    }

    Json::Array array(int depth) {
        Json::Array found;
        if (take(']')) return found;
        do {
            found.push_back(any(depth + 1));
        } while (take(','));
        if (!take(']')) fail("a bracket is missing");
        return found;
    }

    std::uint32_t hexadecimal() {
        std::uint32_t code = 0;
        const char* begin = text_.data() + at_;
        if (at_ + 4 > text_.size()) fail("an escape ends too early");
        const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
        if (error != std::errc() || end != begin + 4) fail("an odd escape");
        at_ += 4;
        return code;
    }

    std::string string() {
        if (at_ >= text_.size() || text_[at_] != '"') fail("a string is missing");
        ++at_;
        std::string found;
        for (;;) {
            if (at_ >= text_.size()) fail("a string does not end");
            if (text_[at_] == '"') break;
            if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("a control character");
            if (text_[at_] != '\\') {
                append_utf8(found, code_at(text_, at_));
                continue;
            }
            ++at_;
            escape(found);
        }
        ++at_;
        return found;
    }

    void escape(std::string& found) {
        constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        ++at_;
        const std::size_t known = from.find(c);
        if (known != std::string_view::npos && c != '\0') {
            found.push_back(to[known]);
            return;
        }
        if (c != 'u') fail("an unknown escape");
        std::uint32_t code = hexadecimal();
        if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) {
            const std::uint32_t low = hexadecimal();
            if (low < 0xDC00 || low >= 0xE000) fail("half a surrogate pair");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        if (code >= 0xD800 && code < 0xE000) fail("half a surrogate pair");
        append_utf8(found, code);
    }

    std::size_t digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
        return at_ - begin;
    }

    // What Python writes of numbers that JSON has not; null where there is none.
    const char* odd_number() {
        for (const char* odd : {"NaN", "Infinity", "-Infinity"}) {
            if (take_word(odd)) return odd;
        }
        return nullptr;
    }

    Json::Number number() {
        const std::size_t begin = at_;
        if (at_ < text_.size() && text_[at_] == '-') ++at_;
        const std::size_t first = at_;
        const std::size_t count = digits();
        if (count == 0 || (count > 1 && text_[first] == '0')) fail("no value");
        bool whole = true;
        if (at_ < text_.size() && text_[at_] == '.') {
            whole = false;
            ++at_;
            if (digits() == 0) fail("an odd number");
        }
        if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
            whole = false;
            ++at_;
            if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
            if (digits() == 0) fail("an odd number");
        }
        const std::string given(text_.substr(begin, at_ - begin));
        if (whole) return {given == "-0" ? given.substr(1) : given, true};
        double value = 0.0;
        const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
        if (error == std::errc::result_out_of_range) fail("a number out of range");
        if (error != std::errc() || end != given.data() + given.size()) fail("an odd number");
        return {repr(value), false};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

Json Json::parse(std::string_view text) { return JsonParser(text).whole(); }

std::string Json::dump() const {
    std::string out;
    dump(out);
    return out;
}

void Json::dump(std::string& out) const {
    if (const bool* truth = boolean()) {
        out.append(*truth ? "true" : "false");
    } else if (const Number* digits = number()) {
        out.append(digits->text);
    } else if (const std::string* letters = string()) {
        dump_string(*letters, out);
    } else if (const Array* items = array()) {
        out.push_back('[');
        for (const Json& item : *items) {
            if (&item != items->data()) out.append(", ");
            item.dump(out);
        }
        out.push_back(']');
    } else if (const Object* entries = object()) {
        out.push_back('{');
        for (auto entry = entries->begin(); entry != entries->end(); ++entry) {
            if (entry != entries->begin()) out.append(", ");
            dump_string(entry->first, out);
            out.append(": ");
            entry->second.dump(out);
        }
        out.push_back('}');
    } else {
        out.append("null");
    }
}

}  // namespace colordeploy::bundle
