#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/link/backoff.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/retry_budget.hpp"
#include "trestle/pool/bridge_ejection.hpp"
#include "trestle/pool/bridge_endpoint.hpp"

namespace trestle::pool {

/// Bridges of one set, attached ones included. A request remembers in one machine word which of
/// them it has tried; the documents speak of two to five.
inline constexpr std::size_t kBridgesMax = 64;

/// Which of the usable bridges a request goes to.
enum class Balancing : std::uint8_t {
  round_robin,  ///< Each in its turn (BAL-01, P-BR-5).
  /// The better of two drawn at random, by recent answer time and requests in flight. Recommended:
  /// with one of eight bridges ten times slower, round robin makes one request in eight wait for
  /// it (P10).
  two_choices
};

/// Whether a request may be put to a second bridge while the first still works on it.
enum class Hedging : std::uint8_t {
  never,   ///< Asking twice does twice: an onboarding would make two helpers invite.
  allowed  ///< Asking twice does no harm.
};

/// Bridges are pinged at every interval, whatever else is said (POOL-04).
inline link::ChannelSetOptions bridge_channel_options() {
  link::ChannelSetOptions options;
  options.channel.keepalive.pace = link::PingPace::always;
  return options;
}

struct BridgeSetOptions {
  std::vector<BridgeEndpoint> bridges;
  BridgeMode mode = BridgeMode::pool;
  Balancing balancing = Balancing::round_robin;
  link::ChannelSetOptions channels = bridge_channel_options();
  link::BreakerOptions breaker{};
  /// One connect operation: 5 attempts, so 4 waits between them (X5, P-CR-3); 1 s doubling to 30 s,
  /// full jitter (X4).
  link::BackoffOptions connect_backoff = {.attempts_max = 4};
  /// While another bridge serves, nobody waits for a lost one, and a thousand sets that lost the
  /// same one at the same moment must not return as a crowd (T33): its waits begin so many
  /// doublings up the series, at 16 s. Measured with 1,000 clients: the worst second has less than
  /// three times the mean of dials. A request that no bridge can take ends that patience.
  unsigned patient_steps = 4;
  /// After the operation is used up the bridge is tried at this interval for ever (X5).
  Duration probe_interval = std::chrono::seconds(30);
  /// A bridge that refused our credentials is tried this rarely until the settings are reloaded
  /// (X5).
  Duration excluded_probe_interval = std::chrono::hours(1);
  /// A connection that lasted this long was a success: the next loss starts the waits anew
  /// (P-BR-3).
  Duration stable_after = std::chrono::seconds(10);
  /// POOL-08: pings are not activity (X3).
  Duration idle_close_after = std::chrono::seconds(300);
  /// X6: one attempt, and all attempts together, time in waiting included.
  Duration attempt_timeout = std::chrono::seconds(5);
  Duration total_timeout = std::chrono::seconds(10);
  /// How long a request waits for a connection that is being made: short enough that the asker
  /// still hears a reason within 5 s.
  Duration connection_wait = std::chrono::seconds(3);
  /// Requests accepted and not ended (requirements section 3: 500 on the bootstrap side). One more
  /// is refused. At most 65,536: the place of a request is part of its id.
  std::size_t requests_max = 500;
  /// A bridge that answered BUSY without saying for how long is left alone this long.
  Duration busy_pause = std::chrono::milliseconds(500);
  EjectionOptions ejection{};
  /// What second attempts may add to the traffic: a tenth, and one a second when there is next to
  /// none. A request whose connection was lost moves to another bridge free of charge: its first
  /// attempt cannot cost anybody anything any more.
  link::RetryBudgetOptions retries = {.percent = 10};
  /// The same for hedges (P10: at most 5 % extra requests), without a floor: a hedge is never
  /// needed.
  link::RetryBudgetOptions hedges = {.percent = 5, .floor = 0};
  /// Stateless mode: connections at one time, each with one request. Twice what two bridges work
  /// on at once (X8: 10 in service each) and far from the 558 that wore out the old system; what
  /// is over it waits.
  std::size_t stateless_max = 64;
  /// And those of them that one bridge has not let in yet: a bridge grants one address so many
  /// (reliability section 10: 8).
  std::size_t stateless_opening_max = 8;
  /// Bridges of the old system that opened a socket to us: each is a stranger's promise, and the
  /// reference network has two.
  std::size_t attached_max = 16;
  /// Such a bridge walks its table before it answers, typically for 3 s, and is given 10 s by its
  /// own kind (legacy protocol section 5.1).
  Duration attached_attempt_timeout = std::chrono::seconds(10);
  /// It has one thread and no queue: a few at a time.
  std::size_t attached_in_flight_max = 8;
};

}  // namespace trestle::pool
