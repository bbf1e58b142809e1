#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::wire {

/// A stored value with the text key it was stored under; its place is SHA-1 of that text in both
/// dialects (design section 4).
struct Record {
  std::string key;
  /// Raw bytes. A value stored by a peer of the old dialect is the JSON text as received.
  Bytes value;
  /// How long it is still to be kept, in milliseconds. Elapsed time only: clock skew between peers
  /// is harmless (STORE-06).
  std::uint64_t ttl_ms = 0;
  /// Stored through the old dialect: `value` is JSON text.
  bool legacy = false;
  friend bool operator==(const Record&, const Record&) = default;
};

struct FindNodeRequest {
  NodeId target;
  friend bool operator==(const FindNodeRequest&, const FindNodeRequest&) = default;
};

/// The nearest contacts the answerer knows, nearest first, at most k = 20.
struct FindNodeResponse {
  Contacts contacts;
  friend bool operator==(const FindNodeResponse&, const FindNodeResponse&) = default;
};

struct FindValueRequest {
  std::string key;
  friend bool operator==(const FindValueRequest&, const FindValueRequest&) = default;
};

/// Either the record, or the nearest contacts.
struct FindValueResponse {
  bool found = false;
  Record record;
  Contacts contacts;
  friend bool operator==(const FindValueResponse&, const FindValueResponse&) = default;
};

struct StoreRequest {
  Record record;
  friend bool operator==(const StoreRequest&, const StoreRequest&) = default;
};

/// The record is kept. A refusal is a `Failure`.
struct StoreResponse {
  friend bool operator==(const StoreResponse&, const StoreResponse&) = default;
};

}  // namespace trestle::wire
