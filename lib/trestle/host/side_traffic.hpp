#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::host {

struct SideTrafficOptions {
  /// Control frames a second that a peer may send, on average from one look to the next
  /// (reliability.md section 10). The largest has 131 bytes, and may lie in a TLS record of its
  /// own.
  std::uint32_t control_frames_per_second = 50;
  /// What belongs to messages and is not counted with them: a head, and a TLS record around each
  /// piece in which they arrive.
  std::size_t bytes_per_piece = 64;
  /// What may lie, read and not yet reported, in the buffers of TLS and WebSocket.
  std::size_t slack_bytes = 64 * 1024;
};

/// Whether what a peer sends besides its messages stays within bounds: pings, pongs, and whatever
/// else the WebSocket library answers or swallows without telling anybody. A policy over two
/// numbers: what came over the wire, and what came as messages; the rest is the traffic beside.
class SideTraffic {
 public:
  explicit SideTraffic(const SideTrafficOptions& options) : options_(&options) {}

  /// One piece of a message.
  void on_piece(std::size_t bytes) { message_bytes_ += bytes + options_->bytes_per_piece; }
  /// `wire_bytes` were read since the connection was made, the last look was `seconds` ago. True if
  /// more of them came beside messages meanwhile than may.
  bool look(std::uint64_t wire_bytes, std::uint32_t seconds);

 private:
  const SideTrafficOptions* options_;
  std::uint64_t message_bytes_ = 0;  ///< Since the last look.
  std::uint64_t wire_bytes_ = 0;
  bool was_looked_at_ = false;
};

}  // namespace trestle::host
