#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/admission/gatekeeper.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/node/admission_options.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

/// What became of what somebody showed.
enum class Verdict : std::uint8_t {
  admitted,  ///< It was held, and is a member.
  renewed,   ///< It was admitted before.
  newcomer,  ///< It shows no membership, and is held as before.
  refused,   ///< What it shows is not good, or not any more.
  unasked,   ///< Of nobody whose credentials count here.
};

struct LinkGateStats {
  std::uint64_t newcomers = 0;  ///< Held now.
  std::uint64_t admitted = 0;   ///< Linked members, now.
  std::uint64_t refused_total = 0;
  std::uint64_t no_room_total = 0;
  std::uint64_t expired_total = 0;
  std::uint64_t revoked_total = 0;
};

/// Between the channels of a node and everything behind them, where the network is entered by
/// invitation: a link that is open leads nowhere until its peer has shown that it is a member. A
/// policy; in an open network it lets everybody pass and costs nothing.
///
///     opened --hold--> newcomer --present: admitted--> member --ended, revoked--> unwelcome
///                         | present: refused, overdue
///                         `--> to be closed
///
/// Who says that it is a bridge has to be one: a founder certified it.
///
/// Peers of the old dialect have nothing to show: where they are served at all, they pass. So do
/// bootstrap nodes, which show the shared secret to whom it concerns.
class LinkGate {
 public:
  LinkGate(const AdmissionOptions& options, crypto::Suite& suite, std::string_view network);

  bool is_on() const { return options_.mode == Admission::invitation; }
  /// Whether that peer has to show something.
  bool is_due(const wire::Contact& peer) const;
  /// False: there are too many newcomers.
  bool hold(Instant now, link::ConnectionId connection, const wire::Contact& peer);
  bool holds(link::ConnectionId connection) const { return newcomers_.contains(connection); }
  Verdict present(WallTime wall, link::ConnectionId connection,
                  const wire::Credentials& credentials);
  void forget(link::ConnectionId connection);

  /// Newcomers that have had their time.
  std::vector<link::ConnectionId> overdue(Instant now) const;
  /// Members that are none any more, by the calendar or by a list.
  std::vector<link::ConnectionId> unwelcome(WallTime wall);
  /// Links to members, in order.
  std::vector<link::ConnectionId> admitted() const;
  /// Of whom was admitted on that link.
  const crypto::Membership* membership(link::ConnectionId connection) const;

  /// Whether the other side has other lists than we, and we have any.
  bool lacks_lists(const wire::RevocationsMark& theirs) const;
  const wire::RevocationsMark& mark() const { return mark_; }
  /// As `Gatekeeper::adopt`.
  Result<crypto::VerifiedRevocationList, ErrorCode> adopt(ByteSpan list);

  Instant next_deadline() const;
  admission::Gatekeeper& keeper() { return keeper_; }
  const admission::Gatekeeper& keeper() const { return keeper_; }
  const AdmissionOptions& options() const { return options_; }
  LinkGateStats stats() const;

 private:
  struct Newcomer {
    NodeId id;
    wire::Role role = wire::Role::node;
    Instant due{};
  };
  struct Inside {
    NodeId id;
    wire::Role role = wire::Role::node;
    admission::Admitted as;
  };

  AdmissionOptions options_;
  crypto::Suite* suite_;
  admission::Gatekeeper keeper_;
  FlatMap<link::ConnectionId, Newcomer> newcomers_;
  FlatMap<link::ConnectionId, Inside> inside_;
  wire::RevocationsMark mark_{};
  LinkGateStats stats_;
};

/// Lists one after the other, each behind its length in four bytes: as they are kept in a file.
Bytes pack(const std::vector<Bytes>& lists);
/// As far as the bytes make sense.
std::vector<Bytes> unpack(ByteSpan packed);

/// What a newcomer is told that asks for anything but a membership.
wire::Failure not_a_member();

}  // namespace trestle::node
