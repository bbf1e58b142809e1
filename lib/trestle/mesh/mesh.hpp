#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/mesh/candidates.hpp"
#include "trestle/mesh/collision.hpp"
#include "trestle/mesh/mesh_options.hpp"
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

using MeshEffect = std::variant<Connect, Disconnect, LinkUp, LinkMoved, LinkDown, ContactFailed,
                                Isolated, LogRecord>;

/// One live link.
struct Link {
  wire::Contact peer;
  link::ConnectionId connection;
  Direction direction = Direction::dialled;
  Instant since{};
  /// Smoothed as RFC 6298 smooths it (1/8 of each new sample); zero before the first.
  Duration rtt{};
};

struct MeshStats {
  std::uint64_t links = 0;
  std::uint64_t links_peak = 0;
  std::uint64_t links_up = 0;
  std::uint64_t links_down = 0;
  std::uint64_t links_moved = 0;
  std::uint64_t links_refused = 0;  ///< Own id, or the limit was reached.
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t dialling = 0;
  std::uint64_t collisions = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t isolated = 0;
  std::uint64_t contacts_refused = 0;  ///< Own id, not dialable, forgotten just now, or table full.
  std::uint64_t known = 0;
};

/// The set of live links to peers: one per id, never two (P-CR-20), and the peers to dial so that
/// there are enough of them (MESH-02, MESH-03, X47).
///
/// Driven by the node, which dials, shakes hands and reports; a connection is reported open only
/// when the peer has proved its id (or said it, in the old dialect). When two connections to one
/// peer open, `decide` in collision.hpp says which stays; the peer stays linked meanwhile
/// (`LinkMoved`). The connection that goes may remain open for `yield_grace` as a spare: messages
/// on it are still welcome, and if the one that stays breaks the link moves back to it.
class Mesh {
 public:
  Mesh(const wire::Contact& self, const MeshOptions& options, Rng rng);

  // ---- commands ----
  /// A link to this peer is wanted now, whatever the number of links. Linked or being dialled
  /// already is fine. Ends in `LinkUp` or `ContactFailed`; nothing is said if the link exists.
  /// Refused: INVALID_REQUEST (own or zero id), UNREACHABLE (no address), BUSY (limit of links or
  /// candidates).
  Result<void, ErrorCode> connect(Instant now, const wire::Contact& contact);

  // ---- inputs ----
  /// A peer was named by somebody. A hint only.
  void on_contact(Instant now, const wire::Contact& contact);
  void on_dial_started(Instant now, const NodeId& peer, link::ConnectionId connection);
  /// The `Connect` could not even be begun.
  void on_dial_refused(Instant now, const NodeId& peer, ErrorCode code);
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code);
  /// A connection is open and its peer known. `peer` may be another than the one dialled.
  void on_link_opened(Instant now, link::ConnectionId connection, const wire::Contact& peer,
                      Direction direction);
  /// The connection ended and not by our `Disconnect`. Unknown ones are ignored.
  void on_link_closed(Instant now, link::ConnectionId connection, ErrorCode code);
  void on_rtt(Instant now, const NodeId& peer, Duration rtt);

  // ---- time, drain, look ----
  Instant next_deadline() const { return deadline_; }
  void on_deadline(Instant now);
  std::optional<MeshEffect> poll_effect() { return outbox_.poll(); }
  MeshStats stats() const;

  /// All live links in the order of their ids. Valid until the next changing call.
  const FlatMap<NodeId, Link>& links() const { return links_; }
  std::optional<link::ConnectionId> find(const NodeId& peer) const;
  /// How many links the mesh keeps up by dialling, given the peers it knows.
  std::size_t links_wanted() const;

 private:
  struct Spare {
    Link link;
    Instant closes{};
  };
  struct DialState {
    wire::Contact peer;
    /// Absent before the driver has named the connection.
    std::optional<link::ConnectionId> connection;
    Instant gives_up{};
  };

  using Dials = std::vector<DialState>;

  void open_first(Instant now, const Link& link);
  void open_second(Instant now, const Link& arrived);
  void move_to(const Link& next);
  void keep_spare(Instant now, const Link& link);
  void take_down(Instant now, const NodeId& peer, ErrorCode code);
  void refuse_link(const Link& link, ErrorCode code);
  /// Our own dial of a peer that has just linked itself: the polite side lets it go.
  void yield_dial(Instant now, const wire::Contact& peer);
  void fail_dial(Instant now, Dials::iterator dial, ErrorCode code);
  void settle_dial(Instant now, Link& opened);
  void report_failure(const NodeId& peer, ErrorCode code,
                      const std::optional<Candidates::Failure>& failure);
  Dials::iterator find_dial(link::ConnectionId connection);
  Dials::iterator find_dial(const NodeId& peer);
  void disconnect(link::ConnectionId connection, ErrorCode code);
  bool has_room() const { return links_.size() + dials_.size() < options_.links_max; }
  /// Dials what there is to dial and computes the next deadline. Ends every changing call.
  void pump(Instant now);
  void arm(Instant now);
  void log(LogLevel level, std::string_view event, ErrorCode code, const NodeId& peer,
           std::string_view detail);

  wire::Contact self_;
  MeshOptions options_;
  Candidates candidates_;
  FlatMap<NodeId, Link> links_;
  FlatMap<NodeId, Spare> spares_;
  /// Whose a connection is, live or spare.
  FlatMap<link::ConnectionId, NodeId> owners_;
  Dials dials_;
  Instant deadline_ = kNever;
  Outbox<MeshEffect> outbox_;
  MeshStats stats_;
};

}  // namespace trestle::mesh
