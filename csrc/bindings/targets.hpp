// Pictures' memory that the caller gives.
#pragma once

#include "../color/compose.hpp"
#include "views.hpp"

namespace colordeploy {

template <typename T>
color::Target target_of_type(pybind11::array& out, color::Output output) {
    if (!aligned<T>(out)) throw pybind11::value_error("out must be aligned");
    constexpr auto size = static_cast<pybind11::ssize_t>(sizeof(T));
    return {out.mutable_data(), output, out.strides(0) / size, out.strides(1) / size,
            out.strides(2) / size};
}

// The output is what the array's type says. Throws for arrays that cannot be written.
inline color::Target target_of(pybind11::array& out, const Rectangle& part) {
    if (out.ndim() != 3 || out.shape(0) != part.rows() || out.shape(1) != part.columns() ||
        out.shape(2) != 3) {
        throw pybind11::value_error("out must be of the part's size, with three channels");
    }
    if (pybind11::isinstance<pybind11::array_t<std::uint8_t>>(out)) {
        return target_of_type<std::uint8_t>(out, color::Output::rgb8);
    }
    if (pybind11::isinstance<pybind11::array_t<std::uint16_t>>(out)) {
        return target_of_type<std::uint16_t>(out, color::Output::rgb16);
    }
    if (pybind11::isinstance<pybind11::array_t<float>>(out)) {
        return target_of_type<float>(out, color::Output::lab);
    }
    throw pybind11::value_error("out must be uint8, uint16 or float32");
}

}  // namespace colordeploy
