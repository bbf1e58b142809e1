#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <variant>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/record.hpp"

namespace trestle::dht {

// What the store orders from the disk. The records themselves are served from memory; the disk is
// there for the next start.

/// Names one order to the disk until `on_persisted`. Counted from 1, in the order of the orders.
struct StorageTicket {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const StorageTicket&, const StorageTicket&) = default;
};

/// A record as it lies on disk. `record.left_ms` is what was left of its life when it was written;
/// whoever reads it back lets it `age`.
struct StoredRecord {
  wire::Record record;
  /// Whose quota it counts against.
  NodeId charged_to{};
  /// Written through this node: it sees to the refreshing (STORE-06; never told to others).
  bool own = false;
  /// Read back in its grace: for how long its life has been over (STORE-05).
  std::uint64_t over_ms = 0;
  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};

/// The whole life of a record of the old dialect, whose author gave it none.
inline constexpr Duration kLifeDefault = std::chrono::hours(24);

/// The whole life of a record, as its author gave it: its grace is as long. In milliseconds, as
/// lives travel; a store that grants less has the last word.
constexpr std::uint64_t whole_life_ms(std::uint64_t ttl_ms) {
  constexpr auto unsaid = std::chrono::floor<std::chrono::milliseconds>(kLifeDefault).count();
  return ttl_ms != 0 ? ttl_ms : static_cast<std::uint64_t>(unsaid);
}

/// What the calendar says has passed since it was written is taken off its life, then counted
/// against its grace. False: that is over as well, and nobody needs it any more.
inline bool age(StoredRecord& stored, std::uint64_t elapsed_ms) {
  wire::Record& record = stored.record;
  if (elapsed_ms < record.left_ms) {
    record.left_ms -= elapsed_ms;
    return true;
  }
  stored.over_ms = elapsed_ms - record.left_ms;
  record.left_ms = 0;
  return stored.over_ms < whole_life_ms(record.ttl_ms);
}

/// Write this in the place of whatever is stored under its key.
struct WriteRecord {
  StoredRecord stored;
};
/// The record under this key lives on for so long.
struct ProlongRecord {
  std::string key;
  std::uint64_t left_ms = 0;
};
struct EraseRecord {
  std::string key;
};
using StorageChange = std::variant<WriteRecord, ProlongRecord, EraseRecord>;

/// Do this and sync it; answered by `on_persisted` exactly once. Orders take effect in their order.
struct Persist {
  StorageTicket ticket;
  StorageChange change;
};

}  // namespace trestle::dht
