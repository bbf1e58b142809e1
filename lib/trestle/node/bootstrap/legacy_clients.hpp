#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "trestle/base/error_code.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::node {

/// Send this text frame to a client of the old dialect.
struct LegacyText {
  link::ConnectionId client;
  std::string text;
};

/// Close a client of the old dialect in its own words.
struct LegacyClose {
  link::ConnectionId client;
  link::CloseStatus status = link::CloseStatus::normal;
  ErrorCode code = ErrorCode::none;
  std::string reason;
};

/// A client of the old dialect, as far as it has told.
struct LegacyClient {
  wire::Contact contact;
  bool is_browser = false;
  bool is_registered = false;
  /// What a bridge last said of itself, as received.
  std::optional<wire::legacy::RawJson> bridge_health;
};

/// Who is connected in the old dialect, by connection and by id. A policy without time; as large as
/// the owner's table of connections.
///
/// Ids are claims here: nobody proves one in this dialect. The newest connection of an id gets what
/// is meant for it, as in the JavaScript system, where a peer that comes back is not yet known to
/// be gone.
class LegacyClients {
 public:
  /// What a client says of itself. True if that is news.
  bool learn(link::ConnectionId connection, wire::Contact contact, bool is_browser);
  void close(link::ConnectionId connection);

  LegacyClient* find(link::ConnectionId connection) { return clients_.find(connection); }
  const LegacyClient* find(link::ConnectionId connection) const {
    return clients_.find(connection);
  }
  /// The connection on which frames of other peers reach that id. Never a bridge's: most of them
  /// end the process of a JavaScript bridge (protocol of the old dialect, section 0.6), and it asks
  /// for none.
  std::optional<link::ConnectionId> reach(const NodeId& id) const;
  /// Whether a bridge with that id is connected.
  bool has_bridge(const NodeId& id) const;
  const FlatMap<link::ConnectionId, LegacyClient>& all() const { return clients_; }
  std::size_t size() const { return clients_.size(); }

 private:
  void forget(const NodeId& id, link::ConnectionId connection);

  FlatMap<link::ConnectionId, LegacyClient> clients_;
  FlatMap<NodeId, link::ConnectionId> newest_;
};

}  // namespace trestle::node
