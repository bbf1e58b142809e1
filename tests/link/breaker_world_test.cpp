// The breaker beside a naive model of it: every interleaving of a small world, and long random
// stories with the default options.

#include <algorithm>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/link/breaker.hpp"

using namespace trestle;
using link::Breaker;
using link::BreakerOptions;
using link::BreakerState;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

/// The same promises told the long way: every result is kept with its time.
struct NaiveBreaker {
  struct Result {
    std::int64_t second;
    bool failed;
  };
  BreakerOptions options;
  bool tripped = false;
  Instant open_until{};
  Duration wait{};
  std::optional<Instant> lease;
  unsigned successes = 0;
  unsigned failures_in_a_row = 0;
  unsigned generation = 0;
  std::vector<Result> results;

  static std::int64_t second_of(Instant now) {
    return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  }
  BreakerState state(Instant now) const {
    if (!tripped) return BreakerState::closed;
    return now < open_until ? BreakerState::open : BreakerState::half_open;
  }
  std::optional<Breaker::Permit> acquire(Instant now) {
    if (!tripped) return Breaker::Permit{generation, false};
    if (now < open_until || (lease && now < *lease)) return std::nullopt;
    if (lease) ++generation;
    lease = now + options.probe_lease;
    return Breaker::Permit{generation, true};
  }
  void on_success(Instant now, Breaker::Permit permit) {
    if (permit.generation != generation) return;
    results.push_back({second_of(now), false});
    failures_in_a_row = 0;
    if (!permit.is_probe) return;
    lease.reset();
    if (++successes < options.successes_to_close) return;
    tripped = false;
    results.clear();
    ++generation;
  }
  void on_failure(Instant now, Breaker::Permit permit) {
    if (permit.generation != generation) return;
    results.push_back({second_of(now), true});
    ++failures_in_a_row;
    if (permit.is_probe) {
      open(now, std::min(wait * 2, options.open_cap));
    } else if (failures_in_a_row >= options.consecutive_failures_to_open || half_failed(now)) {
      open(now, options.open_base);
    }
  }
  void on_released(Breaker::Permit permit) {
    if (permit.generation == generation && permit.is_probe) lease.reset();
  }
  bool half_failed(Instant now) const {
    std::size_t recent = 0;
    std::size_t failed = 0;
    for (const Result& result : results) {
      if (result.second <= second_of(now) - 10) continue;
      ++recent;
      failed += result.failed ? 1 : 0;
    }
    return recent >= options.window_results_min &&
           failed * 100 >= recent * options.window_failure_percent_to_open;
  }
  void open(Instant now, Duration for_so_long) {
    tripped = true;
    wait = for_so_long;
    open_until = now + wait;
    lease.reset();
    successes = 0;
    failures_in_a_row = 0;
    ++generation;
  }
};

struct World {
  explicit World(const BreakerOptions& options) : breaker(options) { model.options = options; }

  Breaker breaker;
  NaiveBreaker model;
  Instant now = kStart;
  std::vector<Breaker::Permit> permits;  ///< Handed out, not ended.

  void acquire() {
    const bool would = breaker.would_permit(now);
    const auto permit = breaker.acquire(now);
    const auto expected = model.acquire(now);
    REQUIRE(permit.has_value() == would);
    REQUIRE(permit.has_value() == expected.has_value());
    if (!permit) return;
    REQUIRE(permit->is_probe == expected->is_probe);
    REQUIRE(permit->is_probe == (breaker.state(now) == BreakerState::half_open));
    for (const Breaker::Permit& other : permits) {
      // A second probe is let through only when the first is given up.
      REQUIRE_FALSE((permit->is_probe && other.is_probe && other.generation == permit->generation));
    }
    permits.push_back(*permit);
  }

  /// 0: success, 1: failure, 2: released.
  void end(std::size_t index, std::size_t how) {
    const Breaker::Permit permit = permits[index];
    permits.erase(permits.begin() + static_cast<std::ptrdiff_t>(index));
    if (how == 0) {
      breaker.on_success(now, permit);
      model.on_success(now, permit);
    } else if (how == 1) {
      breaker.on_failure(now, permit);
      model.on_failure(now, permit);
    } else {
      breaker.on_released(permit);
      model.on_released(permit);
    }
  }

  void check() const {
    REQUIRE(breaker.state(now) == model.state(now));
    if (model.tripped) REQUIRE(breaker.open_until() == model.open_until);
  }

  /// All that the future depends on, with times as seen from now.
  std::string fingerprint() const {
    const auto left = [&](Instant at) { return std::to_string(std::max(at - now, 0us).count()); };
    std::string text = std::to_string(static_cast<int>(model.state(now)));
    text += " row " + std::to_string(model.failures_in_a_row);
    if (model.tripped) {
      text += " wait " + std::to_string(model.wait.count()) + " open " + left(model.open_until) +
              " good " + std::to_string(model.successes);
      if (model.lease) text += " lease " + left(*model.lease);
    }
    for (const Breaker::Permit& permit : permits) {
      const bool is_current = permit.generation == model.generation;
      text += is_current ? (permit.is_probe ? " probe" : " permit") : " old";
    }
    return text;
  }
};

}  // namespace

TEST_CASE("the breaker in a small world: every interleaving of three attempts, to the fixpoint") {
  // Small numbers, so that every state is met; the window has a test of its own below.
  const BreakerOptions options{.consecutive_failures_to_open = 2,
                               .window_results_min = 1'000'000,
                               .open_base = 1s,
                               .open_cap = 2s,
                               .successes_to_close = 2,
                               .probe_lease = 3s};
  std::set<std::string> known;
  std::vector<World> open{World(options)};
  known.insert(open.front().fingerprint());
  const auto meet = [&](World&& world) {
    world.check();
    // The window never decides here; without its history two worlds compare by what matters.
    world.model.results.clear();
    if (known.insert(world.fingerprint()).second) open.push_back(std::move(world));
  };
  while (!open.empty()) {
    const World world = std::move(open.back());
    open.pop_back();
    if (world.permits.size() < 3) {
      World next = world;
      next.acquire();
      meet(std::move(next));
    }
    for (std::size_t index = 0; index < world.permits.size(); ++index) {
      for (std::size_t how = 0; how < 3; ++how) {
        World next = world;
        next.end(index, how);
        meet(std::move(next));
      }
    }
    World later = world;
    later.now += 1s;
    meet(std::move(later));
    // Whatever happened, and though every attempt out there is lost: it asks again in the end.
    World alone = world;
    alone.now += options.open_cap + options.probe_lease;
    REQUIRE(alone.breaker.would_permit(alone.now));
  }
  std::cout << "breaker, small world: " << known.size() << " states\n";
  CHECK(known.size() > 80);  // fewer: something is out of reach
}

TEST_CASE("the breaker does what its naive model does, in 10,000 random stories") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    Rng rng(seed);
    World world(BreakerOptions{});
    const std::uint64_t failures_of_ten = rng.below(11);
    CAPTURE(seed);
    for (int step = 0; step < 120; ++step) {
      const std::uint64_t action = rng.below(8);
      if (action < 3) {
        world.acquire();
      } else if (action < 7 && !world.permits.empty()) {
        const std::size_t index = rng.below(world.permits.size());
        const bool fails = rng.chance(failures_of_ten, 10);
        const bool tells_nothing = rng.chance(1, 10);
        world.end(index, tells_nothing ? 2 : fails ? 1 : 0);
      } else {
        world.now += rng.between(0ms, 2s);
      }
      world.check();
    }
  }
}
