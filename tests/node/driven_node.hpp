#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace trestle::test {

inline constexpr Instant kNodeStart = Instant(std::chrono::seconds(1000));

/// The three programs' nodes, a dht-node with the few links of a mobile device, one like that which
/// measures round trips, and two more members: one whose routing table is full after a few peers,
/// so that most of them reach its replacement cache only, and one that keeps itself up at long
/// intervals, so that months pass quickly.
enum class NodeKind : std::uint8_t { bootstrap, bridge, dht, mobile, measuring, crowded, patient };

/// One node and its driver: signs and checks at once, and finds fault with every order for a
/// connection that is not open (P-FN-6: nothing may point to a closed one).
class DrivenNode {
 public:
  DrivenNode(NodeKind kind, std::uint64_t seed) : suite_(seed), pair_(suite_.generate()) {
    const crypto::Identity identity = crypto::identity_of(suite_, pair_);
    node_ = make(kind, identity, Rng(seed));
    node_->on_wall_clock(kNodeStart, WallTime(std::chrono::milliseconds(1'795'000'000'000)));
  }

  node::Node& operator*() { return *node_; }
  node::Node* operator->() { return node_.get(); }
  const node::Node* operator->() const { return node_.get(); }

  link::ConnectionId accept(Instant now, const std::string& address) {
    const link::ConnectionId connection = node_->on_accepted(now, {address});
    open.insert(connection);
    return connection;
  }
  void dialled(Instant now, link::ConnectionId connection) {
    dialling.erase(connection);
    open.insert(connection);
    node_->on_dialled(now, connection);
  }
  void fail_dial(Instant now, link::ConnectionId connection) {
    dialling.erase(connection);
    node_->on_dial_failed(now, connection, ErrorCode::unreachable, "nobody listens");
  }
  void lose(Instant now, link::ConnectionId connection) {
    open.erase(connection);
    lost_.insert(connection);
    node_->on_closed(now, connection, 1006, "reset");
  }

  /// What the node says until it is silent. Signing and checking is done on the way.
  std::vector<node::Effect> drain(Instant now) {
    std::vector<node::Effect> effects;
    while (auto effect = node_->poll_effect(now)) {
      std::visit([&](const auto& order) { note(now, order); }, *effect);
      effects.push_back(std::move(*effect));
    }
    lost_.clear();
    return effects;
  }

  node::Status look(Instant now) const { return node_->status(now); }

  /// A figure of its status, by name.
  std::uint64_t counter(Instant now, std::string_view name) const {
    const node::Status status = node_->status(now);
    for (const auto& [key, value] : status.counters) {
      if (key == name) return value;
    }
    FAIL("no counter " << name);
    return 0;
  }

  std::set<link::ConnectionId> open;
  std::set<link::ConnectionId> dialling;
  std::size_t stopped = 0;
  /// The disk answers when the test says so.
  bool holds_disk = false;
  std::vector<dht::StorageTicket> held_orders;

 private:
  std::unique_ptr<node::Node> make(NodeKind kind, const crypto::Identity& identity, Rng rng) {
    if (kind == NodeKind::bootstrap) {
      node::BootstrapOptions options;
      options.bridges = {{{"ws://bridge-1"}}, {{"ws://bridge-2"}}};
      options.genesis = true;
      return std::make_unique<node::BootstrapNode>(options, identity, suite_, rng);
    }
    if (kind == NodeKind::bridge) {
      node::BridgeOptions options;
      options.bootstrap_urls = {"ws://bootstrap"};
      options.bridge_secret = to_bytes(as_bytes("secret"));
      return std::make_unique<node::BridgeNode>(options, identity, suite_, rng);
    }
    if (kind == NodeKind::dht || kind == NodeKind::mobile || kind == NodeKind::measuring) {
      node::NodeOptions options;
      options.bootstrap_urls = {"ws://bootstrap"};
      if (kind != NodeKind::dht) options.platform = node::Platform::mobile;
      if (kind == NodeKind::measuring) options.proximity = dht::Proximity::by_round_trip;
      return std::make_unique<node::DhtNode>(options, identity, suite_, rng);
    }
    node::MemberOptions options;
    options.program = "dht-node";
    options.bootstrap_urls = {"ws://bootstrap"};
    if (kind == NodeKind::crowded) {
      options.dht.table.bucket_peers_max = 1;
      options.dht.table.replacements_max = 1;
      options.dht.table.buckets_max = 2;
      options.dht.table.legacy_peers_per_bucket_max = 1;
    } else {
      options.dht.self_lookup_interval = std::chrono::minutes(10);
      options.channels.channel.keepalive.interval = std::chrono::minutes(5);
    }
    return std::make_unique<node::MemberNode>(options, identity, suite_, rng);
  }

  void note(Instant, const link::Dial& dial) { dialling.insert(dial.connection); }
  void note(Instant, const link::SendFrame& frame) {
    REQUIRE(open.contains(frame.connection) + lost_.contains(frame.connection) == 1);
  }
  void note(Instant, const link::CloseTransport& close) {
    const std::size_t known = open.erase(close.connection) + dialling.erase(close.connection);
    REQUIRE(known + lost_.contains(close.connection) == 1);
  }
  void note(Instant now, const link::Sign& sign) {
    node_->on_signed(now, sign.connection, sign.ticket, suite_.sign(pair_, sign.message));
  }
  void note(Instant now, const link::Verify& verify) {
    const bool valid = suite_.verify(verify.key, verify.message, verify.signature);
    node_->on_verified(now, verify.connection, verify.ticket, valid);
  }
  void note(Instant, const node::Stopped&) { ++stopped; }
  void note(Instant, const node::OperationEnded&) {}
  void note(Instant, const node::Joined&) {}
  void note(Instant, const LogRecord&) {}
  void note(Instant now, const dht::Persist& order) {
    if (holds_disk) return held_orders.push_back(order.ticket);
    node_->on_persisted(now, order.ticket, ErrorCode::none);
  }
  void note(Instant, const node::SavePeers&) {}
  void note(Instant, const node::SaveAdmission&) {}
  void note(Instant now, const node::IssueMembership& order) {
    const auto keys = crypto::identity_keys(suite_, pair_);
    node_->on_membership_issued(now, order.ticket, crypto::sign(order.content, keys.message), {});
  }

  crypto::Suite suite_;
  crypto::KeyPair pair_;
  std::unique_ptr<node::Node> node_;
  /// Lost since the node was last drained: it may have spoken to them before it was told.
  std::set<link::ConnectionId> lost_;
};

}  // namespace trestle::test
