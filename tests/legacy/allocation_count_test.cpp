#include "allocation_count.hpp"

#include <cstdlib>
#include <new>
#include <string>

#include "catch.hpp"

namespace trestle::test {

std::size_t allocated_bytes = 0;

}  // namespace trestle::test

namespace {

void* counted(std::size_t bytes) {
  trestle::test::allocated_bytes += bytes;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// All plain forms, since a sanitizer replaces each of them by one of its own.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("allocations are counted") {
  const trestle::test::AllocationCount count;
  const std::string text(1000, 'x');
  CHECK(text.size() == 1000);
  CHECK(count.bytes() >= 1000);
}
