#pragma once

#include <cstdint>
#include <span>

#include "trestle/base/time.hpp"

namespace trestle::pool {

struct EjectionOptions {
  /// Answers of a type that does not belong to the request, one after the other, until a bridge is
  /// suspected. One may be a bug in a rare case; three in a row are the bridge.
  std::uint32_t bad_answers_to_suspect = 3;
  /// How long it is suspected. Afterwards it is asked again; the next bad answer suspects it at
  /// once.
  Duration suspect_for = std::chrono::seconds(30);
  /// Bridges that stay in the rotation however bad they are, as long as so many are connected. One:
  /// with two bridges, the good one must be able to stand alone.
  std::uint32_t usable_min = 1;
};

/// What the answers of one bridge say about it.
class BadAnswers {
 public:
  void on_good_answer() { *this = {}; }
  void on_bad_answer(Instant now, const EjectionOptions& options);

  /// 0: trusted. Otherwise the number of bad answers in a row: the more, the sooner it is left out.
  std::uint32_t badness(Instant now) const { return now < suspected_until_ ? in_a_row_ : 0; }
  /// When it is trusted again; in the past if it is.
  Instant suspected_until() const { return suspected_until_; }

 private:
  std::uint32_t in_a_row_ = 0;
  Instant suspected_until_{};
};

/// One bridge, as the rule below sees it.
struct BridgeHealth {
  bool is_connected = false;
  std::uint32_t badness = 0;
};

/// The ejection rule, in integers: which bridges (bit i for `health[i]`, at most 64) may be asked.
///
/// Never one that is not connected. Every connected one that is trusted. And while these are fewer
/// than `usable_min`, the least bad of the rest, of equals the first. A share ("at most half may be
/// ejected") decides by rounding when there are two to five bridges; a count does not.
std::uint64_t usable_bridges(std::span<const BridgeHealth> health, std::uint32_t usable_min);

}  // namespace trestle::pool
