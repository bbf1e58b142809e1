#pragma once

#include <cstddef>

namespace trestle::test {

/// Bytes asked of operator new since the last reset, in this program. (allocation_count_test.cpp
/// replaces the operator.)
extern std::size_t allocated_bytes;

/// Counts what is allocated during its own life.
class AllocationCount {
 public:
  AllocationCount() : before_(allocated_bytes) {}
  std::size_t bytes() const { return allocated_bytes - before_; }

 private:
  std::size_t before_;
};

}  // namespace trestle::test
