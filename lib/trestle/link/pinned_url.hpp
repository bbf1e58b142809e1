#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"

namespace trestle::link {

/// An address with the id that is expected behind it: `wss://bridge.example/path#<40 hex digits>`.
///
/// Whoever answers there with another id is refused. An id is a digest of the key that its owner
/// proves to have, so this pins the key. What follows the `#` is never dialled and never sent.
struct PinnedUrl {
  std::string url;  ///< As it is dialled.
  /// Nothing: whoever answers is taken. Zero, which nobody is, if what follows the `#` is no id: a
  /// pin that was mistyped lets nobody in, rather than everybody.
  std::optional<NodeId> id;
};

PinnedUrl parse_pinned_url(std::string_view text);

/// The part that is dialled.
std::string_view without_pin(std::string_view text);

}  // namespace trestle::link
