#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
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
  /// `12.345678 n7>n3 #15 frame_ordered 123 bytes ping 5, pong 6`
  std::string to_text() const;
};

/// The last lines before the present. Something is kept of everything that happens, so what is
/// written lies close together: a line without a text and with one record at most, which is most of
/// them, is one line of the cache.
class Trace {
 public:
  explicit Trace(std::size_t lines_max);

  void add(const Happening& happening);
  std::string to_text() const;

 private:
  struct alignas(64) Line {
    Instant at{};
    ConnectionSerial connection = 0;
    std::uint64_t number = 0;
    std::string_view record;  ///< The first.
    std::uint64_t request_id = 0;
    NodeIndex node = kNoNode;
    NodeIndex peer = kNoNode;
    std::uint32_t bytes = 0;
    std::uint16_t records : 15 = 0;
    std::uint16_t has_text : 1 = 0;
    HappeningKind kind = HappeningKind::fault;
    ErrorCode code = ErrorCode::none;
  };
  static_assert(sizeof(Line) == 64);
  struct Rest {
    std::array<RecordHead, 2> heads;
    std::array<char, 56> text{};
  };

  static constexpr std::size_t kRecordsMax = (1 << 15) - 1;

  TraceLine line(std::size_t place) const;

  std::size_t lines_max_;
  std::size_t next_ = 0;  ///< Where the next line goes; the oldest is there, once all are in use.
  std::vector<Line> lines_;
  std::vector<Rest> rests_;  ///< What did not fit into the line of the same place.
};

/// Seconds with six decimals.
std::string to_text(Instant at);

}  // namespace trestle::sim
