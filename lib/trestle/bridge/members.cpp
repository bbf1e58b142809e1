#include "trestle/bridge/members.hpp"

#include <algorithm>
#include <utility>

namespace trestle::bridge {

Members::Members(std::size_t members_max, Duration heard_fresh, const RotatingSubsetOptions& named,
                 Rng rng)
    : members_max_(members_max),
      heard_fresh_(heard_fresh),
      named_(named, rng.fork("named")),
      rng_(rng) {
  eligible_.reserve(members_max);
}

bool Members::up(Instant now, const wire::Contact& contact) {
  down(contact.id);  // its role or address may have changed
  if (contact.id.is_zero() || contact.address.empty()) return false;
  if (contact.role != wire::Role::node && contact.role != wire::Role::bridge) return false;
  Table& table = contact.role == wire::Role::node ? nodes_ : bridges_;
  if (table.size() >= members_max_) return false;
  table.insert(contact.id, {.contact = contact, .mark = named_.mark_of(contact.id), .heard = now});
  return true;
}

void Members::heard(Instant now, const NodeId& id) {
  for (Table* table : {&nodes_, &bridges_}) {
    if (Member* member = table->find(id)) {
      member->heard = now;
      member->ignored_probe = false;
    }
  }
}

void Members::silent(const NodeId& id) {
  if (Member* member = nodes_.find(id)) member->ignored_probe = true;
}

void Members::down(const NodeId& id) {
  nodes_.erase(id);
  bridges_.erase(id);
}

wire::Contacts Members::choose_fresh(Instant now, const NodeId& newcomer, std::size_t count) {
  return choose(nodes_, now, newcomer, count);
}

wire::Contacts Members::choose_bridges(Instant now, const NodeId& newcomer, std::size_t count) {
  return choose(bridges_, now, newcomer, count);
}

void Members::gather(const Table& table, Instant now, const NodeId& newcomer,
                     const auto& is_wanted) {
  const RotatingSubset::Order order = named_.order(now, newcomer);
  eligible_.clear();
  for (std::size_t index = 0; index < table.size(); ++index) {
    const auto& [id, member] = table.at_index(index);
    if (id != newcomer && is_wanted(member)) {
      eligible_.push_back({order.place_of(member.mark), index});
    }
  }
}

void Members::order_stale(Instant now, const NodeId& newcomer, std::vector<NodeId>& stale) {
  gather(nodes_, now, newcomer,
         [&](const Member& member) { return !member.ignored_probe && !is_fresh(now, member); });
  std::ranges::sort(eligible_,
                    [](const auto& one, const auto& other) { return one.place > other.place; });
  stale.clear();
  for (const auto& one : eligible_) stale.push_back(nodes_.at_index(one.index).first);
}

const wire::Contact* Members::find(const NodeId& id) const {
  const Member* member = nodes_.find(id);
  return member != nullptr ? &member->contact : nullptr;
}

bool Members::is_fresh(Instant now, const NodeId& id) const {
  const Member* member = nodes_.find(id);
  return member != nullptr && is_fresh(now, *member);
}

bool Members::is_worth_asking(const NodeId& id) const {
  const Member* member = nodes_.find(id);
  return member != nullptr && !member->ignored_probe;
}

bool Members::is_fresh(Instant now, const Member& member) const {
  return !member.ignored_probe && now - member.heard <= heard_fresh_;
}

wire::Contacts Members::choose(const Table& table, Instant now, const NodeId& newcomer,
                               std::size_t count) {
  gather(table, now, newcomer, [&](const Member& member) { return is_fresh(now, member); });
  named_.draw(eligible_, count, rng_);
  wire::Contacts contacts;
  contacts.reserve(eligible_.size());
  for (const RotatingSubset::Candidate& one : eligible_) {
    contacts.push_back(table.at_index(one.index).second.contact);
  }
  return contacts;
}

}  // namespace trestle::bridge
