#pragma once

#include <cstddef>

#include "trestle/wire/json/limits.hpp"

namespace trestle::wire::legacy {

/// Bounds of one frame of the old dialect. Its owner lowers `json.bytes_max` to 4 KiB before the
/// peer's hello (reliability section 10).
struct Limits {
  json::Limits json;
  /// Every member that is read as text: ids of requests and sessions, keys, addresses, sentences.
  /// The longest recorded one has 152 bytes; the native dialect allows keys of 1 KiB. Opaque
  /// members are bounded by the frame alone.
  std::size_t text_bytes_max = 1024;
  /// Elements of a list that is read: found nodes, offered peers, hops. k = 20 is the most an
  /// answer should name.
  std::size_t list_items_max = 64;
};

}  // namespace trestle::wire::legacy
