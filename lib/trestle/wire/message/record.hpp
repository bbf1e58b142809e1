#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/message/connection.hpp"

namespace trestle::wire {

/// What a record says of its key.
enum class RecordKind : std::uint8_t {
  value = 1,
  /// The key was deleted. Kept as long as the value would have been, so that no copy that was cut
  /// off brings the value back.
  tombstone = 2,
  /// The value says for whom it is, and is encrypted unless that is everybody
  /// (crypto/sealed_value.hpp). Kept, copied and handed on as any other; never given to peers of
  /// the old dialect, which could not read it.
  sealed = 3,
};

/// A stored value with the text key it was stored under; its place is SHA-1 of that text in both
/// dialects (design section 4). Signed by its author: key, kind, version, life, value and network
/// (docs/protocol.md, "Records"). A record of the old dialect has no author and proves nothing.
struct Record {
  std::string key;
  /// Raw bytes; empty in a tombstone. Stored by a peer of the old dialect: its JSON text as
  /// received.
  Bytes value;
  RecordKind kind = RecordKind::value;
  /// Of two records of one key the one with the higher version stays. Authors take the milliseconds
  /// of their calendar, or one more than the version they know.
  std::uint64_t version = 0;
  /// The life its author gave it, in milliseconds, counted from the writing or the last refresh.
  std::uint64_t ttl_ms = 0;
  PublicKey author{};
  Signature signature{};
  /// What is left of that life where it comes from, in milliseconds; not signed. Elapsed time only:
  /// clock skew between peers is harmless (STORE-06).
  std::uint64_t left_ms = 0;
  /// Stored through the old dialect: `value` is JSON text; no version, author or signature.
  bool legacy = false;
  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace trestle::wire
