#pragma once

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
/// whoever reads it back takes off what the calendar says has passed since, never less than
/// nothing.
struct StoredRecord {
  wire::Record record;
  /// Whose quota it counts against.
  NodeId charged_to{};
  /// Written through this node: it sees to the refreshing (STORE-06; never told to others).
  bool own = false;
  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};

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
