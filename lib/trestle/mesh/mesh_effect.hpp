#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/mesh/collision.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::mesh {

/// Dial this peer; report `on_dial_started`, or `on_dial_refused` if no dial can be begun.
struct Connect {
  wire::Contact contact;
};
/// Close this connection, or abandon its dial. Nothing is to be reported of it afterwards.
struct Disconnect {
  link::ConnectionId connection;
  ErrorCode code = ErrorCode::none;
};
/// The peer is linked; talk to it on this connection.
struct LinkUp {
  wire::Contact peer;
  link::ConnectionId connection;
};
/// The peer stays linked; talk to it on this other connection from now on.
struct LinkMoved {
  NodeId peer;
  link::ConnectionId connection;
};
/// No connection to the peer is left.
struct LinkDown {
  NodeId peer;
  ErrorCode code = ErrorCode::none;
};
/// A dial of the peer failed, or what `connect` asked for is no longer possible. Ends that wish;
/// unless `forgotten`, the mesh may dial the peer again later for reasons of its own.
struct ContactFailed {
  NodeId peer;
  ErrorCode code = ErrorCode::none;
  unsigned attempts = 0;
  bool forgotten = false;
};
/// The last link went. Follows its `LinkDown`.
struct Isolated {};
/// Tell the peers on these connections of a newcomer (MESH-01).
struct AnnouncePeer {
  wire::Contact peer;
  std::vector<link::ConnectionId> to;
};
/// A peer announced this one. A hint, as every contact; the mesh has noted it for itself.
struct PeerAnnounced {
  wire::Contact peer;
};

using MeshEffect = std::variant<Connect, Disconnect, LinkUp, LinkMoved, LinkDown, ContactFailed,
                                Isolated, AnnouncePeer, PeerAnnounced, LogRecord>;

/// What a link is used for: to keep up what we know ourselves, or for anything else.
enum class Use : std::uint8_t { upkeep, service };

/// One live link.
struct Link {
  wire::Contact peer;
  link::ConnectionId connection;
  Direction direction = Direction::dialled;
  Instant since{};
  /// When something was last asked on it by either side, or answered to us; keepalive is not use.
  Instant used{};
  /// The same without our own upkeep; `Instant::min()` if there was nothing else yet.
  Instant served = Instant::min();
  /// Smoothed as RFC 6298 smooths it (1/8 of each new sample); zero before the first.
  Duration rtt{};
};

struct MeshStats {
  std::uint64_t links = 0;
  std::uint64_t links_peak = 0;
  std::uint64_t links_up = 0;
  std::uint64_t links_down = 0;
  std::uint64_t links_moved = 0;
  std::uint64_t links_refused = 0;   ///< Own id, or the limit was reached.
  std::uint64_t links_given_up = 0;  ///< For a newcomer that is worth more, or by command.
  std::uint64_t links_let_go = 0;    ///< Idle, and worth nothing beside the others.
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t dialling = 0;
  std::uint64_t collisions = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t isolated = 0;
  std::uint64_t contacts_refused = 0;  ///< Own id, not dialable, forgotten just now, or table full.
  std::uint64_t known = 0;
  std::uint64_t lost = 0;                    ///< Once linked, and not to be reached of late.
  std::uint64_t lost_probed = 0;             ///< Dials of such peers.
  std::uint64_t announced = 0;               ///< Newcomers that we told our peers of.
  std::uint64_t announcements_heard = 0;     ///< That were news.
  std::uint64_t announcements_repeated = 0;  ///< Of a newcomer we knew.
  std::uint64_t announcements_refused = 0;   ///< More than a peer may send.
};

}  // namespace trestle::mesh
