#pragma once

#include <cstdint>
#include <string_view>

namespace trestle::node {

/// Whether a member can do its job, and if not, why.
enum class Readiness : std::uint8_t {
  ready,
  /// Linked to the only peer it knows: the first node of a network, or its second. That much it can
  /// do, and nobody could confirm more.
  ready_as_a_pair,
  /// Linked, but its own neighbourhood has not been confirmed by two peers: it may be cut off from
  /// the network together with whom it is linked to.
  unconfirmed,
  isolated,
  /// Its disk failed or was removed: it serves what it has and keeps nothing new, until a restart.
  storage_failed,
  draining,
};

constexpr bool is_ready(Readiness readiness) {
  return readiness == Readiness::ready || readiness == Readiness::ready_as_a_pair;
}

constexpr std::string_view name(Readiness readiness) {
  switch (readiness) {
    case Readiness::ready:
      return "ready";
    case Readiness::ready_as_a_pair:
      return "ready; one other peer is all there is";
    case Readiness::unconfirmed:
      return "the last look-up of its own neighbourhood was not answered by two peers";
    case Readiness::isolated:
      return "no peer is linked";
    case Readiness::storage_failed:
      return "its disk failed: nothing new is kept";
    case Readiness::draining:
      return "going away";
  }
  return {};
}

}  // namespace trestle::node
