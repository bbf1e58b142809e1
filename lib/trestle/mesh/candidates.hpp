#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/mesh/legacy_dialling.hpp"
#include "trestle/mesh/mesh_options.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/known_address.hpp"

namespace trestle::mesh {

/// The dialable peers we know of and when each may be dialled (again). A policy: it never dials.
///
///            hear / want                 choose               dial failed (< 5)
///   unknown -------------> idle (due at) ------> dialling ----------------------> idle (later)
///                            ^                    |      `-- 5th failure --> forgotten, 60 s
///                            | link lost          | open
///                            `------ linked <-----'
///
/// Peers that were linked once, whose link broke or whose dial failed, are *lost* as long as they
/// are idle or forgotten: they may be chosen for one dial now and then, however many links there
/// are.
class Candidates {
 public:
  Candidates(const CandidatesOptions& options, Rng rng);

  enum class Haste : std::uint8_t { spread, at_once };
  /// Somebody named this peer. False when it was not taken up: no address, forgotten a moment ago,
  /// or the table is full of better ones. A peer known already keeps its state, and its address
  /// unless that one failed.
  bool hear(Instant now, const wire::Contact& contact, Haste haste);
  /// As `hear`, but somebody asked for a link: it is dialled whatever the number of links, and
  /// taken up although forgotten, for one dial.
  bool want(Instant now, const wire::Contact& contact);
  /// Takes back one unfulfilled `want` whose peer is not being dialled, if there is one.
  std::optional<NodeId> unwant_any();

  void on_dial(const NodeId& id);
  struct Failure {
    unsigned attempts = 0;
    bool forgotten = false;
    /// It was a lost peer, dialled once more.
    bool probed = false;
  };
  /// Nothing if the peer is not known here.
  std::optional<Failure> on_dial_failed(Instant now, const NodeId& id);
  /// It is there and refused the link for want of room: that is no failure, and for as long as the
  /// longest wait between two dials nobody need try again.
  void on_full(Instant now, const NodeId& id);
  bool is_full(Instant now, const NodeId& id) const;
  /// Another id answered at its address: there is nobody to dial again.
  std::optional<Failure> on_wrong_id(Instant now, const NodeId& id);
  /// The peer is linked, by whichever side. True if it had been lost.
  bool on_linked(const wire::Contact& contact);
  /// The peer, if it is known, was linked in an earlier life of ours.
  void on_remembered(Instant now, const NodeId& id);
  enum class Ending : std::uint8_t { meant, suffered };
  /// The link is gone after it `lasted` so long. The peer is a candidate again if it can be
  /// dialled; a link that did not last counts like a failed dial.
  void on_unlinked(Instant now, const NodeId& id, Duration lasted,
                   Ending ending = Ending::suffered);

  enum class Choice : std::uint8_t { wanted_only, any };
  /// A random peer that may be dialled now; wanted ones first. Nothing if there is none.
  std::optional<wire::Contact> choose(Instant now, Choice choice);
  /// A random lost peer whose last dial is long ago.
  std::optional<wire::Contact> choose_lost(Instant now);
  /// When `choose` may next have something that it does not have at `now`.
  Instant next_due(Instant now, Choice choice) const;

  /// Peers that count for the size of the network as seen from here: dialable and not forgotten,
  /// linked ones included.
  std::size_t known() const { return known_; }
  /// Those of them that are linked.
  std::size_t linked() const { return linked_; }
  std::size_t lost() const { return lost_; }
  /// Those that somebody asked for and that are not linked yet.
  std::size_t wanted() const { return wanted_; }
  bool contains(const NodeId& id) const { return peers_.contains(id); }

 private:
  enum class Phase : std::uint8_t { idle, dialling, linked, forgotten };
  /// There are hundreds, and they are looked through: 40 bytes, a line of the cache with the id.
  struct Peer {
    wire::KnownAddress address;
    /// idle: not dialled before this. forgotten: until this.
    Instant due{};
    Instant last_linked{};
    Phase phase = Phase::idle;
    bool wanted = false;
    /// It was linked once.
    bool proven = false;
    /// Its link broke, or its dial failed, and it was not linked since.
    bool broken = false;
    /// The dial under way is one of a lost peer.
    bool probed = false;
    /// It had no room for us; until it is due.
    bool full = false;
    std::uint8_t failures = 0;
    /// Since the waits between dials were last short.
    std::uint8_t waits = 0;
  };

  static bool is_lost(const Peer& peer) {
    const bool is_free = peer.phase == Phase::idle || peer.phase == Phase::forgotten;
    return is_free && peer.proven && peer.broken;
  }
  enum class Claim : std::uint8_t { hearsay, wanted };
  bool take_up(Instant now, const wire::Contact& contact, Haste haste, Claim claim);
  Peer& admit(const wire::Contact& contact);
  /// Whether there is a place for one more unlinked peer; evicts a worse one for it if need be.
  bool make_room(Claim claim);
  FlatMap<NodeId, Peer>::iterator longest_untried();
  /// Who has been lost for too long is not remembered any more.
  void drop_stale(Instant now);
  std::size_t unlinked() const { return peers_.size() - linked_; }
  Failure fail(Instant now, Peer& peer, unsigned failures);
  Duration draw_redial_wait(Peer& peer);
  Duration draw_first_wait(wire::Dialect dialect, Haste haste);
  void enter(Peer& peer, Phase phase);
  void set_wanted(Peer& peer, bool wanted);
  enum class Trust : std::uint8_t { unproven, proven, broken };
  void set_trust(Peer& peer, Trust trust);
  FlatMap<NodeId, Peer>::iterator erase(FlatMap<NodeId, Peer>::iterator place);

  CandidatesOptions options_;
  Rng rng_;
  Rng backoff_rng_;
  LegacyDialling legacy_;
  FlatMap<NodeId, Peer> peers_;
  std::size_t known_ = 0;
  std::size_t linked_ = 0;
  std::size_t lost_ = 0;
  std::size_t wanted_ = 0;
  std::vector<std::size_t> eligible_;
};

}  // namespace trestle::mesh
