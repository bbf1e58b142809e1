#include "trestle/node/bootstrap/legacy_clients.hpp"

#include <utility>

namespace trestle::node {

using link::ConnectionId;

bool LegacyClients::learn(ConnectionId connection, wire::Contact contact, bool is_browser) {
  const NodeId id = contact.id;
  const auto [client, is_new] = clients_.insert(connection, LegacyClient{});
  const bool is_news = is_new || client->contact != contact;
  if (!is_new && client->contact.id != id) forget(client->contact.id, connection);
  client->contact = std::move(contact);
  client->is_browser = is_browser;
  newest_.insert_or_assign(id, connection);
  return is_news;
}

void LegacyClients::close(ConnectionId connection) {
  const LegacyClient* client = clients_.find(connection);
  if (client == nullptr) return;
  forget(client->contact.id, connection);
  clients_.erase(connection);
}

void LegacyClients::forget(const NodeId& id, ConnectionId connection) {
  const ConnectionId* newest = newest_.find(id);
  if (newest != nullptr && *newest == connection) newest_.erase(id);
}

std::optional<ConnectionId> LegacyClients::reach(const NodeId& id) const {
  const ConnectionId* newest = newest_.find(id);
  if (newest == nullptr) return std::nullopt;
  if (clients_.find(*newest)->contact.role == wire::Role::bridge) return std::nullopt;
  return *newest;
}

bool LegacyClients::has_bridge(const NodeId& id) const {
  const ConnectionId* newest = newest_.find(id);
  return newest != nullptr && clients_.find(*newest)->contact.role == wire::Role::bridge;
}

}  // namespace trestle::node
