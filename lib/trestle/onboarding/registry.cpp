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
  few_.clear();
  // A heap of those who stand first: whoever stands last among them is on top.
  for (const auto& [id, place] : places_) {
    const Client& client = clients_.at(place.latest);
    if (id == asker || client.is_turned_away) continue;
    const std::uint64_t stands_at = order.place_of(id);
    if (few_.size() == named_.size()) {
      if (stands_at >= few_.front().first) continue;
      std::ranges::pop_heap(few_, {}, &Few::first);
      few_.pop_back();
    }
    few_.emplace_back(stands_at, &client);
    std::ranges::push_heap(few_, {}, &Few::first);
  }
  const std::size_t chosen = std::min(count, few_.size());
  wire::Contacts contacts;
  contacts.reserve(chosen);
  std::ranges::sort(few_, {}, &Few::first);  // how a heap lies is each library's own affair
  for (std::size_t place = 0; place < chosen; ++place) {
    std::swap(few_[place], few_[place + rng_.below(few_.size() - place)]);
    contacts.push_back(few_[place].second->contact);
  }
  return contacts;
}

void Registry::enrol(link::ConnectionId connection, const wire::Contact& contact) {
  if (!can_be_named(contact)) return;
  Place* place = places_.insert(contact.id, Place{0, connection}).first;
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
