#include "trestle/onboarding/registry.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::onboarding {
namespace {

bool can_be_named(const wire::Contact& contact) {
  return contact.role == wire::Role::node && !contact.id.is_zero() && !contact.address.empty();
}

/// A peer of the old dialect only claims its id.
bool is_proven(const wire::Contact& contact) { return contact.dialect == wire::Dialect::native; }

}  // namespace

Registry::Registry(std::size_t clients_max, Rng rng) : clients_max_(clients_max), rng_(rng) {}

bool Registry::open(link::ConnectionId connection, const wire::Contact& contact) {
  if (Client* known = find(connection)) {
    strike(connection, known->contact);
    known->contact = contact;
  } else {
    if (clients_.size() >= clients_max_) return false;
    clients_.emplace(connection,
                     Client{.contact = contact, .admitted_as = std::nullopt, .join = std::nullopt});
  }
  enrol(connection, contact);
  return true;
}

void Registry::close(link::ConnectionId connection) {
  const auto place = clients_.find(connection);
  if (place == clients_.end()) return;
  const wire::Contact contact = std::move(place->second.contact);
  clients_.erase(place);
  strike(connection, contact);
}

Client* Registry::find(link::ConnectionId connection) {
  const auto place = clients_.find(connection);
  return place != clients_.end() ? &place->second : nullptr;
}

const wire::Contact* Registry::find_node(const NodeId& id) const {
  const Place* place = places_.find(id);
  return place != nullptr ? &clients_.at(place->latest).contact : nullptr;
}

wire::Contacts Registry::choose_nodes(const NodeId& asker, std::size_t count) {
  wire::Contacts chosen;
  chosen.reserve(std::min(count, roster_.size()));
  // A Fisher-Yates shuffle that stops as soon as enough are drawn.
  for (std::size_t index = 0; index < roster_.size() && chosen.size() < count; ++index) {
    swap_places(index, index + rng_.below(roster_.size() - index));
    const Client& client = clients_.at(places_.find(roster_[index])->latest);
    if (roster_[index] == asker || client.is_turned_away) continue;
    chosen.push_back(client.contact);
  }
  return chosen;
}

void Registry::enrol(link::ConnectionId connection, const wire::Contact& contact) {
  if (!can_be_named(contact)) return;
  const auto [place, is_new] = places_.insert(contact.id, Place{roster_.size(), 0, connection});
  if (is_new) roster_.push_back(contact.id);
  ++place->connections;
  if (is_proven(contact) || !is_proven(clients_.at(place->latest).contact)) {
    place->latest = connection;
  }
}

void Registry::strike(link::ConnectionId connection, const wire::Contact& contact) {
  if (!can_be_named(contact)) return;
  Place* place = places_.find(contact.id);
  TRESTLE_ASSERT(place != nullptr && place->connections > 0);
  if (--place->connections == 0) {
    swap_places(place->index, roster_.size() - 1);
    roster_.pop_back();
    places_.erase(contact.id);
    return;
  }
  if (place->latest != connection) return;
  // Rare (two connections of one peer, the newer one goes first), so a walk will do.
  bool has_proven = false;
  for (const auto& [other, client] : clients_) {
    if (other == connection || client.contact.id != contact.id) continue;
    if (!can_be_named(client.contact) || (has_proven && !is_proven(client.contact))) continue;
    has_proven = is_proven(client.contact);
    place->latest = other;
  }
}

void Registry::swap_places(std::size_t left, std::size_t right) {
  if (left == right) return;
  std::swap(roster_[left], roster_[right]);
  places_.find(roster_[left])->index = left;
  places_.find(roster_[right])->index = right;
}

}  // namespace trestle::onboarding
