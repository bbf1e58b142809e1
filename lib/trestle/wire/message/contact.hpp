#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trestle/base/node_id.hpp"

namespace trestle::wire {

/// What a program is in the network.
enum class Role : std::uint8_t { bootstrap = 1, bridge = 2, node = 3, observer = 4 };

/// Which language a peer speaks (design section 4). `unknown`: never met; a dialler tries native
/// first.
enum class Dialect : std::uint8_t { unknown = 0, native = 1, legacy = 2 };

/// Whom one can talk to and how. What a stranger says of a third peer is a hint: nothing enters a
/// routing table before that peer has shown itself on a link of its own (threat T9).
struct Contact {
  NodeId id{};
  Role role = Role::node;
  Dialect dialect = Dialect::unknown;
  /// WebSocket URL to dial, `ws://host:port/path` or `wss://...`; empty when the peer cannot be
  /// dialled (a browser).
  std::string address;
  /// The peer's `metadata` of the old dialect: the JSON object as received, byte for byte, or
  /// empty. Never re-serialised, since peers sign such members in their own order.
  std::string metadata;

  friend bool operator==(const Contact&, const Contact&) = default;
};

using Contacts = std::vector<Contact>;

}  // namespace trestle::wire
