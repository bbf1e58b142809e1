#include "trestle/bridge/members.hpp"

#include <algorithm>
#include <utility>

namespace trestle::bridge {

Members::Members(std::size_t members_max, Duration heard_fresh, Rng rng)
    : members_max_(members_max), heard_fresh_(heard_fresh), rng_(rng) {
  chosen_.reserve(members_max);
  eligible_.reserve(members_max);
}

bool Members::up(Instant now, const wire::Contact& contact) {
  down(contact.id);  // its role or address may have changed
  if (contact.id.is_zero() || contact.address.empty()) return false;
  if (contact.role != wire::Role::node && contact.role != wire::Role::bridge) return false;
  Table& table = contact.role == wire::Role::node ? nodes_ : bridges_;
  if (table.size() >= members_max_) return false;
  table.insert(contact.id, {.contact = contact, .heard = now});
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

void Members::shuffle_stale(Instant now, const NodeId& newcomer, std::vector<NodeId>& stale) {
  stale.clear();
  for (const auto& [id, member] : nodes_) {
    if (id == newcomer || member.ignored_probe || is_fresh(now, member)) continue;
    stale.push_back(id);
  }
  for (std::size_t place = 0; place + 1 < stale.size(); ++place) {
    const std::size_t drawn = place + rng_.below(stale.size() - place);
    std::swap(stale[place], stale[drawn]);
  }
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
  const auto is_eligible = [&](std::size_t index) {
    const auto& [id, member] = table.at_index(index);
    return id != newcomer && is_fresh(now, member) &&
           std::ranges::find(chosen_, index) == chosen_.end();
  };
  chosen_.clear();
  // In a small table most draws would hit what is chosen already.
  std::size_t misses = table.size() > 2 * count ? 0 : kMissesMax;
  while (chosen_.size() < count && misses < kMissesMax) {
    const std::size_t drawn = rng_.below(table.size());
    if (is_eligible(drawn)) {
      chosen_.push_back(drawn);
    } else {
      ++misses;
    }
  }
  eligible_.clear();
  if (chosen_.size() < count) {
    for (std::size_t index = 0; index < table.size(); ++index) {
      if (is_eligible(index)) eligible_.push_back(index);
    }
  }
  for (std::size_t place = 0; place < eligible_.size() && chosen_.size() < count; ++place) {
    const std::size_t drawn = place + rng_.below(eligible_.size() - place);
    std::swap(eligible_[place], eligible_[drawn]);
    chosen_.push_back(eligible_[place]);
  }
  wire::Contacts contacts;
  contacts.reserve(chosen_.size());
  for (const std::size_t index : chosen_) contacts.push_back(table.at_index(index).second.contact);
  return contacts;
}

}  // namespace trestle::bridge
