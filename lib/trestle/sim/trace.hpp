#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trestle/sim/happening.hpp"

namespace trestle::sim {

/// A happening without its views: what is kept for a report. Fixed size, so that keeping costs a
/// copy and no allocation.
struct TraceLine {
  HappeningKind kind = HappeningKind::fault;
  Instant at{};
  NodeIndex node = kNoNode;
  NodeIndex peer = kNoNode;
  ConnectionSerial connection = 0;
  ErrorCode code = ErrorCode::none;
  std::uint64_t number = 0;
  std::uint32_t bytes = 0;
  std::uint32_t records = 0;
  std::array<RecordHead, 3> heads;
  std::array<char, 56> text{};  ///< Cut off at the end, zero-terminated.

  static TraceLine of(const Happening& happening);
  void take(const Happening& happening);
  /// `12.345678 n7>n3 #15 frame_ordered 123 bytes ping 5, pong 6`
  std::string to_text() const;
};

/// The last lines before the present.
class Trace {
 public:
  explicit Trace(std::size_t lines_max) : lines_max_(lines_max) { lines_.reserve(lines_max); }

  void add(const Happening& happening);
  std::string to_text() const;

 private:
  std::size_t lines_max_;
  std::size_t next_ = 0;
  std::vector<TraceLine> lines_;
};

/// Seconds with six decimals.
std::string to_text(Instant at);

}  // namespace trestle::sim
