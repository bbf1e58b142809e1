#pragma once

#include <cstddef>

namespace trestle::test {

/// What this program has asked of operator new. Counted in programs that link
/// trestle_test_heap_count, which replaces the operator.
struct HeapCount {
  std::size_t blocks_made = 0;  ///< Since the start.
  std::size_t bytes_live = 0;   ///< As the allocator rounds them.
};
const HeapCount& heap_count();

}  // namespace trestle::test
