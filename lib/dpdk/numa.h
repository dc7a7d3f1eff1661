#pragma once

#include <rte_malloc.h>

#include <memory>
#include <new>
#include <utility>

#include "core/errors.h"

namespace ringway {

/// Destroys and frees what make_on_socket made.
struct NumaDelete {
  template <class T>
  void operator()(T* object) const noexcept {
    object->~T();
    rte_free(object);
  }
};

template <class T>
using NumaPtr = std::unique_ptr<T, NumaDelete>;

/// Makes a T in EAL memory of a NUMA socket, aligned as T asks, so that its lcore finds it nearby. Throws Error when
/// there is none.
template <class T, class... Args>
NumaPtr<T> make_on_socket(unsigned socket, Args&&... args) {
  void* memory = rte_malloc_socket("ringway", sizeof(T), alignof(T), static_cast<int>(socket));
  if (memory == nullptr) {
    throw Error(ExitStatus::kResourceMissing,
                "rte_malloc_socket: no memory left on NUMA socket " + std::to_string(socket));
  }
  return NumaPtr<T>(new (memory) T(std::forward<Args>(args)...));
}

}  // namespace ringway
