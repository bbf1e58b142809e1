#include "trestle/node/bootstrap/legacy_clients.hpp"

#include <utility>

namespace trestle::node {

using link::ConnectionId;

LegacyClients::Claim LegacyClients::learn(ConnectionId connection, wire::Contact contact,
                                          bool is_browser) {
  const NodeId id = contact.id;
  const LegacyClient* known = clients_.find(connection);
  if (known != nullptr && known->contact.id != id) return Claim::refused;
  const bool is_contested =
      (known == nullptr || !known->is_proven) && is_proven_elsewhere(id, connection);
  if (is_contested) contact.address.clear();
  const auto [client, is_new] = clients_.insert(connection, LegacyClient{});
  const bool is_news = is_new || client->contact != contact;
  client->contact = std::move(contact);
  client->is_browser = is_browser;
  if (!is_contested) holders_.insert_or_assign(id, connection);
  return is_news ? Claim::news : Claim::known;
}

void LegacyClients::on_proven(ConnectionId connection) {
  LegacyClient* client = clients_.find(connection);
  if (client == nullptr) return;
  client->is_proven = true;
  holders_.insert_or_assign(client->contact.id, connection);
}

void LegacyClients::close(ConnectionId connection) {
  const LegacyClient* client = clients_.find(connection);
  if (client == nullptr) return;
  const NodeId id = client->contact.id;
  const bool was_proven = client->is_proven;
  clients_.erase(connection);
  const ConnectionId* holder = holders_.find(id);
  if (holder == nullptr || *holder != connection) return;
  holders_.erase(id);
  if (!was_proven) return;
  // Rare (a browser that came back, and left there first), so a walk will do.
  for (const auto& [other, peer] : clients_) {
    if (peer.is_proven && peer.contact.id == id) holders_.insert_or_assign(id, other);
  }
}

bool LegacyClients::is_proven_elsewhere(const NodeId& id, ConnectionId connection) const {
  const ConnectionId* holder = holders_.find(id);
  return holder != nullptr && *holder != connection && clients_.find(*holder)->is_proven;
}

const LegacyClient* LegacyClients::find_speaker(ConnectionId connection) const {
  const LegacyClient* client = clients_.find(connection);
  if (client == nullptr || is_proven_elsewhere(client->contact.id, connection)) return nullptr;
  return client;
}

std::optional<ConnectionId> LegacyClients::reach(const NodeId& id) const {
  const ConnectionId* holder = holders_.find(id);
  if (holder == nullptr) return std::nullopt;
  if (clients_.find(*holder)->contact.role == wire::Role::bridge) return std::nullopt;
  return *holder;
}

bool LegacyClients::has_bridge(const NodeId& id) const {
  const ConnectionId* holder = holders_.find(id);
  return holder != nullptr && clients_.find(*holder)->contact.role == wire::Role::bridge;
}

}  // namespace trestle::node
