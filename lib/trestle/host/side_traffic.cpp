#include "trestle/host/side_traffic.hpp"

#include <utility>

namespace trestle::host {

bool SideTraffic::look(std::uint64_t wire_bytes, std::uint32_t seconds) {
  constexpr std::uint64_t kControlFrameBytesMax = 160;
  const std::uint64_t read = wire_bytes - std::exchange(wire_bytes_, wire_bytes);
  const std::uint64_t as_messages = std::exchange(message_bytes_, 0);
  // The first look sees the handshake.
  if (!std::exchange(was_looked_at_, true)) return false;
  const std::uint64_t allowed =
      std::uint64_t{options_->control_frames_per_second} * seconds * kControlFrameBytesMax;
  return read > as_messages + allowed + options_->slack_bytes;
}

}  // namespace trestle::host
