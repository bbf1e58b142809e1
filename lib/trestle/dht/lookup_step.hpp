#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

namespace trestle::dht {

/// Why a peer was asked.
enum class AskReason : std::uint8_t {
  nearest,    ///< The nearest candidate that was not asked yet.
  connected,  ///< As near as the nearest, and a link to it is open.
  quicker,    ///< As near as the nearest, and it answers sooner (LOOK-04).
  hedge,      ///< Another one took longer than it usually does.
  stand_in,   ///< In the place of one that failed.
};

/// `nearest`, `connected`, ...: for logs and traces. Static storage.
constexpr std::string_view name(AskReason reason) {
  switch (reason) {
    case AskReason::connected:
      return "connected";
    case AskReason::quicker:
      return "quicker";
    case AskReason::hedge:
      return "hedge";
    case AskReason::stand_in:
      return "stand-in";
    case AskReason::nearest:
      break;
  }
  return "nearest";
}

/// One question of a lookup, for whoever wants to know how it went (OBS-08).
struct LookupStep {
  NodeId peer{};
  /// Who named it; nothing if we knew it ourselves.
  std::optional<NodeId> named_by;
  AskReason reason = AskReason::nearest;
  /// A link was open when it was asked.
  bool connected = false;
  /// Asked by way of this peer, to which there is a link (LOOK-07).
  std::optional<NodeId> through;
  /// Since the lookup began.
  Duration asked_after{};
  /// Until the answer or the failure; nothing if the lookup ended before.
  std::optional<Duration> took;
  ErrorCode code = ErrorCode::none;
  /// Contacts in the answer.
  std::uint32_t contacts = 0;
  /// Answers that led here, this one included.
  std::uint32_t hop = 0;
};

}  // namespace trestle::dht
