#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "trestle/crypto/verified.hpp"
#include "trestle/wire/message/record.hpp"

namespace trestle::dht::test {

inline Bytes value_of(std::string_view text) { return to_bytes(as_bytes(text)); }

/// A key that nobody has, another for each number. Below the systems' line nobody looks at it.
inline wire::PublicKey author(std::uint8_t number) {
  wire::PublicKey key{};
  key.back() = number;
  return key;
}

struct Life {
  std::uint64_t ttl_ms = 60'000;
  /// All of it, unless given.
  std::uint64_t left_ms = ttl_ms;
};

/// A native record as if its signature had been checked.
inline wire::Record record_of(std::string key, Bytes value, std::uint64_t version = 1,
                              const Life& life = {}, std::uint8_t by = 1) {
  return {.key = std::move(key),
          .value = std::move(value),
          .version = version,
          .ttl_ms = life.ttl_ms,
          .author = author(by),
          .left_ms = life.left_ms};
}

inline wire::Record tombstone_of(std::string key, std::uint64_t version, const Life& life = {},
                                 std::uint8_t by = 1) {
  wire::Record record = record_of(std::move(key), {}, version, life, by);
  record.kind = wire::RecordKind::tombstone;
  return record;
}

inline wire::Record old_record(std::string key, std::string_view json, std::uint64_t left_ms) {
  return {.key = std::move(key), .value = value_of(json), .left_ms = left_ms, .legacy = true};
}

}  // namespace trestle::dht::test
