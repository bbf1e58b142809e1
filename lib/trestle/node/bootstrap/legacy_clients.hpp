#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

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

/// A frame that one client has for another. It is dropped when the target has not read what was
/// sent to it before: nobody can have another one cut off as a slow reader.
struct LegacyForward {
  link::ConnectionId target;
  std::string text;
  link::ConnectionId sender;
  /// What the sender is told, if anything.
  std::string if_sent;
  std::string if_dropped;
};
using LegacyDelivery = std::variant<LegacyText, LegacyForward>;

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
  /// It has shown that it owns the key its id is made from. Only browsers can.
  bool is_proven = false;
  /// What a bridge last said of itself, as received.
  std::optional<wire::legacy::RawJson> bridge_health;
};

/// Who is connected in the old dialect, by connection and by id. A policy without time; as large as
/// the owner's table of connections.
///
/// Ids are claims here: nobody but a browser proves one in this dialect. The newest connection of
/// an id gets what is meant for it, as in the JavaScript system, where a peer that comes back is
/// not yet known to be gone. Where a connection has proven the id, only another one that proves it
/// takes its place; a mere claim is served like any stranger, but gets nothing that is meant for
/// the id, says nothing in its name and is named to nobody.
class LegacyClients {
 public:
  enum class Claim : std::uint8_t { known, news, refused };
  /// What a client says of itself. Refused: under another id than before.
  Claim learn(link::ConnectionId connection, wire::Contact contact, bool is_browser);
  /// It has proven the id that it claimed.
  void on_proven(link::ConnectionId connection);
  void close(link::ConnectionId connection);

  LegacyClient* find(link::ConnectionId connection) { return clients_.find(connection); }
  const LegacyClient* find(link::ConnectionId connection) const {
    return clients_.find(connection);
  }
  /// The client, if it may speak in the name of its id.
  const LegacyClient* find_speaker(link::ConnectionId connection) const;
  /// The connection on which frames of other peers reach that id. Never a bridge's: most of them
  /// end the process of a JavaScript bridge (protocol of the old dialect, section 0.6), and it asks
  /// for none.
  std::optional<link::ConnectionId> reach(const NodeId& id) const;
  /// Whether a bridge with that id is connected.
  bool has_bridge(const NodeId& id) const;
  const FlatMap<link::ConnectionId, LegacyClient>& all() const { return clients_; }
  std::size_t size() const { return clients_.size(); }

 private:
  bool is_proven_elsewhere(const NodeId& id, link::ConnectionId connection) const;

  FlatMap<link::ConnectionId, LegacyClient> clients_;
  /// Of each id the connection that holds it: the newest that has proven it, else the newest.
  FlatMap<NodeId, link::ConnectionId> holders_;
};

}  // namespace trestle::node
