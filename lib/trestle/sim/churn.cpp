#include "trestle/sim/churn.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/exponential.hpp"

namespace trestle::sim {
namespace {

Leaving draw_leaving(Rng& rng) {
  const std::uint64_t drawn = rng.below(4);
  if (drawn < 2) return Leaving::cleanly;
  return drawn == 2 ? Leaving::killed : Leaving::silently;
}

}  // namespace

Duration draw_stay(const ChurnOptions& options, Rng& rng) {
  TRESTLE_ASSERT(options.percent_per_hour > 0);
  const Duration mean =
      Duration(std::chrono::hours(100)) / static_cast<Duration::rep>(options.percent_per_hour);
  const Duration drawn = draw_exponential(rng, mean);
  if (options.stay == Stay::exponential) return drawn;
  // The mean of the square of an exponential draw is twice the square of its mean. In milliseconds,
  // so that the square of a few months fits.
  constexpr Duration::rep kGrain = 1000;
  const Duration::rep stay = drawn.count() / kGrain;
  return Duration(stay * stay / std::max<Duration::rep>(1, 2 * mean.count() / kGrain) * kGrain);
}

FaultScript draw_churn(const ChurnOptions& options, Rng rng, NodeIndex first, std::uint32_t members,
                       NodeIndex first_newcomer, Instant from, Instant until) {
  FaultScript script;
  if (options.percent_per_hour == 0) return script;
  // Each place in the network is a chain of stays and vacancies, independent of the others.
  for (std::uint32_t place = 0; place < members; ++place) {
    Rng stream = rng.fork("place", place);
    Instant at = from;
    NodeIndex node = first + place;
    while (true) {
      const Duration stay = draw_stay(options, stream);
      at = after(at, stay);
      if (at >= until) break;
      Fault leaves;
      leaves.at = at;
      leaves.kind = FaultKind::leave;
      leaves.node = node;
      leaves.number = static_cast<std::uint64_t>(draw_leaving(stream));
      script.push_back(leaves);
      const Duration vacancy = draw_exponential(stream, options.vacancy);
      at = after(at, vacancy);
      if (at >= until) break;
      Fault comes;
      comes.at = at;
      comes.kind = FaultKind::join;
      comes.node = node = first_newcomer++;
      script.push_back(comes);
    }
  }
  sort_by_time(script);
  return script;
}

}  // namespace trestle::sim
