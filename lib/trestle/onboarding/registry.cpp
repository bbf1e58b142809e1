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

Registry::Registry(std::size_t clients_max, const RotatingSubsetOptions& named, Rng rng)
    : clients_max_(clients_max), named_(named, rng.fork("named")), rng_(rng) {}

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

wire::Contacts Registry::choose_nodes(Instant now, const NodeId& asker, std::size_t count) {
  const RotatingSubset::Order order = named_.order(now, asker);
  eligible_.clear();
  for (std::size_t index = 0; index < places_.size(); ++index) {
    const auto& [id, place] = places_.at_index(index);
    if (id == asker || clients_.at(place.latest).is_turned_away) continue;
    eligible_.push_back({order.place_of(place.mark), index});
  }
  named_.draw(eligible_, count, rng_);
  wire::Contacts contacts;
  contacts.reserve(eligible_.size());
  for (const RotatingSubset::Candidate& one : eligible_) {
    contacts.push_back(clients_.at(places_.at_index(one.index).second.latest).contact);
  }
  return contacts;
}

void Registry::enrol(link::ConnectionId connection, const wire::Contact& contact) {
  if (!can_be_named(contact)) return;
  Place* place = places_.insert(contact.id, {0, connection, named_.mark_of(contact.id)}).first;
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

}  // namespace trestle::onboarding
