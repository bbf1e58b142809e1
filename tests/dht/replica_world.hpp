#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "dht/contacts.hpp"
#include "trestle/dht/republisher.hpp"

namespace trestle::dht::test {

/// Many `Republisher` machines with stores of the simplest kind and perfect tables, in one virtual
/// time. It knows everything that is said, and keeps count.
class ReplicaWorld {
 public:
  struct Member {
    wire::Contact contact;
    Republisher machine;
    std::map<NodeId, KeptRecord> store;
    bool alive = true;
    int side = 0;  ///< Members of different sides do not hear each other.
    std::uint64_t timer = 0;
  };
  struct Said {
    Instant when;
    std::size_t from = 0;
    NodeId to;
    bool delegated = false;
    std::vector<NodeId> places;  ///< Of an offer.
  };

  explicit ReplicaWorld(std::uint64_t seed, RepublisherOptions options = {})
      : options_(options), rng_(seed) {}

  std::size_t add(wire::Contact contact) {
    members_.push_back(std::make_unique<Member>(
        Member{.contact = contact,
               .machine = Republisher(contact.id, options_, rng_.fork("member", members_.size())),
               .store = {}}));
    index_[contact.id] = members_.size() - 1;
    return members_.size() - 1;
  }
  void grow(std::size_t count) {
    for (std::size_t added = 0; added < count; ++added) add(dialable(random_id(rng_)));
  }
  void warm_all() {
    for (std::size_t index = 0; index < members_.size(); ++index) {
      members_[index]->machine.on_warm(now_);
      drain(index);
    }
  }

  Member& operator[](std::size_t index) { return *members_[index]; }
  std::size_t size() const { return members_.size(); }
  Rng& rng() { return rng_; }
  Instant now() const { return now_; }
  const RepublisherOptions& options() const { return options_; }

  KeptRecord a_record(std::uint64_t version = 1, Duration life = std::chrono::hours(24)) {
    KeptRecord record{.place = random_id(rng_), .version = version, .ends = now_ + life};
    for (auto& byte : record.digest) byte = static_cast<std::uint8_t>(rng_.below(256));
    return record;
  }
  /// As a put or a StoreRequest would.
  void keep(std::size_t index, const KeptRecord& record) {
    Member& member = *members_[index];
    const auto known = member.store.find(record.place);
    if (known != member.store.end() && is_newer(known->second, record)) return;
    member.store[record.place] = record;
    member.machine.on_kept(now_, record);
    drain(index);
  }
  void restore(std::size_t index, const KeptRecord& record) {
    members_[index]->store[record.place] = record;
    members_[index]->machine.on_restored(now_, record);
    drain(index);
  }
  void keep_at_nearest(const KeptRecord& record) {
    for (const std::size_t holder : nearest(record.place, options_.plan.copies)) {
      keep(holder, record);
    }
  }

  /// The nearest living nodes that keep records, seen from `side`.
  std::vector<std::size_t> nearest(const NodeId& place, std::size_t count, int side = 0) const {
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < members_.size(); ++index) {
      if (members_[index]->alive && members_[index]->side == side) found.push_back(index);
    }
    std::sort(found.begin(), found.end(), [&](std::size_t left, std::size_t right) {
      return closer(place, members_[left]->contact.id, members_[right]->contact.id);
    });
    found.resize(std::min(count, found.size()));
    return found;
  }
  std::size_t copies_of(const KeptRecord& record) const {
    std::size_t copies = 0;
    for (const auto& member : members_) {
      const auto kept = member->store.find(record.place);
      copies +=
          member->alive && kept != member->store.end() && kept->second.digest == record.digest;
    }
    return copies;
  }
  std::size_t copies_at_nearest(const KeptRecord& record) const {
    std::size_t copies = 0;
    for (const std::size_t holder : nearest(record.place, options_.plan.copies)) {
      const auto kept = members_[holder]->store.find(record.place);
      copies += kept != members_[holder]->store.end() && kept->second.digest == record.digest;
    }
    return copies;
  }

  void link(std::size_t left, std::size_t right) {
    members_[left]->machine.on_link_up(now_, members_[right]->contact);
    drain(left);
    members_[right]->machine.on_link_up(now_, members_[left]->contact);
    drain(right);
  }

  void run_for(Duration duration) {
    const Instant until = now_ + duration;
    while (!events_.empty() && events_.begin()->first.first <= until) {
      auto event = events_.extract(events_.begin());
      now_ = event.key().first;
      event.mapped()();
    }
    now_ = until;
  }

  /// Every offer that was sent.
  std::vector<Said> offers;
  std::uint64_t lookups = 0;
  std::uint64_t copies_sent = 0;
  /// Records that were sent to somebody who had not asked for this content (P-CR-27).
  std::uint64_t copies_unasked = 0;
  bool spinning = false;
  Duration latency_max = std::chrono::milliseconds(100);

  void drain(std::size_t index) {
    Member& member = *members_[index];
    while (auto effect = member.machine.poll_effect()) {
      std::visit([&](auto& order) { perform(index, order); }, *effect);
    }
    const std::uint64_t timer = ++member.timer;
    const Instant next = member.machine.next_deadline();
    if (next == kNever) return;
    schedule(next, [this, index, timer] {
      Member& due = *members_[index];
      if (!due.alive || due.timer != timer) return;
      due.machine.on_deadline(now_);
      drain(index);
      spinning = spinning || due.machine.next_deadline() <= now_;
    });
  }

 private:
  using Asked = std::tuple<NodeId, NodeId, NodeId, wire::RecordDigest>;

  static bool is_newer(const KeptRecord& left, const KeptRecord& right) {
    return std::tie(left.version, left.digest) > std::tie(right.version, right.digest);
  }
  void schedule(Instant when, std::function<void()> action) {
    events_.emplace(std::pair(std::max(when, now_), ++events_made_), std::move(action));
  }
  Duration latency() { return rng_.between(std::chrono::milliseconds(5), latency_max); }
  wire::Contacts contacts_near(const NodeId& target, std::size_t wanted, std::size_t asker) const {
    wire::Contacts contacts;
    for (const std::size_t near : nearest(target, wanted + 1, members_[asker]->side)) {
      if (near != asker && contacts.size() < wanted) contacts.push_back(members_[near]->contact);
    }
    return contacts;
  }

  void perform(std::size_t index, const FindNearest& order) {
    ++lookups;
    schedule(now_ + 4 * latency(), [this, index, order] {
      if (!members_[index]->alive) return;
      const auto contacts = contacts_near(order.target, order.wanted, index);
      members_[index]->machine.on_nearest(now_, order.target, contacts);
      drain(index);
    });
  }
  void perform(std::size_t index, const FindNeighbours& order) {
    const auto contacts = contacts_near(order.target, order.wanted, index);
    members_[index]->machine.on_neighbours(now_, order, contacts);
  }
  /// The member that hears it, if it does; a failure is told to the asker after a while.
  bool reaches(std::size_t index, const NodeId& peer, UpkeepTicket ticket, Duration timeout) {
    const auto found = index_.find(peer);
    if (found != index_.end() && members_[found->second]->alive &&
        members_[found->second]->side == members_[index]->side) {
      return true;
    }
    schedule(now_ + timeout, [this, index, ticket] {
      if (!members_[index]->alive) return;
      members_[index]->machine.on_failed(now_, ticket, ErrorCode::timeout);
      drain(index);
    });
    return false;
  }
  void perform(std::size_t index, const SendOffer& order) {
    Said said{.when = now_,
              .from = index,
              .to = order.peer.id,
              .delegated = order.offer.delegated,
              .places = {}};
    for (const auto& summary : order.offer.records) said.places.push_back(summary.place);
    offers.push_back(std::move(said));
    if (!reaches(index, order.peer.id, order.ticket, order.timeout)) return;
    schedule(now_ + latency(), [this, index, order] { deliver(index, order); });
  }
  void deliver(std::size_t from, const SendOffer& order) {
    const std::size_t to = index_.at(order.peer.id);
    Member& member = *members_[to];
    const NodeId& asker = members_[from]->contact.id;
    std::vector<wire::ReplicaState> states;
    for (const wire::ReplicaSummary& summary : order.offer.records) {
      const auto state = member.machine.judge(summary);
      member.machine.on_offered(now_, asker, summary, state, order.offer.delegated);
      if (state == wire::ReplicaState::have) {
        KeptRecord& kept = member.store.at(summary.place);
        kept.ends = std::max(kept.ends, now_ + std::chrono::milliseconds(summary.left_ms));
        member.machine.on_refreshed(now_, summary.place, kept.ends, asker);
      }
      if (state == wire::ReplicaState::need || state == wire::ReplicaState::mismatch) {
        asked_.insert(Asked{asker, order.peer.id, summary.place, summary.digest});
      }
      states.push_back(state);
    }
    drain(to);
    schedule(now_ + latency(), [this, from, ticket = order.ticket, states] {
      if (!members_[from]->alive) return;
      members_[from]->machine.on_answer(now_, ticket, states);
      drain(from);
    });
  }
  void perform(std::size_t index, const SendCopy& order) {
    ++copies_sent;
    const KeptRecord record = members_[index]->store.at(order.place);
    const Asked asked{members_[index]->contact.id, order.peer.id, order.place, order.digest};
    copies_unasked += asked_.erase(asked) == 0;
    if (record.digest != order.digest) {
      return schedule(now_, [this, index, ticket = order.ticket] {
        members_[index]->machine.on_failed(now_, ticket, ErrorCode::cancelled);
        drain(index);
      });
    }
    if (!reaches(index, order.peer.id, order.ticket, order.timeout)) return;
    schedule(now_ + latency(), [this, index, order, record] {
      keep(index_.at(order.peer.id), record);
      schedule(now_ + latency(), [this, index, ticket = order.ticket] {
        members_[index]->machine.on_stored(now_, ticket);
        drain(index);
      });
    });
  }

  RepublisherOptions options_;
  Rng rng_;
  Instant now_{std::chrono::seconds(1)};
  std::vector<std::unique_ptr<Member>> members_;
  std::map<NodeId, std::size_t> index_;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t events_made_ = 0;
  std::set<Asked> asked_;
};

}  // namespace trestle::dht::test
