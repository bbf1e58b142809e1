#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::wire::native {

/// k of Kademlia, and the most contacts one request may ask for.
inline constexpr std::uint8_t kContactsWantedMax = 20;

/// Bounds of one frame, checked before anything is allocated (T19; reliability.md section 10,
/// "WebSocket message"). A sender keeps to them as well: `fits` answers whether a record does.
struct Limits {
  /// A larger frame is refused unread. 256 KiB is the bound for a proven peer; before the hello it
  /// is `kFrameBytesBeforeHelloMax`. It holds the largest record of every type with room to spare:
  /// an introduction with twice 20 contacts of at most 4.6 KiB each is 184 KiB.
  std::size_t frame_bytes_max = std::size_t{256} * 1024;
  /// A batch of 64 KiB, the largest cap, with nothing but the smallest records (3 bytes) just fits,
  /// so that no sender has to count. Unknown records count.
  std::size_t records_per_frame_max = std::size_t{64} * 1024 / 3 + 1;
  /// k: no answer names more.
  std::size_t contacts_max = kContactsWantedMax;
  /// A URL, dialled or to be dialled. Longer ones than this do not occur outside of attacks.
  std::size_t address_bytes_max = 512;
  /// The network's name: a label that people type.
  std::size_t network_bytes_max = 128;
  /// Opaque metadata of one contact of the old dialect; the largest recorded one has under 1 KiB.
  std::size_t metadata_bytes_max = 4096;
  /// A sentence in a failure or a goodbye.
  std::size_t text_bytes_max = 512;
  /// A record's key text.
  std::size_t key_bytes_max = 1024;
  /// A record's value: what a WebRTC data channel passes everywhere. What a store accepts is its
  /// own, smaller option.
  std::size_t value_bytes_max = std::size_t{64} * 1024;
  /// Records offered at once: 256 summaries of at most 66 bytes are 17 KiB, about one batch.
  std::size_t replicas_max = 256;
  /// A request or an answer carried for others: twenty contacts with their addresses are 2 KiB, a
  /// record as large as stores accept is 11 KiB.
  std::size_t routed_bytes_max = std::size_t{16} * 1024;
  /// A token, a record of identity, a sealed key: the longest has 290 bytes, and there is room for
  /// the next version of each.
  std::size_t token_bytes_max = 512;
  /// A full list of revocations has 37 KB.
  std::size_t revocations_bytes_max = std::size_t{40} * 1024;
  /// One year in milliseconds. A store grants far less (30 days); the bound here keeps the number
  /// far away from overflow when it is turned into microseconds.
  std::uint64_t ttl_ms_max = std::uint64_t{365} * 24 * 3600 * 1000;
};

/// What a connection may send before it is proven: the largest handshake record has 1.3 KiB, and a
/// stranger should not make us buffer more (reliability.md section 10, unauthenticated column).
inline constexpr std::size_t kFrameBytesBeforeHelloMax = 4096;

}  // namespace trestle::wire::native
