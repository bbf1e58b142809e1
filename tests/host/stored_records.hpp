#pragma once

#include <map>
#include <string>
#include <vector>

#include "trestle/host/record_database.hpp"

namespace trestle::test {

inline constexpr WallTime kWritten{std::chrono::milliseconds(1'764'000'000'000)};

/// A record in which no field has its default.
inline dht::StoredRecord stored(const std::string& key, const std::string& value,
                                std::uint64_t version = 1, std::uint64_t left_ms = 60'000) {
  dht::StoredRecord made;
  made.record.key = key;
  made.record.value = to_bytes(as_bytes(value));
  made.record.version = version;
  made.record.ttl_ms = left_ms * 2;
  made.record.left_ms = left_ms;
  made.record.author.fill(0x11);
  made.record.signature.fill(static_cast<std::uint8_t>(version));
  made.charged_to = NodeId(1, 2, 3);
  made.own = version % 2 == 1;
  return made;
}

inline host::DatedChange write(dht::StoredRecord record, WallTime at = kWritten) {
  return {dht::WriteRecord{std::move(record)}, at};
}
inline host::DatedChange prolong(std::string key, std::uint64_t left_ms, WallTime at = kWritten) {
  return {dht::ProlongRecord{std::move(key), left_ms}, at};
}
inline host::DatedChange erase(std::string key, WallTime at = kWritten) {
  return {dht::EraseRecord{std::move(key)}, at};
}

/// What a store with these changes holds: the naive one.
using Model = std::map<std::string, dht::StoredRecord>;

inline void change(Model& model, const host::DatedChange& dated) {
  if (const auto* write = std::get_if<dht::WriteRecord>(&dated.change)) {
    model[write->stored.record.key] = write->stored;
  } else if (const auto* prolong = std::get_if<dht::ProlongRecord>(&dated.change)) {
    const auto place = model.find(prolong->key);
    if (place != model.end()) place->second.record.left_ms = prolong->left_ms;
  } else {
    model.erase(std::get<dht::EraseRecord>(dated.change).key);
  }
}

inline Model model_of(const std::vector<dht::StoredRecord>& records) {
  Model model;
  for (const dht::StoredRecord& record : records) model[record.record.key] = record;
  return model;
}

}  // namespace trestle::test
