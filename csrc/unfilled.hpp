// Memory whose values are written before they are read: nobody fills it with zeros first.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace colordeploy {

template <typename T>
struct Unfilled : std::allocator<T> {
    template <typename U>
    struct rebind {
        using other = Unfilled<U>;
    };

    template <typename U>
    void construct(U* place) noexcept {
        ::new (static_cast<void*>(place)) U;
    }
    template <typename U, typename... Values>
    void construct(U* place, Values&&... values) {
        ::new (static_cast<void*>(place)) U(std::forward<Values>(values)...);
    }
};

template <typename T>
using UnfilledVector = std::vector<T, Unfilled<T>>;

}  // namespace colordeploy
