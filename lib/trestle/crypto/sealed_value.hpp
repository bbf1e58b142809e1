#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/crypto/keyring.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/suite/sealer.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/message/record.hpp"

namespace trestle::crypto {

/// For whom a value is (design section 5). The numbers are the sealed form's.
enum class Audience : std::uint8_t {
  network = 1,    ///< Every member of the network.
  self = 2,       ///< Its author alone.
  readers = 3,    ///< The holders of named keys, and its author.
  everybody = 4,  ///< Whoever sees it: not encrypted, and said so. Signed like all.
};
/// `network`, `self`, `readers`, `public`.
std::string_view name(Audience audience);
std::optional<Audience> audience_from_name(std::string_view name);

/// Its author counts among them: he is one of the 32.
inline constexpr std::size_t kReadersMax = 32;

// The sealed form, which is the value of a record of the kind `sealed`:
//
//     network    | version = 1 | 1 | id of the network key: 8 | sealed bytes |
//     self       | version = 1 | 2 | sealed bytes |
//     readers    | version = 1 | 3 | ephemeral X25519 key: 32 | count n: 1, 1..32 |
//                |   n times the value's key, sealed to one reader: 61 | sealed bytes |
//     everybody  | version = 1 | 4 | the bytes themselves |
//
// Sealed bytes are those of crypto/sealed.hpp. Their key is made for this one value: derived from
// the network's or the author's secret and the place below, or drawn for the readers. So no key
// ever seals more than the versions that one author gives the same number, and moved to another
// place a value does not open. What stands before the sealed bytes is authenticated with them.
//
// The slots of readers say nothing of whose they are: a reader tries its key on each.

/// Where a value belongs; both sides know it from the record.
struct ValuePlace {
  std::string_view network;
  std::string_view key;
  wire::PublicKey author{};
  std::uint64_t version = 0;
};
ValuePlace place_of(std::string_view network, const wire::Record& record);

inline constexpr std::size_t kReaderSlotBytes = SealKey::kBytes + kSealedOverheadBytes;
/// What sealing adds to a value: 39, 31, 64 + 61 for each reader, and 2 bytes. `readers`: the
/// author included.
std::size_t sealing_overhead_bytes(Audience audience, std::size_t readers);

Bytes seal_for_network(Suite& suite, Sealer& sealer, const NetworkKey& key, const ValuePlace& place,
                       ByteSpan plain);
Bytes seal_for_self(Suite& suite, Sealer& sealer, const SelfSecret& secret, const ValuePlace& place,
                    ByteSpan plain);
/// Nothing if there are none, too many, or one whose key is of small order.
std::optional<Bytes> seal_for_readers(Suite& suite, Sealer& sealer,
                                      std::span<const X25519Key> readers, const ValuePlace& place,
                                      ByteSpan plain);
Bytes mark_public(ByteSpan plain);

/// Why a value cannot be read.
enum class SealFault : std::uint8_t {
  malformed,    ///< No sealed form at all.
  not_for_us,   ///< No key of ours is one of its keys.
  not_genuine,  ///< The key is ours, but this is not what was sealed for this place.
};

struct OpenedValue {
  Audience audience = Audience::network;
  Bytes plain;
};
/// The signature of the record is checked before: what this refuses, its author has written so.
Result<OpenedValue, SealFault> open_value(Suite& suite, Sealer& sealer, const Keyring& keys,
                                          const ValuePlace& place, ByteSpan value);

}  // namespace trestle::crypto
