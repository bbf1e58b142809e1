#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dht/contacts.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht::test {

/// How a member of the small network behaves towards requests.
enum class Manner {
  honest,
  silent,     ///< Links up, never answers.
  inventor,   ///< Names contacts that do not exist, close to whatever is asked for.
  echo,       ///< Names nobody but the asker.
  babbler,    ///< Names a thousand contacts, most of them invented, in any order.
  scrambler,  ///< Names true contacts in a wrong order.
};

/// Many `Dht` machines in one virtual time: links open when a question needs one, messages take a
/// random while, everything follows from the seed. It plays the part of the room above.
class SmallNetwork {
 public:
  explicit SmallNetwork(std::uint64_t seed) : rng_(seed), suite_(seed) {}

  struct Member {
    Member(const wire::Contact& contact, const DhtOptions& options, crypto::Suite& suite,
           const Rng& rng, Manner its_manner)
        : dht(contact, options, suite, rng), manner(its_manner) {}
    Dht dht;
    Manner manner;
    bool alive = true;
    std::vector<NodeId> links;  ///< Oldest first.
    std::map<std::uint64_t, Ended> ended;
    std::map<std::uint64_t, NodeId> pending;
    std::vector<NeighbourhoodKnown> news;
    std::uint64_t timer = 0;
  };

  std::size_t links_max = 60;
  std::size_t links_wanted = 8;

  std::size_t add(Manner manner = Manner::honest, DhtOptions options = {},
                  wire::Role role = wire::Role::node) {
    options.author = suite_.generate().key;
    const wire::Contact contact = dialable(crypto::node_id_of(suite_, options.author), role);
    index_[contact.id] = members_.size();
    const Rng own = rng_.fork("member", members_.size());
    members_.push_back(std::make_unique<Member>(contact, options, suite_, own, manner));
    return members_.size() - 1;
  }

  /// Members that join one after another, each through a random earlier honest one.
  void grow(std::size_t count, std::size_t bad, Manner manner) {
    for (std::size_t index = 0; index < count; ++index) {
      const bool is_bad = index >= 2 && index % (count / std::max<std::size_t>(bad, 1)) == 1;
      add(bad > 0 && is_bad ? manner : Manner::honest);
      if (index > 0) link(index, random_honest(index));
      run_for(std::chrono::milliseconds(300));
    }
  }

  std::size_t random_honest(std::size_t below) {
    while (true) {
      const std::size_t index = rng_.below(below);
      if (members_[index]->manner == Manner::honest && members_[index]->alive) return index;
    }
  }

  Member& operator[](std::size_t index) { return *members_[index]; }
  std::size_t size() const { return members_.size(); }
  Rng& rng() { return rng_; }
  Instant now() const { return now_; }
  std::uint64_t fingerprint() const { return fingerprint_; }
  NodeId id(std::size_t index) const { return members_[index]->dht.self().id; }
  NodeId place(std::string_view key) { return NodeId::from_bytes(suite_.sha1(as_bytes(key))); }

  void link(std::size_t left, std::size_t right) {
    if (left == right || is_linked(left, id(right))) return;
    open_side(left, right);
    open_side(right, left);
    shed(left);
    shed(right);
  }
  void unlink(std::size_t left, std::size_t right, LinkEnding ending = LinkEnding::lost) {
    close_side(left, right, ending);
    close_side(right, left, ending);
  }
  void kill(std::size_t index) {
    members_[index]->alive = false;
    while (!members_[index]->links.empty()) unlink(index, index_[members_[index]->links[0]]);
  }
  bool is_linked(std::size_t index, const NodeId& peer) const {
    const auto& links = members_[index]->links;
    return std::find(links.begin(), links.end(), peer) != links.end();
  }

  /// Performs what the member ordered. Call after every changing call made from outside.
  void drain(std::size_t index) {
    Member& member = *members_[index];
    while (auto effect = member.dht.poll_effect()) {
      note(index, effect->index());
      if (auto* ask = std::get_if<Ask>(&*effect)) perform(index, *ask);
      if (auto* respond = std::get_if<Respond>(&*effect)) deliver_answer(*respond);
      if (auto* sign = std::get_if<SignRecord>(&*effect)) {
        member.dht.on_signed(now_, sign->operation, {});
      }
      if (auto* order = std::get_if<Persist>(&*effect)) {
        schedule(now_ + disk_time(), [this, index, ticket = order->ticket] {
          members_[index]->dht.on_persisted(now_, ticket, ErrorCode::none);
          drain(index);
        });
      }
      if (auto* ended = std::get_if<Ended>(&*effect)) {
        member.ended.emplace(ended->operation.value, std::move(*ended));
      }
      if (auto* known = std::get_if<NeighbourhoodKnown>(&*effect)) member.news.push_back(*known);
      if (auto* discovered = std::get_if<Discovered>(&*effect)) consider(index, *discovered);
    }
    const std::uint64_t timer = ++member.timer;
    const Instant next = member.dht.next_deadline();
    if (next == kNever) return;
    schedule(next, [this, index, timer] {
      Member& due = *members_[index];
      if (!due.alive || due.timer != timer) return;
      due.dht.on_deadline(now_);
      spinning_ = spinning_ || due.dht.next_deadline() <= now_;
      drain(index);
    });
  }
  bool is_spinning() const { return spinning_; }

  void run_for(Duration duration) {
    const Instant until = now_ + duration;
    while (!events_.empty() && events_.begin()->first.first <= until) step();
    now_ = until;
  }

  /// Runs until the operation has ended; nothing if that takes longer than `bound`.
  std::optional<Ended> await(std::size_t index, OperationId operation,
                             Duration bound = std::chrono::minutes(2)) {
    const Instant until = now_ + bound;
    drain(index);
    while (!members_[index]->ended.contains(operation.value)) {
      if (events_.empty() || events_.begin()->first.first > until) return std::nullopt;
      step();
    }
    return members_[index]->ended.at(operation.value);
  }

  std::optional<Ended> find(std::size_t index, const NodeId& target) {
    return await(index, *members_[index]->dht.find(now_, target));
  }
  std::optional<Ended> put(std::size_t index, const std::string& key, const std::string& value) {
    const auto ttl = std::chrono::hours(1);
    return await(index, *members_[index]->dht.put(now_, key, to_bytes(as_bytes(value)), ttl));
  }
  std::optional<Ended> get(std::size_t index, const std::string& key) {
    return await(index, *members_[index]->dht.get(now_, key));
  }

  /// The truly nearest living members of these manners, without `asker`.
  std::vector<NodeId> nearest(const NodeId& target, std::size_t asker, std::size_t count) const {
    std::vector<NodeId> ids;
    for (std::size_t index = 0; index < members_.size(); ++index) {
      const Member& member = *members_[index];
      if (index != asker && member.alive && member.manner != Manner::silent) {
        ids.push_back(member.dht.self().id);
      }
    }
    std::sort(ids.begin(), ids.end(),
              [&](const NodeId& left, const NodeId& right) { return closer(target, left, right); });
    ids.resize(std::min(count, ids.size()));
    return ids;
  }

 private:
  void step() {
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    event.mapped()();
  }
  void schedule(Instant when, std::function<void()> action) {
    events_.emplace(std::pair(std::max(when, now_), ++events_made_), std::move(action));
  }
  Duration latency() {
    return rng_.between(std::chrono::milliseconds(5), std::chrono::milliseconds(60));
  }
  Duration disk_time() {
    return rng_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(30));
  }
  void note(std::size_t index, std::size_t kind) {
    const auto moment = static_cast<std::uint64_t>(now_.time_since_epoch().count());
    fingerprint_ = (fingerprint_ ^ (moment * 31 + index * 7 + kind)) * 0x100000001b3u;
  }

  void open_side(std::size_t index, std::size_t other) {
    Member& member = *members_[index];
    member.links.push_back(id(other));
    member.dht.on_link_up(now_, members_[other]->dht.self());
    drain(index);
  }
  void close_side(std::size_t index, std::size_t other, LinkEnding ending) {
    Member& member = *members_[index];
    if (std::erase(member.links, id(other)) == 0) return;
    member.dht.on_link_down(now_, id(other), ending);
    std::vector<std::uint64_t> lost;
    for (const auto& [ask, peer] : member.pending) {
      if (peer == id(other)) lost.push_back(ask);
    }
    for (const std::uint64_t ask : lost) fail(index, ask, ErrorCode::connection_lost);
    if (member.alive) drain(index);
  }
  /// Too many links: the oldest without a question under way is let go, and both know why.
  void shed(std::size_t index) {
    Member& member = *members_[index];
    if (member.links.size() <= links_max) return;
    for (const NodeId& peer : member.links) {
      const std::size_t other = index_[peer];
      const bool busy = waits_for(index, peer) || waits_for(other, id(index));
      if (!busy) return unlink(index, other, LinkEnding::let_go);
    }
  }
  bool waits_for(std::size_t index, const NodeId& peer) const {
    for (const auto& [ask, asked] : members_[index]->pending) {
      if (asked == peer) return true;
    }
    return false;
  }
  void consider(std::size_t index, const Discovered& discovered) {
    const auto other = index_.find(discovered.contact.id);
    if (members_[index]->links.size() >= links_wanted || other == index_.end()) return;
    schedule(now_ + latency(), [this, index, to = other->second] {
      if (members_[index]->alive && members_[to]->alive) link(index, to);
    });
  }

  void fail(std::size_t index, std::uint64_t ask, ErrorCode code) {
    if (members_[index]->pending.erase(ask) == 0) return;
    members_[index]->dht.on_ask_failed(now_, AskId{ask}, code);
    drain(index);
  }
  void perform(std::size_t index, Ask& ask) {
    members_[index]->pending[ask.ask.value] = ask.peer.id;
    schedule(now_ + ask.timeout, [this, index, number = ask.ask.value] {
      if (members_[index]->alive) fail(index, number, ErrorCode::timeout);
    });
    const auto found = index_.find(ask.peer.id);
    if (found == index_.end() || !members_[found->second]->alive) {
      if (ask.peer.id.low() % 2 == 0)
        return;  // silence: an address where nothing listens or answers
      schedule(now_ + latency(), [this, index, number = ask.ask.value] {
        if (members_[index]->alive) fail(index, number, ErrorCode::unreachable);
      });
      return;
    }
    Instant arrival = now_ + latency();
    if (!is_linked(index, ask.peer.id)) {
      schedule(arrival, [this, index, to = found->second] {
        if (members_[index]->alive && members_[to]->alive) link(index, to);
      });
      arrival += latency();
    }
    schedule(arrival, [this, index, to = found->second, ask] { deliver(index, to, ask); });
  }

  void deliver(std::size_t from, std::size_t to, const Ask& ask) {
    Member& member = *members_[to];
    if (!member.alive || !members_[from]->alive) return;
    if (!members_[from]->pending.contains(ask.ask.value)) return;
    const std::uint64_t token = ++tokens_;
    askers_[token] = {from, ask.ask.value};
    if (member.manner == Manner::silent) return;
    if (member.manner == Manner::honest) {
      if (const auto* store = std::get_if<wire::StoreRequest>(&ask.message)) {
        member.dht.on_store(now_, id(from), RequestToken{token},
                            crypto::VerifiedRecord::vouch_for(store->record));
      } else {
        member.dht.on_request(now_, id(from), RequestToken{token}, ask.message);
      }
      return drain(to);
    }
    deliver_answer({.token = RequestToken{token}, .message = lie(from, to, ask.message)});
  }
  void deliver_answer(const Respond& respond) {
    const std::pair<std::size_t, std::uint64_t> asked = askers_.at(respond.token.value);
    askers_.erase(respond.token.value);
    schedule(now_ + latency(), [this, asked, message = respond.message] {
      Member& member = *members_[asked.first];
      if (!member.alive || member.pending.erase(asked.second) == 0) return;
      const auto* value = std::get_if<wire::FindValueResponse>(&message);
      if (value != nullptr && value->found) {
        member.dht.on_record(now_, AskId{asked.second},
                             crypto::VerifiedRecord::vouch_for(value->record));
      } else {
        member.dht.on_answer(now_, AskId{asked.second}, message);
      }
      drain(asked.first);
    });
  }

  NodeId near(const NodeId& target) { return random_id_at(rng_, target, 20); }

  wire::Message lie(std::size_t from, std::size_t to, const wire::Message& request) {
    const auto* find_node = std::get_if<wire::FindNodeRequest>(&request);
    const auto* find_value = std::get_if<wire::FindValueRequest>(&request);
    if (find_node == nullptr && find_value == nullptr) return wire::StoreResponse{};
    const NodeId target = find_node != nullptr ? find_node->target : place(find_value->key);
    wire::Contacts contacts;
    const Member& liar = *members_[to];
    const std::size_t invented = liar.manner == Manner::inventor  ? 20
                                 : liar.manner == Manner::babbler ? 1000
                                                                  : 0;
    for (std::size_t count = 0; count < invented; ++count) {
      contacts.push_back(dialable(count % 3 == 2 ? random_id(rng_) : near(target)));
    }
    if (liar.manner == Manner::echo) contacts.assign(20, members_[from]->dht.self());
    if (liar.manner == Manner::scrambler) {
      contacts = liar.dht.table().closest_contacts(target, 20);
      for (std::size_t left = contacts.size(); left > 1; --left) {
        const std::size_t other = rng_.below(left);
        std::swap(contacts[left - 1], contacts[other]);
      }
    }
    if (find_node != nullptr) return wire::FindNodeResponse{std::move(contacts)};
    wire::FindValueResponse response;
    response.contacts = std::move(contacts);
    return response;
  }

  Rng rng_;
  crypto::Suite suite_;
  Instant now_{std::chrono::seconds(1)};
  std::vector<std::unique_ptr<Member>> members_;
  std::map<NodeId, std::size_t> index_;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t events_made_ = 0;
  std::uint64_t tokens_ = 0;
  std::map<std::uint64_t, std::pair<std::size_t, std::uint64_t>> askers_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325u;
  bool spinning_ = false;
};

}  // namespace trestle::dht::test
