#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::bridge {

/// Who is next: requests of one source in their order of arrival (X10), sources in turn (T21). A
/// policy without time. It holds slot numbers of its owner, at most as many as the owner admits.
class TurnOrder {
 public:
  using Slot = std::uint32_t;

  void add(link::ConnectionId source, Slot slot);
  /// Takes the oldest request of the source whose turn it is. Nothing when nobody waits.
  std::optional<Slot> take_next();
  /// True if the slot was waiting.
  bool remove(link::ConnectionId source, Slot slot);

  std::size_t waiting() const { return waiting_; }
  std::size_t waiting_of(link::ConnectionId source) const;
  /// The source that holds most places (the one with the smallest id among equals) and its newest
  /// request. Nothing when nobody waits.
  struct Longest {
    link::ConnectionId source;
    std::size_t waiting = 0;
    Slot newest = 0;
  };
  std::optional<Longest> longest() const;

 private:
  /// Waiting slots by source, none of them empty.
  FlatMap<link::ConnectionId, std::deque<Slot>> lines_;
  /// The same sources in the order of their turns.
  std::vector<link::ConnectionId> turns_;
  std::size_t waiting_ = 0;
};

}  // namespace trestle::bridge
