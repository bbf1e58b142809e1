#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "trestle/node/member/carrier.hpp"
#include "trestle/node/member/wrapped_record.hpp"

namespace trestle::test {

inline constexpr Instant kCarryStart = Instant(std::chrono::seconds(1000));

/// Members that carry requests for each other, each with its part of the DHT and nothing else.
/// Messages arrive at once, in the order they were sent. What is for a peer that is no member (one
/// of the old dialect, or one that is silent) is kept for the test to look at.
class CarryingWorld {
 public:
  struct Member {
    Member(const wire::Contact& contact, crypto::Suite& suite, std::uint64_t seed,
           const node::CarrierOptions& options)
        : dht(contact, {}, suite, Rng(seed)), carrier(options, local, dht) {
      local.identity.id = contact.id;
      local.wall_clock = {kCarryStart, WallTime(std::chrono::milliseconds(1'795'000'000'000))};
    }
    link::LocalPeer local;
    dht::Dht dht;
    node::Carrier carrier;
    std::vector<node::CarryBack> answers;
    std::vector<node::CarryText> texts;
    std::vector<node::CarryOn> orders;  ///< Those for peers that are no members.
  };
  struct Passed {
    NodeId from{};
    NodeId to{};
    wire::Message message;
  };

  explicit CarryingWorld(std::uint64_t seed, const node::CarrierOptions& options = {})
      : rng(seed), suite_(seed), options_(options) {}

  NodeId random_id() {
    const std::uint64_t high = rng.next();
    const std::uint64_t middle = rng.next();
    const auto low = static_cast<std::uint32_t>(rng.next());
    return {high, middle, low};
  }
  static wire::Contact contact(const NodeId& id, wire::Dialect dialect = wire::Dialect::native) {
    return {id, wire::Role::node, dialect, "ws://" + id.to_short_hex() + ".test:1", {}};
  }

  NodeId add() { return add(random_id()); }
  NodeId add(const NodeId& id) {
    members_[id] = std::make_unique<Member>(contact(id), suite_, rng.next(), options_);
    return id;
  }
  Member& operator[](const NodeId& id) { return *members_.at(id); }
  bool has(const NodeId& id) const { return members_.contains(id); }

  void link(const NodeId& left, const NodeId& right) {
    link_one(left, contact(right));
    link_one(right, contact(left));
  }
  /// A link to somebody who is no member.
  void link_one(const NodeId& member, const wire::Contact& peer) {
    Member& one = *members_.at(member);
    one.dht.on_link_up(now, peer);
    while (one.dht.poll_effect()) {
    }
  }

  /// As from a peer on a link of this member.
  void route(const NodeId& at, const wire::Contact& from, const wire::RouteRequest& request,
             std::uint64_t id = 1) {
    members_.at(at)->carrier.on_route(now, {connection_of(at), wire::RequestId{id}, from}, request);
    settle(at);
  }
  void search(const NodeId& at, const wire::Contact& from,
              const wire::RecursiveFindRequest& request, std::uint64_t id = 1) {
    members_.at(at)->carrier.on_recursive(now, {connection_of(at), wire::RequestId{id}, from},
                                          request);
    settle(at);
  }
  void answer(const NodeId& at, std::uint64_t number, const wire::Message& message) {
    members_.at(at)->carrier.on_answer(now, number, message);
    settle(at);
  }
  void fail(const NodeId& at, std::uint64_t number, ErrorCode code) {
    members_.at(at)->carrier.on_failed(now, number, code);
    settle(at);
  }

  /// Performs what the member ordered, and what follows from it at others.
  void settle(const NodeId& at) {
    Member& member = *members_.at(at);
    while (auto effect = member.carrier.poll_effect()) {
      if (auto* order = std::get_if<node::CarryOn>(&*effect)) {
        passed.push_back({at, order->to, order->message});
        if (!members_.contains(order->to) || silent.contains(order->to)) {
          member.orders.push_back(std::move(*order));
          continue;
        }
        deliver(at, *order);
      } else if (auto* back = std::get_if<node::CarryBack>(&*effect)) {
        const auto hop = hops_.find({at, back->id.value});
        if (hop == hops_.end()) {
          member.answers.push_back(std::move(*back));
          continue;
        }
        const auto [asker, number] = hop->second;
        hops_.erase(hop);
        members_.at(asker)->carrier.on_answer(now, number, back->answer);
        settle(asker);
      } else {
        member.texts.push_back(std::get<node::CarryText>(std::move(*effect)));
      }
    }
  }

  Rng rng;
  Instant now = kCarryStart;
  std::vector<Passed> passed;
  std::set<NodeId> silent;

 private:
  link::ConnectionId connection_of(const NodeId& at) const {
    return {link::ConnectionOwner::node, at.low()};
  }
  void deliver(const NodeId& from, const node::CarryOn& order) {
    const std::uint64_t id = ++last_id_ + 1'000'000;
    hops_[{order.to, id}] = {from, order.number};
    if (const auto* request = std::get_if<wire::RouteRequest>(&order.message)) {
      route(order.to, contact(from), *request, id);
    } else {
      search(order.to, contact(from), std::get<wire::RecursiveFindRequest>(order.message), id);
    }
  }

  crypto::Suite suite_;
  node::CarrierOptions options_;
  std::map<NodeId, std::unique_ptr<Member>> members_;
  std::map<std::pair<NodeId, std::uint64_t>, std::pair<NodeId, std::uint64_t>> hops_;
  std::uint64_t last_id_ = 0;
};

/// A question as it is carried.
inline wire::RouteRequest route_to(const NodeId& destination, const NodeId& origin,
                                   const wire::Message& question, std::uint8_t hops_left = 19,
                                   std::uint64_t inner_id = 77) {
  return {destination, origin, hops_left, *node::wrapped({wire::RequestId{inner_id}, question})};
}

}  // namespace trestle::test
