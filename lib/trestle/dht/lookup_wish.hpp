#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trestle/dht/lookup_options.hpp"

namespace trestle::dht {

/// Who goes the way of a search for nodes (X29).
enum class LookupMode : std::uint8_t {
  /// We ask peer after peer. The default: it sees every step, leaves nobody else with our work, and
  /// needs no trust in what lies between.
  iterative,
  /// The network hands the question on, which saves round trips where links are slow. Only the
  /// last of the way is then asked by ourselves. Needs peers that know each other well: every
  /// forwarder works for somebody it cannot see, and a single liar on the way misleads. Falls back
  /// to asking ourselves when nothing comes back.
  recursive,
};

/// How a user wants a lookup to be done.
struct LookupWish {
  /// Paths that share no peer (LOOK-08), up to `kLookupPathsMax`. More than one is for what must
  /// not be missed, and a search for a value then ends with the newest of several copies, of which
  /// our own is one. Three are enough as a rule: S/Kademlia finds 99 % of its targets on eight
  /// paths with a fifth of the network hostile, three cost what one costs and leave a lie on all of
  /// them improbable.
  std::size_t paths = 1;
  StepReport steps = StepReport::none;
  /// Of a search for nodes. Nothing: as the node does them all.
  std::optional<LookupMode> mode{};

  bool is_possible() const { return paths >= 1 && paths <= kLookupPathsMax; }
};

}  // namespace trestle::dht
