#include "trestle/pool/bridge_ejection.hpp"

#include <bit>
#include <optional>

#include "trestle/base/assertion.hpp"

namespace trestle::pool {

void BadAnswers::on_bad_answer(Instant now, const EjectionOptions& options) {
  ++in_a_row_;
  if (in_a_row_ >= options.bad_answers_to_suspect)
    suspected_until_ = after(now, options.suspect_for);
}

std::uint64_t usable_bridges(std::span<const BridgeHealth> health, std::uint32_t usable_min) {
  TRESTLE_ASSERT(health.size() <= 64);
  std::uint64_t usable = 0;
  for (std::size_t index = 0; index < health.size(); ++index) {
    const bool is_trusted = health[index].is_connected && health[index].badness == 0;
    if (is_trusted) usable |= std::uint64_t{1} << index;
  }
  while (static_cast<std::uint32_t>(std::popcount(usable)) < usable_min) {
    std::optional<std::size_t> least_bad;
    for (std::size_t index = 0; index < health.size(); ++index) {
      if (!health[index].is_connected || (usable >> index & 1) != 0) continue;
      if (!least_bad || health[index].badness < health[*least_bad].badness) least_bad = index;
    }
    if (!least_bad) break;
    usable |= std::uint64_t{1} << *least_bad;
  }
  return usable;
}

}  // namespace trestle::pool
