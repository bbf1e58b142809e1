#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "trestle/sim/plan.hpp"

namespace trestle::sim {

/// Runs what is requested and names the rule that was broken first; empty after a good run.
using Judge = std::function<std::string(const PlanRequest&)>;

struct ShrinkOptions {
  /// Runs, at most: what has been reached by then is the result.
  std::uint32_t runs_max = 400;
};

struct Shrunk {
  /// Breaks the same rule, with a fault script of its own: no longer depends on what the seed would
  /// draw.
  PlanRequest request;
  std::string rule;
  std::uint32_t runs = 0;
};

/// Makes a failing run small (reliability.md 7.7): shorter, fewer nodes, without whole classes of
/// faults, without single ones, with fewer operations, on a plain network. Each step runs again
/// what it proposes and keeps it if the same rule is broken; it works because the faults are a list
/// that runs without the seed that drew it. Nothing if the request does not fail.
std::optional<Shrunk> shrink(const PlanRequest& failing, const Judge& judge,
                             const ShrinkOptions& options = {});

}  // namespace trestle::sim
