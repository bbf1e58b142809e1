#include "trestle/sim/shrinker.hpp"

#include <algorithm>
#include <utility>

namespace trestle::sim {
namespace {

/// The smallest network that a plan takes: two members.
constexpr std::uint32_t kMembersMin = 2;

class Shrinker {
 public:
  Shrinker(const Judge& judge, const ShrinkOptions& options) : judge_(judge), options_(options) {}

  std::optional<Shrunk> run(const PlanRequest& failing) {
    best_ = failing;
    best_.faults = make_plan(failing).faults;
    best_.faults_file.clear();
    rule_ = judge_(best_);
    ++runs_;
    if (rule_.empty()) return std::nullopt;
    // Once more from the top when a later step has made room for an earlier one.
    std::size_t before = 0;
    do {
      before = weight();
      shorten();
      take_nodes();
      drop_classes();
      drop_faults();
      drop_operations();
      simplify();
    } while (weight() < before && !is_spent());
    return Shrunk{best_, rule_, runs_};
  }

 private:
  bool is_spent() const { return runs_ >= options_.runs_max; }

  std::size_t weight() const {
    return best_.faults->size() + best_.nodes + best_.minutes + (best_.plain_network ? 0u : 1u);
  }

  /// Keeps the candidate if it breaks the same rule.
  bool accepts(PlanRequest candidate) {
    if (is_spent()) return false;
    ++runs_;
    if (judge_(candidate) != rule_) return false;
    best_ = std::move(candidate);
    return true;
  }

  /// Minutes of weather: by halves, then one by one. What would happen after the end goes as well.
  void shorten() {
    const auto with_minutes = [this](std::uint32_t minutes) {
      PlanRequest candidate = best_;
      candidate.minutes = minutes;
      const Instant ends = make_plan(candidate).storm_ends;
      std::erase_if(*candidate.faults, [ends](const Fault& fault) { return fault.at >= ends; });
      return candidate;
    };
    while (best_.minutes > 1 && accepts(with_minutes(best_.minutes / 2))) {
    }
    while (best_.minutes > 1 && accepts(with_minutes(best_.minutes - 1))) {
    }
  }

  void take_nodes() {
    const auto with_nodes = [this](std::uint32_t nodes) {
      PlanRequest candidate = best_;
      candidate.nodes = nodes;
      return candidate;
    };
    const std::uint32_t least = best_.bridges + 1 + kMembersMin;
    for (const std::uint32_t divisor : {2u, 4u, 8u}) {
      while (best_.nodes > least) {
        const std::uint32_t fewer = std::max(1u, best_.nodes / divisor);
        if (!accepts(with_nodes(std::max(least, best_.nodes - fewer)))) break;
      }
    }
    while (best_.nodes > least && accepts(with_nodes(best_.nodes - 1))) {
    }
  }

  void drop_classes() {
    for (std::uint8_t number = 0; number < kFaultKinds; ++number) {
      const auto kind = static_cast<FaultKind>(number);
      PlanRequest candidate = best_;
      const std::size_t dropped =
          std::erase_if(*candidate.faults, [kind](const Fault& one) { return one.kind == kind; });
      if (dropped > 0) accepts(std::move(candidate));
    }
  }

  /// Delta debugging: parts of the list, ever smaller ones, until no single fault can go.
  void drop_faults() {
    for (std::size_t part = best_.faults->size() / 2; part > 0; part /= 2) {
      std::size_t from = 0;
      while (from < best_.faults->size() && !is_spent()) {
        PlanRequest candidate = best_;
        FaultScript& script = *candidate.faults;
        const auto first = script.begin() + static_cast<std::ptrdiff_t>(from);
        const std::size_t until = std::min(script.size(), from + part);
        script.erase(first, script.begin() + static_cast<std::ptrdiff_t>(until));
        if (!accepts(std::move(candidate))) from += part;
      }
    }
  }

  void drop_operations() {
    const auto with_operations = [this](std::uint64_t operations) {
      PlanRequest candidate = best_;
      candidate.operations_max = operations;
      return candidate;
    };
    if (best_.operations_max == 0 || accepts(with_operations(0))) return;
    constexpr std::uint64_t kFew = 64;  // by fours from here; more are not worth the runs
    for (std::uint64_t operations = kFew; operations > 0; operations /= 4) {
      if (operations < best_.operations_max && !accepts(with_operations(operations))) return;
    }
  }

  void simplify() {
    PlanRequest candidate = best_;
    candidate.plain_network = true;
    candidate.loss_per_million.reset();
    if (!best_.plain_network) accepts(std::move(candidate));
  }

  const Judge& judge_;
  ShrinkOptions options_;
  PlanRequest best_;
  std::string rule_;
  std::uint32_t runs_ = 0;
};

}  // namespace

std::optional<Shrunk> shrink(const PlanRequest& failing, const Judge& judge,
                             const ShrinkOptions& options) {
  return Shrinker(judge, options).run(failing);
}

}  // namespace trestle::sim
