#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rate_account.hpp"
#include "trestle/base/time.hpp"
#include "trestle/mesh/collision.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::mesh {

struct AnnouncementsOptions {
  /// Peers remembered as known to the others; the one unheard of for longest gives way. Five times
  /// the links of a server.
  std::size_t remembered_max = 1024;
  /// Who was away for longer is a newcomer again. About a refresh interval of the tables.
  Duration remembered_for = std::chrono::minutes(10);
  /// To somebody who is new himself everybody is new: nothing is announced before the first link is
  /// this old. Longer than it takes to link to all whom one was introduced to.
  Duration settled_after = std::chrono::seconds(5);
  /// Ours: a join storm must not become one of announcements, each of which goes out on every link.
  std::uint32_t told_at_once_max = 20;
  Duration told_every = std::chrono::milliseconds(250);
  /// One peer's, in the same measure: whoever keeps to it is heard in full.
  std::uint32_t heard_at_once_max = 40;
  Duration heard_every = std::chrono::milliseconds(200);
};

/// Whom to tell the others of, and which of their announcements are news (MESH-01, P-CR-18). A
/// policy.
///
/// A newcomer dials those it was introduced to. They tell everybody they are linked to, once; who
/// hears of a peer remembers that it was announced and passes nothing on, so a join costs as many
/// messages as the helpers have links, and a flood reaches nobody but its author's peers.
class Announcements {
 public:
  explicit Announcements(const AnnouncementsOptions& options) : options_(options) {}

  /// A peer is linked. True if the other linked ones should hear of it.
  bool on_link_up(Instant now, const wire::Contact& peer, Direction direction);
  void on_link_down(const NodeId& peer) { senders_.erase(peer); }
  /// No link is left: we come back as a newcomer.
  void on_isolated() { linked_since_ = kNever; }

  enum class Verdict : std::uint8_t { news, repeated, too_many };
  /// `from`, which is linked, announces a peer.
  Verdict on_announced(Instant now, const NodeId& from, const NodeId& peer);

  std::size_t remembered() const { return remembered_.size(); }

 private:
  /// True if the peer was not remembered, or not lately.
  bool remember(Instant now, const NodeId& peer);

  AnnouncementsOptions options_;
  /// When each was last linked or announced.
  FlatMap<NodeId, Instant> remembered_;
  FlatMap<NodeId, RateAccount> senders_;  ///< Who is linked.
  RateAccount told_;
  Instant linked_since_ = kNever;
};

}  // namespace trestle::mesh
