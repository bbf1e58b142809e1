#pragma once

#include <cstddef>

#include "trestle/base/time.hpp"
#include "trestle/link/backoff.hpp"
#include "trestle/mesh/announcements.hpp"
#include "trestle/mesh/legacy_dialling.hpp"
#include "trestle/mesh/stability.hpp"

namespace trestle::mesh {

struct CandidatesOptions {
  /// Unlinked peers remembered. Four times what a lookup names (k = 20) for each of the target
  /// links would be 640; more than that is never dialled before it is stale.
  std::size_t candidates_max = 512;
  /// Waits between the dials of one candidate (P-CR-3, CR1.4): full jitter, 1 s, x2, cap 30 s.
  link::BackoffOptions redial = {.base = std::chrono::seconds(1),
                                 .cap = std::chrono::seconds(30),
                                 .factor = 2,
                                 .attempts_max = 0};
  /// Dials of one candidate before it is forgotten (P-CR-3, X5).
  unsigned attempts_max = 5;
  /// A forgotten candidate is not taken up again from hearsay for this long: gossip repeats dead
  /// addresses long after their owner went. Two full series of dials fit in.
  Duration forget_for = std::chrono::seconds(60);
  /// A link that lived this long proves its peer: the attempts count from zero again (P-BR-3).
  Duration stable_after = std::chrono::seconds(10);
  /// Spread of the first dial after hearing of a peer. Long enough to have heard a whole list
  /// before the first of it is dialled (else everybody dials the head of the same list, and it
  /// becomes a hub, MESH-03), and that peers introduced to each other rarely dial both (RECOV-05);
  /// short enough not to be felt when joining.
  Duration first_dial_spread = std::chrono::milliseconds(50);
  /// Peers that were linked once, kept although they cannot be reached and whoever else is named.
  /// A quarter of all: twice the neighbourhoods of twenty that a broken network needs to be whole
  /// again, three times over.
  std::size_t lost_max = 128;
  /// They are remembered this long: twice the longest partition that is to heal by itself (P-CR-17:
  /// 24 h).
  Duration lost_for = std::chrono::hours(48);
  /// How to dial peers of the old dialect.
  LegacyDiallingOptions legacy;
};

/// From when on a link counts as idle: both must have passed.
struct Idleness {
  Duration unused{};
  Duration unserved{};  ///< Without any use but for our own upkeep.
};

struct MeshOptions {
  /// Links at most (SMp: 20 mobile, 50 desktop, 200 server).
  std::size_t links_max = 200;
  /// With at most this many known peers everybody is linked to everybody (X47).
  std::size_t full_mesh_max = 8;
  /// Links kept up by dialling beyond that size (X47; CC7.2: 3 to 8 each). Never below the 3 of
  /// CR8.5.
  std::size_t links_target = 8;
  /// A link between nodes that is idle, and is worth nothing to the routing beside the others, is
  /// let go (down to `links_target`). Each costs four messages a minute and some kilobytes at both
  /// ends, for a dial that may never be needed again; but a user who comes back within minutes
  /// should not wait for one: as long as the links to bridges (POOL-08). What was dialled for our
  /// own upkeep alone goes when a lookup is surely over, before it costs the first ping: such links
  /// were more than half of all, and their pings most of what a quiet network said.
  Idleness idle = {.unused = std::chrono::seconds(20), .unserved = std::chrono::minutes(5)};
  /// The same where a place is needed for a dial of our own: longer than a lookup takes, so that
  /// none loses the link on which it waits.
  Idleness idle_when_full = {.unused = std::chrono::seconds(20), .unserved = Duration::zero()};
  /// How often idle links are looked for, with as much again at random: two ends that look at the
  /// same moment let go of two links where one was too many.
  Duration idle_check_interval = std::chrono::seconds(45);
  /// Dials under way at the same time. A whole target's worth: MESH-02 allows 30 s for all of them,
  /// and one dial may take 10 s.
  std::size_t dials_max = 8;
  /// The same with those that a question waits for, which is given three seconds: ten lookups at a
  /// time have forty of them, and on slow lines each takes one or two.
  std::size_t wanted_dials_max = 32;
  /// A dial that was reported neither open nor failed is given up after this: connect timeout 10 s
  /// and handshake 10 s (reliability section 10), and half of that again.
  Duration dial_patience = std::chrono::seconds(30);
  /// Two links to one peer can only come from dials at the same moment if the older one is younger
  /// than a dial and a handshake may last. Beyond that the newer one means that the peer lost the
  /// older.
  Duration simultaneous_window = std::chrono::seconds(20);
  /// The dialler of the link that stays closes the other one, since it is the last to see both
  /// open; the accepting side waits this long for that before it closes the other one itself.
  Duration yield_grace = std::chrono::seconds(2);
  /// After the last link went nothing is dialled for one to two of these: the first thing to try is
  /// the bootstrap node (P-CR-16), to which the joiner turns within a second.
  Duration isolation_pause = std::chrono::milliseconds(1500);
  /// A lost peer is dialled once in one to two of these. A dozen nodes that remember a dozen others
  /// find them within seconds, one alone its last twenty within a quarter of an hour.
  Duration probe_interval = std::chrono::seconds(30);
  /// The interval doubles with each of them that is not there, up to this, and is the first again
  /// when one is, or another one is lost: where members come and go for good, most dials would
  /// otherwise go to the dead. Two halves that find each other's first member within minutes find
  /// the others at once.
  Duration probe_interval_max = std::chrono::minutes(4);
  /// After one of them was found, the next is tried so soon.
  Duration probe_after_success = std::chrono::seconds(1);
  CandidatesOptions candidates;
  AnnouncementsOptions announcements;
  StabilityOptions stability;
};

/// The three profiles of SMp.
inline MeshOptions mobile_mesh_options() {
  MeshOptions options;
  options.links_max = 20;
  return options;
}
inline MeshOptions desktop_mesh_options() {
  MeshOptions options;
  options.links_max = 50;
  return options;
}
inline MeshOptions server_mesh_options() { return {}; }

}  // namespace trestle::mesh
