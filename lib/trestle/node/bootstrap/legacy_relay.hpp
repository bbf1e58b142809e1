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
#include "trestle/wire/legacy/relay.hpp"

namespace trestle::node {

struct LegacyRelayOptions {
  /// Sessions at a bootstrap node, and how long one lives without a frame (section 2).
  std::size_t sessions_max = 500;
  Duration idle_kept = std::chrono::minutes(5);
  /// Sessions that one client began: a tenth of all, so that one cannot take the place of others.
  std::size_t sessions_per_client_max = 50;
  /// Of a session's name, which is kept; a JavaScript client's has about 20.
  std::size_t session_name_bytes_max = 128;
};

/// Carries payloads between two clients of the old dialect that cannot reach each other, unread
/// (protocol of the old dialect, section 7). The JavaScript server never acknowledges a session and
/// forwards in the name of "unknown"; here the sender is named, and only the two ends of a session
/// may use it.
class LegacyRelay {
 public:
  struct Stats {
    std::uint64_t sessions_opened = 0;
    std::uint64_t sessions_refused = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t dropped = 0;  ///< Of a session or for a peer that is not there.
  };

  /// `local` and `clients` must outlive it.
  LegacyRelay(const LegacyRelayOptions& options, const link::LocalPeer& local,
              const LegacyClients& clients)
      : options_(options), local_(local), clients_(clients) {}

  void on_request(Instant now, link::ConnectionId client, const wire::legacy::RelayRequest& ask);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::RelayForward& one);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::RelayClose& close);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::RelayPing& ping);
  void on_closed(Instant now, link::ConnectionId client);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<LegacyDelivery> poll_effect() { return outbox_.poll(); }
  std::size_t sessions() const { return sessions_.size(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Session {
    std::string id;
    link::ConnectionId initiator;
    link::ConnectionId target;
    Instant last_used{};
    link::ConnectionId other_end(link::ConnectionId client) const {
      return client == initiator ? target : initiator;
    }
  };

  Session* find(link::ConnectionId client, const std::string& id);
  /// Success without an error.
  wire::legacy::RelayAck ack_of(Instant now, const std::string& session,
                                std::optional<std::string> error = std::nullopt) const;
  void refuse(Instant now, link::ConnectionId client, const std::string& session,
              std::string reason);
  void tell_closed(Instant now, link::ConnectionId client, const std::string& session,
                   std::string reason);
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyRelayOptions options_;
  const link::LocalPeer& local_;
  const LegacyClients& clients_;
  std::vector<Session> sessions_;
  Outbox<LegacyDelivery> outbox_;
  Stats stats_;
};

}  // namespace trestle::node
