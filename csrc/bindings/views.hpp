// Views of NumPy arrays of any strides, checked: shape, alignment, and that they may be written.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../view.hpp"

namespace colordeploy {

template <typename T>
bool aligned(const pybind11::array& array) {
    bool whole = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
    for (pybind11::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        whole = whole && array.strides(axis) % static_cast<pybind11::ssize_t>(sizeof(T)) == 0;
    }
    return whole;
}

template <typename T>
void require(const pybind11::array& array, const char* name, pybind11::ssize_t axes) {
    if (array.ndim() != axes || array.size() == 0) {
        throw pybind11::value_error(std::string(name) + " must have " + std::to_string(axes) +
                                    " axes and not be empty");
    }
    if (!aligned<T>(array)) throw pybind11::value_error(std::string(name) + " must be aligned");
}

template <typename T>
Plane<const T> plane_of(const pybind11::array_t<T>& array, const char* name) {
    require<T>(array, name, 2);
    constexpr auto size = static_cast<pybind11::ssize_t>(sizeof(T));
    return {array.data(), array.shape(0), array.shape(1), array.strides(0) / size,
            array.strides(1) / size};
}

template <typename T>
Channels<const T> channels_of(const pybind11::array_t<T>& array, const char* name,
                              pybind11::ssize_t channels) {
    require<T>(array, name, 3);
    if (array.shape(2) != channels) {
        throw pybind11::value_error(std::string(name) + " must have " + std::to_string(channels) +
                                    " channels");
    }
    constexpr auto size = static_cast<pybind11::ssize_t>(sizeof(T));
    return {array.data(),
            array.shape(0),
            array.shape(1),
            array.strides(0) / size,
            array.strides(1) / size,
            array.strides(2) / size};
}

// An array that holds these values, which are not copied.
template <typename T, typename Allocator>
pybind11::array_t<T, pybind11::array::c_style> owned(std::vector<T, Allocator>&& values,
                                                     std::vector<pybind11::ssize_t> shape) {
    using Held = std::vector<T, Allocator>;
    auto* held = new Held(std::move(values));
    const pybind11::capsule owner(held, [](void* data) { delete static_cast<Held*>(data); });
    return pybind11::array_t<T, pybind11::array::c_style>(std::move(shape), held->data(), owner);
}

}  // namespace colordeploy
