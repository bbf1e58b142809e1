#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/mesh/announcements.hpp"
#include "trestle/mesh/candidates.hpp"
#include "trestle/mesh/link_worth.hpp"
#include "trestle/mesh/mesh_effect.hpp"
#include "trestle/mesh/mesh_options.hpp"
#include "trestle/mesh/stability.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::mesh {

/// The set of live links to peers: one per id, never two (P-CR-20), and the peers to dial so that
/// there are enough of them (MESH-02, MESH-03, X47).
///
/// Driven by the node, which dials, shakes hands and reports; a connection is reported open only
/// when the peer has proved its id (or said it, in the old dialect). When two connections to one
/// peer open, `decide` in collision.hpp says which stays; the peer stays linked meanwhile
/// (`LinkMoved`). The connection that goes may remain open for `yield_grace` as a spare: messages
/// on it are still welcome, and if the one that stays breaks the link moves back to it.
///
/// Peers that were linked once and cannot be reached any more are dialled now and then, one at a
/// time, however many links there are: where a network broke in two, each half is content with
/// itself, and only somebody's memory of the other half brings them together (RECOV-06).
class Mesh {
 public:
  Mesh(const wire::Contact& self, const MeshOptions& options, Rng rng);

  // ---- commands ----
  /// A link to this peer is wanted now, whatever the number of links. Linked or being dialled
  /// already is fine. Ends in `LinkUp` or `ContactFailed`; nothing is said if the link exists.
  /// Refused: INVALID_REQUEST (own or zero id), UNREACHABLE (no address), BUSY (limit of links or
  /// candidates).
  Result<void, ErrorCode> connect(Instant now, const wire::Contact& contact);
  /// Ends the link to this peer, if there is one, for the owner's reasons. It stays a candidate.
  void drop(Instant now, const NodeId& peer);
  /// Memory is short: lets every link go that it can spare and that carries nothing just now.
  void let_go_of_idle(Instant now);
  /// From now on a newcomer that is worth more takes the place of a link when all are taken, and
  /// idle links that are worth nothing are let go. Borrowed, outlives the mesh; null: the newcomer
  /// is refused, and links are kept.
  void value_links_by(const LinkWorth* worth) { worth_ = worth; }

  // ---- inputs ----
  /// A peer was named by somebody. A hint only.
  void on_contact(Instant now, const wire::Contact& contact);
  /// We were linked to this peer before we were started. Unlike other hearsay it is never given up
  /// for good.
  void on_remembered(Instant now, const wire::Contact& contact);
  /// A linked peer announces a newcomer.
  void on_announced(Instant now, const NodeId& from, const wire::Contact& contact);
  void on_dial_started(Instant now, const NodeId& peer, link::ConnectionId connection);
  /// The `Connect` could not even be begun.
  void on_dial_refused(Instant now, const NodeId& peer, ErrorCode code);
  /// `reason`: for the log.
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason = {});
  /// A connection is open and its peer known. `peer` may be another than the one dialled.
  void on_link_opened(Instant now, link::ConnectionId connection, const wire::Contact& peer,
                      Direction direction);
  /// The connection ended and not by our `Disconnect`. Unknown ones are ignored.
  void on_link_closed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason = {});
  void on_rtt(Instant now, const NodeId& peer, Duration rtt);
  /// A question, ours or its own, or an answer to ours went over the link to this peer: it is not
  /// idle. Ours count when they leave: who waits on a link must not lose it.
  void on_used(Instant now, const NodeId& peer, Use use);

  // ---- time, drain, look ----
  Instant next_deadline() const { return deadline_; }
  void on_deadline(Instant now);
  std::optional<MeshEffect> poll_effect();
  /// A dial of that peer has begun, and has not ended.
  bool is_dialling(const NodeId& peer) const;
  MeshStats stats() const;
  /// How well the links hold (MESH-05).
  const Stability& stability() const { return stability_; }

  /// All live links in the order of their ids. Valid until the next changing call.
  const FlatMap<NodeId, Link>& links() const { return links_; }
  std::optional<link::ConnectionId> find(const NodeId& peer) const;
  /// How many links the mesh keeps up by dialling, given the peers it knows.
  std::size_t links_wanted() const;
  /// For ourselves, whether or not a question waits for one.
  bool wants_more_links() const;

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
  void announce(Instant now, const Link& link);
  /// Whether there is, or was made, a place for a link to this newcomer.
  bool make_place(Instant now, const wire::Contact& newcomer);
  /// The links that are idle in that sense, least recently used first.
  std::vector<NodeId> idle_links(Instant now, const Idleness& idle) const;
  bool may_spare_links() const;
  /// Those of them that are worth nothing, so many at most, and none that the target counts on.
  std::vector<NodeId> spare_links(Instant now, const Idleness& idle, std::size_t count_max) const;
  /// Lets go of these; says of how many.
  std::size_t let_go(Instant now, const Idleness& idle, std::size_t count_max);
  void let_go_idle(Instant now);
  /// When the next of those that upkeep alone uses is idle, if that is before `latest`.
  Instant next_idle(Instant now, Instant latest) const;
  void give_up(Instant now, const NodeId& peer);
  void end_link(Instant now, const NodeId& peer, ErrorCode code);
  void open_second(Instant now, const Link& arrived);
  void move_to(const Link& next);
  void keep_spare(Instant now, const Link& link);
  using Ending = Candidates::Ending;
  void take_down(Instant now, const NodeId& peer, ErrorCode code, Ending ending);
  void give_back(Instant now, const wire::Contact& peer);
  void refuse_link(const Link& link, ErrorCode code);
  /// Our own dial of a peer that has just linked itself: the polite side lets it go.
  void yield_dial(Instant now, const wire::Contact& peer);
  void fail_dial(Instant now, Dials::iterator dial, ErrorCode code, std::string_view reason = {});
  void settle_dial(Instant now, Link& opened);
  void report_failure(const wire::Contact& peer, ErrorCode code, std::string_view reason,
                      const std::optional<Candidates::Failure>& failure);
  Dials::iterator find_dial(link::ConnectionId connection);
  Dials::iterator find_dial(const NodeId& peer);
  void disconnect(link::ConnectionId connection, ErrorCode code);
  bool has_room() const { return links_.size() + dials_.size() < options_.links_max; }
  /// Dials what there is to dial and computes the next deadline. Ends every changing call.
  void pump(Instant now);
  void dial(const wire::Contact& contact, Instant now);
  void probe_lost(Instant now);
  void arm(Instant now);
  void log(LogLevel level, std::string_view event, ErrorCode code, const NodeId& peer,
           std::string_view detail);

  wire::Contact self_;
  MeshOptions options_;
  Rng rng_;
  Candidates candidates_;
  Announcements announcements_;
  Stability stability_;
  const LinkWorth* worth_ = nullptr;
  FlatMap<NodeId, Link> links_;
  FlatMap<NodeId, Spare> spares_;
  /// Whose a connection is, live or spare.
  FlatMap<link::ConnectionId, NodeId> owners_;
  Dials dials_;
  /// Nothing is dialled before this: the bootstrap goes first (P-CR-16).
  Instant dials_from_ = Instant::min();
  Instant probe_at_ = kNever;
  Duration probe_interval_;
  Instant idle_check_at_ = kNever;
  Instant deadline_ = kNever;
  Outbox<MeshEffect> outbox_;
  MeshStats stats_;
};

}  // namespace trestle::mesh
