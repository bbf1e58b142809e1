#pragma once

#include <string>
#include <vector>

#include "trestle/dht/storage.hpp"

namespace trestle::fuzz {

/// What the database of the seed holds. Whatever a damaged one gives back must be among these: a
/// row is believed by its digest alone.
inline std::vector<dht::StoredRecord> known_records() {
  std::vector<dht::StoredRecord> known(4);
  for (std::size_t index = 0; index < known.size(); ++index) {
    wire::Record& record = known[index].record;
    record.key = "key-" + std::to_string(index);
    record.value = Bytes(10 * (index + 1), static_cast<std::uint8_t>(index));
    record.version = 1000 + index;
    record.ttl_ms = std::uint64_t{30} * 24 * 3600 * 1000;
    record.left_ms = record.ttl_ms;
    record.author[0] = 7;
    known[index].charged_to = NodeId(1, 2, 3);
    known[index].own = index % 2 == 0;
  }
  known[3].record.legacy = true;
  known[3].record.version = 0;
  known[3].record.author = {};
  known[3].record.value = to_bytes(as_bytes("{\"old\":true}"));
  return known;
}

/// When the seed was written, and when it is read.
inline constexpr WallTime kWritten{std::chrono::milliseconds(1'795'000'000'000)};

}  // namespace trestle::fuzz
