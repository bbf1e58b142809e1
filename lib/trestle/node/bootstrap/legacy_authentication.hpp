#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/node/bootstrap/legacy_clients.hpp"
#include "trestle/wire/legacy/authentication.hpp"

namespace trestle::node {

struct LegacyAuthenticationOptions {
  /// How long a challenge may be answered (section 2).
  Duration challenge_kept = std::chrono::minutes(2);
  /// Challenges open at a time. Whoever connects can open one, so beyond this the oldest is
  /// forgotten; a browser answers within a second.
  std::size_t challenges_max = 1000;
};

/// Browsers prove that they own the P-256 key their id is made from (protocol of the old dialect,
/// section 3.4). A failure does not close the connection, as in the JavaScript system: it is told
/// and counted. A success makes the id the client's own (LegacyClients).
///
///     registered -> auth_challenge {nonce} -> auth_response {signature} -> Verify -> auth_success
class LegacyAuthentication {
 public:
  using Effect = std::variant<LegacyText, link::Verify>;
  struct Stats {
    std::uint64_t challenges = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
  };

  /// `local` and `suite` must outlive it.
  LegacyAuthentication(const LegacyAuthenticationOptions& options, const link::LocalPeer& local,
                       crypto::Suite& suite)
      : options_(options), local_(local), suite_(suite) {}

  /// A client with this key has registered under this id.
  void challenge(Instant now, link::ConnectionId client, const NodeId& id,
                 const wire::PublicKey& key);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::AuthResponse& response);
  /// True if the client has proven its id by it.
  bool on_verified(Instant now, link::ConnectionId client, link::Ticket ticket, bool valid);
  void on_closed(link::ConnectionId client);

  std::optional<Effect> poll_effect() { return outbox_.poll(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Challenge {
    NodeId id{};
    wire::PublicKey key{};
    std::string signed_text;
    Instant until{};
    /// Set while the signature is being checked.
    std::optional<link::Ticket> ticket;
  };

  void fail(Instant now, link::ConnectionId client, std::string_view reason);
  void make_room(Instant now);
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyAuthenticationOptions options_;
  const link::LocalPeer& local_;
  crypto::Suite& suite_;
  /// One per connection: a new registration on it makes the old challenge worthless.
  FlatMap<link::ConnectionId, Challenge> challenges_;
  link::Ticket last_ticket_{};
  Outbox<Effect> outbox_;
  Stats stats_;
};

}  // namespace trestle::node
