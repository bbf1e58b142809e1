#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/node/bootstrap/legacy_clients.hpp"
#include "trestle/node/bootstrap/legacy_outcomes.hpp"
#include "trestle/wire/legacy/ice.hpp"
#include "trestle/wire/legacy/signalling.hpp"

namespace trestle::node {

struct LegacySignallingOptions {
  /// How long one of two peers waits for the other (BOOT-11; section 2).
  Duration coordination_wait = std::chrono::seconds(10);
  /// Both begin this long after they were told, so that the slower of two ways is covered
  /// (section 3.5).
  Duration start_lead = std::chrono::milliseconds(100);
  /// Peers that wait for another: two attempts for each of 1,000 clients would be twice the old
  /// server's capacity. One more is refused.
  std::size_t waiting_max = 1000;
  /// Of one client: it coordinates with a handful of peers at a time.
  std::size_t waiting_per_client_max = 16;
  /// What one of them keeps here: its session, candidates and profile. A browser's candidates take
  /// a few KiB; the waiting room is 16 MiB at most.
  std::size_t waiting_bytes_max = 16 * 1024;
};

/// WebRTC signalling between clients of the old dialect: what one says is handed to the other, byte
/// for byte and without being read, and two that want to begin at the same moment are told to
/// (BOOT-06, BOOT-11; protocol of the old dialect, section 3.5).
///
/// The JavaScript server answers every coordination with "Not registered", since it forgets who is
/// on a connection; here the intended conversation happens:
///
///     A: ice_coordinate -> ice_coordinate_pending ... B: ice_coordinate -> both: ice_start
///                                                 ... 10 s without B   -> ice_coordinate_timeout
///
/// and the same for a restart.
class LegacySignalling {
 public:
  struct Stats {
    std::uint64_t signals = 0;
    std::uint64_t signals_refused = 0;
    std::uint64_t coordinated = 0;
    std::uint64_t coordinations_timed_out = 0;
  };

  /// All three must outlive it.
  LegacySignalling(const LegacySignallingOptions& options, const link::LocalPeer& local,
                   const LegacyClients& clients, const LegacyOutcomes& outcomes);

  void on_request(Instant now, link::ConnectionId client, const wire::legacy::ForwardSignal& one);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::Signal& signal);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::JoinPeer& join);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::IceCoordinate& ask);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::IceRestartCoordinate& ask);
  void on_closed(link::ConnectionId client);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<LegacyDelivery> poll_effect() { return outbox_.poll(); }
  const Stats& stats() const { return stats_; }

 private:
  enum class Purpose : std::uint8_t { start, restart };
  /// A peer that waits for another to say the same.
  struct Waiting {
    Purpose purpose = Purpose::start;
    link::ConnectionId client;
    NodeId peer{};
    NodeId target{};
    std::string session_id;
    std::optional<wire::legacy::RawJson> candidates;
    std::optional<wire::legacy::RawJson> profile;
    Instant until{};
  };

  void coordinate(Instant now, Waiting&& asked);
  std::vector<Waiting>::iterator partner_of(const Waiting& asked);
  void begin(Instant now, const Waiting& one, const Waiting& other);
  static std::size_t bytes_of(const Waiting& one);
  void refuse(const Waiting& asked, std::string reason);
  template <typename Frame>
  void send(link::ConnectionId client, const Frame& frame);
  template <typename Frame, typename Error>
  void forward(link::ConnectionId sender, link::ConnectionId target, const Frame& frame,
               std::string if_sent, const Error& if_dropped);
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacySignallingOptions options_;
  const link::LocalPeer& local_;
  const LegacyClients& clients_;
  const LegacyOutcomes& outcomes_;
  std::vector<Waiting> waiting_;
  Outbox<LegacyDelivery> outbox_;
  Stats stats_;
};

}  // namespace trestle::node
