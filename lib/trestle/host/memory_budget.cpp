#include "trestle/host/memory_budget.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace trestle::host {
namespace {

/// Nothing if there is no such file, or it holds no number (`max`).
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

}  // namespace

node::MemoryState MemoryBudget::judge(std::uint64_t resident_bytes) {
  using node::MemoryState;
  const auto is_over = [&](std::uint32_t percent) {
    return resident_bytes > options_.bytes / 100 * percent;
  };
  const std::uint32_t margin = options_.margin_percent;
  if (!is_set()) {
    state_ = MemoryState::plenty;
  } else if (is_over(options_.refuse_percent)) {
    state_ = MemoryState::exhausted;
  } else if (state_ == MemoryState::exhausted && is_over(options_.refuse_percent - margin)) {
    return state_;
  } else if (is_over(options_.shrink_percent)) {
    state_ = MemoryState::short_of;
  } else if (state_ != MemoryState::plenty && is_over(options_.shrink_percent - margin)) {
    state_ = MemoryState::short_of;
  } else {
    state_ = MemoryState::plenty;
  }
  return state_;
}

std::uint64_t control_group_memory(const std::string& root, const std::string& membership) {
  // More than any machine has: the first version writes "no bound" as such a number.
  constexpr std::uint64_t kNoBound = std::uint64_t{1} << 60;
  std::uint64_t bound = kNoBound;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    const bool is_second = line.starts_with("0::");
    const std::size_t controller = line.find(":memory:");
    if (!is_second && controller == std::string::npos) continue;
    const std::string base = is_second ? root : root + "/memory";
    const std::string file = is_second ? "/memory.max" : "/memory.limit_in_bytes";
    const std::size_t begin = line.find('/');
    if (begin == std::string::npos) continue;
    std::string path = line.substr(begin);
    // From the group up to the root. Inside a container the root is all that is visible.
    while (true) {
      if (const auto number = number_in(base + (path == "/" ? "" : path) + file)) {
        bound = std::min(bound, *number);
      }
      if (path == "/") break;
      path.resize(std::max<std::size_t>(path.rfind('/'), 1));
    }
  }
  return bound < kNoBound ? bound : 0;
}

std::uint64_t control_group_memory() {
  std::ifstream file("/proc/self/cgroup");
  const std::string membership{std::istreambuf_iterator<char>(file), {}};
  return control_group_memory("/sys/fs/cgroup", membership);
}

void return_freed_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace trestle::host
