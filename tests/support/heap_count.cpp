#include "heap_count.hpp"

#include <cstdlib>
#include <new>

#include <malloc.h>

namespace trestle::test {
namespace {

HeapCount counted;

void* take(std::size_t bytes) {
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  ++counted.blocks_made;
  counted.bytes_live += malloc_usable_size(memory);
  return memory;
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  counted.bytes_live -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

const HeapCount& heap_count() { return counted; }

}  // namespace trestle::test

using trestle::test::give_back;
using trestle::test::take;

// All plain forms together, so that a sanitizer never sees one of its own paired with one of ours.
void* operator new(std::size_t bytes) { return take(bytes); }
void* operator new[](std::size_t bytes) { return take(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
