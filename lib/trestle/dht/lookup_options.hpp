#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::dht {

enum class LookupKind : std::uint8_t {
  find_node,   ///< Ends when the nearest have answered.
  find_value,  ///< Ends at the first record, or at as many as `quorum` asks for.
};

/// Whether the end of a lookup tells every question of it.
enum class StepReport : std::uint8_t { none, told };

/// So many paths a lookup can have at most: a byte has a bit for each.
inline constexpr std::size_t kLookupPathsMax = 8;

struct LookupOptions {
  /// Questions under way at a time (X30).
  std::size_t parallel_max = 4;
  /// Of a search for a value, until twice as many have answered, or one has failed or taken long:
  /// mostly the nearest we know has it, or somebody whom they name, and what else was asked
  /// meanwhile was asked in vain. One: among 3,000 a get takes 2.6 questions instead of the 3.7
  /// that it takes with two, and who is slower than usual is hedged.
  std::size_t parallel_at_first = 1;
  /// How many of the nearest must have answered (X30).
  std::size_t nearest = 20;
  /// Paths that share no peer (LOOK-08). More than one only for what is critical: each path has to
  /// find its own way. Three, where one in five peers lies, leave a lie on all of them in one
  /// lookup of a hundred. At most 8.
  std::size_t paths = 1;
  /// Records, from as many peers, that end a search for a value. Two and more for critical reads:
  /// the newest of them counts.
  std::size_t quorum = 1;
  /// Contacts read from one answer; what lies beyond is a lie or of no use (T9).
  std::size_t contacts_per_answer_max = 20;
  /// Contacts remembered. More than `asks_max`, so that whom we asked is never forgotten.
  std::size_t candidates_max = 256;
  /// Step bound: with ideal tables 26 questions close the set in a network of a million (D15).
  std::size_t asks_max = 128;
  /// Of those, questions carried by others to peers that we cannot reach (LOOK-07): each may cost
  /// several links, and a peer that nobody can dial is mostly one that is gone.
  std::size_t asks_through_max = 4;
  /// The same for peers that are there, but have no room for one more link, as small platforms
  /// often have none, or to which we have none to spare: as many as are sought.
  std::size_t asks_through_busy_max = 20;
  /// P-CR-7, LOOK-01.
  Duration timeout_connected = std::chrono::seconds(10);
  Duration timeout_unconnected = std::chrono::seconds(3);
  /// A peer that is linked but asleep, as a browser's hidden tab is (LOOK-08).
  Duration timeout_inactive = std::chrono::seconds(1);
  /// The whole of it (LOOK-01).
  Duration timeout_total = std::chrono::seconds(30);
  /// From then on an answer is still welcome, but another peer is asked in its stead: several times
  /// any healthy round trip, a third of the shortest timeout.
  Duration straggler_after = std::chrono::seconds(1);
  /// And never before so many round trips if it has to be dialled first: TCP, the upgrade, hello,
  /// proof and the question are five, three more where its way is longer than the average.
  std::int64_t dial_round_trips = 8;
  /// A peer that takes longer than 19 of 20 of its own answers is hedged: another one is asked as
  /// well; in a search for a value also one of which that is not known and that takes longer than a
  /// dial should. Never sooner than this: below, a busy loop looks like a lost peer.
  Duration hedge_after_min = std::chrono::milliseconds(20);
  /// That many of them in one lookup: the whole width once over. By then it is us who are slow.
  std::size_t hedges_max = 4;
  /// A search for nodes waits no longer for stragglers once this many have answered for each.
  std::size_t answers_per_straggler = 4;
  /// A search for a value is over, without it, once this many of the nearest have said no for each
  /// that is silent. What was acknowledged lies at more than half of them (design section 6), so
  /// two of three denying leaves it no place to be but with the silent ones. The risk: a value that
  /// was kept weakly, or whose holders have mostly left, may be missed when its last holder is
  /// slow.
  std::size_t denials_per_straggler = 2;
  /// A peer that named this many more dead contacts than living ones is believed last.
  std::uint32_t misleading_max = 3;
  StepReport steps = StepReport::none;
};

}  // namespace trestle::dht
