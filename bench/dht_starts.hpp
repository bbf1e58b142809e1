#pragma once

// What the programs that measure the start of nodes have in common, ours and the others'. Nothing
// of ours is used in here.

#include <chrono>
#include <cstddef>
#include <cstdio>

namespace trestle::bench {

/// `before` nodes are there; `starts` more begin, one after the other, each until it has `peers`.
struct DhtStarts {
  std::size_t before = 48;
  std::size_t starts = 16;
  std::size_t peers = 8;
};

/// `start(number)` starts one and returns when it has its peers. Prints what each took.
template <typename Start>
void run_dht_starts(std::size_t count, Start&& start) {
  std::printf("{\"milliseconds\": [");
  for (std::size_t number = 0; number < count; ++number) {
    const auto begun = std::chrono::steady_clock::now();
    start(number);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    std::printf("%s%.3f", number == 0 ? "" : ", ", took.count());
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

}  // namespace trestle::bench
