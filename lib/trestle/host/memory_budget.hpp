#pragma once

#include <cstdint>
#include <string>

#include "trestle/node/limits.hpp"

namespace trestle::host {

struct MemoryBudgetOptions {
  /// Resident bytes that the program is to keep within. Zero: no such bound.
  std::uint64_t bytes = 0;
  /// In percent of them: from here on what can be spared goes, and from here on nothing new comes
  /// in (reliability.md section 10). What falls by less than the margin changes nothing, so that
  /// the state does not flutter.
  std::uint32_t shrink_percent = 95;
  std::uint32_t refuse_percent = 98;
  std::uint32_t margin_percent = 5;
};

/// Whether memory is short: a policy over the figure that the system gives.
class MemoryBudget {
 public:
  explicit MemoryBudget(const MemoryBudgetOptions& options) : options_(options) {}

  bool is_set() const { return options_.bytes > 0; }
  node::MemoryState judge(std::uint64_t resident_bytes);
  node::MemoryState state() const { return state_; }

 private:
  MemoryBudgetOptions options_;
  node::MemoryState state_ = node::MemoryState::plenty;
};

/// What the control group of this process allows it, the smallest of its whole path; zero if
/// nothing does. `root` is where control groups are mounted, `membership` what /proc/self/cgroup
/// says.
std::uint64_t control_group_memory(const std::string& root, const std::string& membership);
std::uint64_t control_group_memory();

/// Gives freed memory back to the system, which otherwise counts it as ours.
void return_freed_memory();

}  // namespace trestle::host
