#pragma once

#include <cstdint>

#include "trestle/base/rng.hpp"
#include "trestle/sim/fault_script.hpp"

namespace trestle::sim {

/// How long members stay.
enum class Stay : std::uint8_t {
  exponential,  ///< Who stayed long leaves as likely as who just came.
  /// A Weibull distribution of shape 1/2, as measured of real networks: most leave soon, some stay
  /// for ever. Drawn as the square of an exponential one, in integers.
  heavy_tailed,
};

struct ChurnOptions {
  /// Of the members: so many leave in an hour, and as many new ones come.
  std::uint32_t percent_per_hour = 10;
  Stay stay = Stay::exponential;
  /// From one's leaving to the coming of who takes the place, on average.
  Duration vacancy = std::chrono::seconds(60);
};

/// How a member goes, in `Fault::number` of a `leave`.
enum class Leaving : std::uint8_t { cleanly, killed, silently };

/// Who leaves and who comes in [from, until). The members there from the beginning are
/// `first .. first + members`; newcomers are new nodes with identities of their own, numbered from
/// `first_newcomer` on. Half of the leavers say goodbye, a quarter die, a quarter fall silent.
FaultScript draw_churn(const ChurnOptions& options, Rng rng, NodeIndex first, std::uint32_t members,
                       NodeIndex first_newcomer, Instant from, Instant until);

/// A member's stay, as `draw_churn` draws it.
Duration draw_stay(const ChurnOptions& options, Rng& rng);

}  // namespace trestle::sim
