#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/sim/connection.hpp"

// What a network tells: its nodes, its world, and whoever reads its figures.

namespace trestle::sim {

/// An input for a node that a network event led to.
struct Delivery {
  enum class Kind : std::uint8_t { accepted, dialled, dial_failed, frame, drained, closed };
  Kind kind = Kind::accepted;
  NodeIndex node = kNoNode;
  NodeIndex peer = kNoNode;
  link::ConnectionId id{};
  std::uint32_t slot = 0;
  ConnectionSerial connection = 0;
  Side side = kDialler;
  ErrorCode code = ErrorCode::none;
  std::uint16_t status = 0;
  std::size_t drained = 0;
  std::string_view reason;  ///< Static storage. A close that was sent carries its own as bytes.
  Item item;                ///< What arrived.
};

/// Which end of which connection a node means by an id of its own. Until the next order or event.
struct HeldEnd {
  std::uint32_t slot = 0;
  Side side = kDialler;
};

/// What came out of a stream of bytes is not what was said into it.
struct Complaint {
  NodeIndex speaker = kNoNode;
  /// The codec refuses what the speaker had it say: his fault alone.
  bool is_refusal = false;
  std::string text;
};

struct NetworkStats {
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t accepted = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_delivered = 0;
  std::uint64_t frames_lost =
      0;  ///< In flight when the connection broke, or for an end that was gone.
  std::uint64_t bytes_sent = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t resets = 0;
  std::uint64_t stalls = 0;
  std::uint64_t stalls_given_up = 0;
  std::uint64_t late_opens = 0;  ///< An abandoned dial that reached its listener all the same.
  // Of streams of bytes.
  std::uint64_t segments_sent = 0;
  std::uint64_t reads = 0;         ///< Of one segment or several.
  std::uint64_t reads_joined = 0;  ///< Of several.
  std::uint64_t reads_cut = 0;     ///< They ended inside an upgrade or a frame.
};

}  // namespace trestle::sim
