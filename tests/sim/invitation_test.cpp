// Networks that one enters by invitation (SEC-01..04, BRIDGE-14, T10): whole ones, in virtual time.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "hand_made.hpp"
#include "small_world.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

/// Where every calendar begins, up to its own skew.
constexpr WallTime kWallStart{std::chrono::milliseconds(1'735'689'600'000)};
constexpr NodeIndex kBootstrap = 0;
constexpr NodeIndex kBridges = 2;

std::string url_of(NodeIndex node) { return "ws://n" + std::to_string(node) + ".sim:9000/"; }

/// What a node comes with.
enum class Comes : std::uint8_t { invited, uninvited, believing_it_is_open };

WorldOptions world_options(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  // Two calendars may differ by what tokens allow for, five minutes, and not by more.
  options.wall_skew_max = 2min;
  return options;
}

/// A bootstrap node that is the founder, two bridges that know its key, and members.
class InvitedNetwork {
 public:
  explicit InvitedNetwork(std::uint64_t seed) : world(world_options(seed)), suite_(seed) {
    node::BootstrapOptions edge;
    edge.common.address = url_of(kBootstrap);
    edge.genesis = true;
    for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge) {
      edge.bridges.push_back({{url_of(bridge)}});
    }
    bridges_ = edge.bridges;
    add(wire::Role::bootstrap, [this, edge](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
      founder_ = crypto::identity_keys(seat.suite, seat.keys);
      node::BootstrapOptions made = edge;
      made.common.admission = admission(seat);
      made.bridge_secret = to_bytes(as_bytes(kSharedSecret));
      return std::make_unique<node::BootstrapNode>(made, seat.identity, seat.suite, seat.rng);
    });
    for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge) {
      add(wire::Role::bridge, [this, bridge](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
        node::BridgeOptions made;
        made.common.address = url_of(bridge);
        made.common.admission = admission(seat);
        made.bootstrap_urls = {url_of(kBootstrap)};
        made.bridge_secret = to_bytes(as_bytes(kSharedSecret));
        return std::make_unique<node::BridgeNode>(made, seat.identity, seat.suite, seat.rng);
      });
    }
    for (NodeIndex node = 0; node <= kBridges; ++node) world.start(node);
  }

  NodeIndex add_node(Comes how) {
    const auto index = static_cast<NodeIndex>(world.size());
    comes[index] = how;
    add(wire::Role::node, [this, index](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
      node::NodeOptions made;
      made.common.address = url_of(index);
      made.bootstrap_urls = {url_of(kBootstrap)};
      if (comes[index] == Comes::believing_it_is_open) {
        return std::make_unique<node::DhtNode>(made, seat.identity, seat.suite, seat.rng);
      }
      made.common.admission = admission(seat);
      if (comes[index] == Comes::invited) {
        made.common.admission.invitation = crypto::encode(invitation_for(seat.keys.key));
      }
      return std::make_unique<node::DhtNode>(made, seat.identity, seat.suite, seat.rng);
    });
    world.start(index);
    return index;
  }

  /// One for each key, however often it is asked for: the same paper.
  const crypto::Invitation& invitation_for(const crypto::PublicKey& invitee) {
    auto& token = invitations_[invitee];
    if (token) return *token;
    token.emplace();
    token->network = crypto::network_hash(suite_, "main");
    token->invitee = invitee;
    suite_.random(token->nonce);
    token->issued = wall();
    token->expires = token->issued + crypto::kInvitationLife;
    token = crypto::sign(*token, founder_->message);
    return *token;
  }

  /// The founder revokes, and its bootstrap node reads its settings again.
  void revoke(NodeIndex node) {
    crypto::RevocationList list;
    list.network = crypto::network_hash(suite_, "main");
    list.number = ++lists_;
    list.issued = wall();
    REQUIRE(crypto::revoke(list, {world.identity(node).id, crypto::RevocationReach::member}));
    node::Reload reload;
    reload.bridges = bridges_;
    reload.bridge_secret = to_bytes(as_bytes(kSharedSecret));
    reload.revocations = {crypto::encode(crypto::sign(list, founder_->message))};
    world.reload(kBootstrap, reload);
  }

  WallTime wall() const {
    return kWallStart + std::chrono::floor<Calendar::duration>(world.now().time_since_epoch());
  }

  std::size_t links(NodeIndex node) const { return links_of(world, node); }
  /// Of those that run, who has a link to it.
  std::vector<NodeIndex> linked_to(NodeIndex stranger) const {
    std::vector<NodeIndex> linked;
    for (NodeIndex node = 1; node < world.size(); ++node) {
      if (node == stranger || !world.is_running(node)) continue;
      for (const node::PeerStatus& peer : world.node(node).status(world.now()).peers) {
        if (peer.id == world.identity(stranger).id) linked.push_back(node);
      }
    }
    return linked;
  }
  /// Whom the bridges let in for that node's invitation.
  std::set<NodeId> members_by_invitation_of(NodeIndex node) const {
    std::set<NodeId> members;
    const auto& token = invitations_.at(world.identity(node).key);
    for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge) {
      if (!world.is_running(bridge)) continue;
      for (const node::MemberStatus& member : world.node(bridge).members()) {
        if (member.invitation == token->nonce) members.insert(member.id);
      }
    }
    return members;
  }
  std::uint64_t sum(std::string_view counter_name) const {
    std::uint64_t total = 0;
    for (NodeIndex node = 0; node < world.size(); ++node) {
      if (world.is_running(node)) total += counter(world, node, counter_name);
    }
    return total;
  }

  World world;
  std::map<NodeIndex, Comes> comes;

 private:
  void add(wire::Role role, NodeFactory factory) {
    const auto index = static_cast<NodeIndex>(world.size());
    world.add_node({.role = role, .url = url_of(index), .factory = std::move(factory)});
  }

  node::AdmissionOptions admission(const NodeSeat& seat) {
    node::AdmissionOptions made;
    made.mode = node::Admission::invitation;
    made.founders = {founder_->message.key};
    const crypto::IdentityKeys own = crypto::identity_keys(seat.suite, seat.keys);
    made.identity = crypto::encode(crypto::make_identity_record(seat.suite, own));
    return made;
  }

  crypto::Suite suite_;
  std::optional<crypto::IdentityKeys> founder_;
  std::vector<pool::BridgeEndpoint> bridges_;
  std::map<crypto::PublicKey, std::optional<crypto::Invitation>> invitations_;
  std::uint64_t lists_ = 0;
};

TEST_CASE("SEC-01: who was invited joins; who was not is linked to nobody, named to nobody") {
  InvitedNetwork net(1);
  std::vector<NodeIndex> members;
  for (int count = 0; count < 5; ++count) members.push_back(net.add_node(Comes::invited));
  const NodeIndex stranger = net.add_node(Comes::uninvited);
  const NodeIndex dreamer = net.add_node(Comes::believing_it_is_open);
  net.world.run_for(2min);

  for (const NodeIndex member : members) {
    CAPTURE(member);
    CHECK(net.links(member) >= 4);
    CHECK(net.members_by_invitation_of(member) == std::set<NodeId>{net.world.identity(member).id});
  }
  for (const NodeIndex outside : {stranger, dreamer}) {
    CAPTURE(outside);
    CHECK(net.links(outside) == 0);
    CHECK(net.linked_to(outside).empty());
    const auto asked = net.world.find(members.front(), net.world.identity(outside).id);
    REQUIRE(asked);
    net.world.run_for(10s);
    const node::OperationEnded* ended = net.world.ended(*asked);
    REQUIRE(ended != nullptr);
    CHECK(ended->contacts.size() >= 5);
    CHECK(std::ranges::none_of(ended->contacts, [&](const wire::Contact& contact) {
      return contact.id == net.world.identity(outside).id;
    }));
  }
  const auto put = net.world.put(members.front(), "key", {1, 2, 3}, 1h);
  REQUIRE(put);
  net.world.run_for(10s);
  REQUIRE(net.world.ended(*put) != nullptr);
  CHECK(net.world.ended(*put)->code == ErrorCode::none);
  const auto got = net.world.get(members.back(), "key");
  REQUIRE(got);
  net.world.run_for(10s);
  REQUIRE(net.world.ended(*got) != nullptr);
  CHECK(net.world.ended(*got)->code == ErrorCode::none);
}

TEST_CASE(
    "SEC-03, BRIDGE-14: who was a member comes back without its invitation, one bridge dead") {
  InvitedNetwork net(2);
  net.world.run_for(5s);
  net.world.kill(1);
  std::vector<NodeIndex> members;
  for (int count = 0; count < 4; ++count) members.push_back(net.add_node(Comes::invited));
  net.world.run_for(2min);
  for (const NodeIndex member : members) REQUIRE(net.links(member) >= 3);

  const NodeIndex returning = members.back();
  net.comes[returning] = Comes::uninvited;
  net.world.kill(returning);
  net.world.run_for(1min);
  net.world.start(returning);
  net.world.run_for(1min);
  CHECK(net.links(returning) >= 3);
  CHECK(net.sum("members.redeemed_total") == members.size());

  // With a lost disk there is nothing to come back with.
  net.world.kill(returning);
  net.world.lose_disk(returning);
  net.world.start(returning);
  net.world.run_for(1min);
  CHECK(net.linked_to(returning).empty());
  // A bridge shows what it is at once, and hears for ten seconds what a newcomer wants.
  CHECK(net.links(returning) <= 1);
}

TEST_CASE("T10: one invitation makes one member, at two bridges that do not see each other") {
  for (std::uint64_t seed = 3; seed < 13; ++seed) {
    CAPTURE(seed);
    InvitedNetwork net(seed);
    net.world.run_for(5s);
    const auto second_cut_off =
        net.world.network().partition({Partition::Kind::two_way, {0, 0, 1}});
    const NodeIndex member = net.add_node(Comes::invited);
    net.world.run_for(45s);
    CHECK(net.members_by_invitation_of(member).size() == 1);
    // It forgets what it is, and redeems again where nobody has heard of it.
    net.world.network().heal(net.world.now(), second_cut_off);
    const auto first_cut_off = net.world.network().partition({Partition::Kind::two_way, {0, 1, 0}});
    net.world.kill(member);
    net.world.lose_disk(member);
    net.world.start(member);
    net.world.run_for(2min);
    net.world.network().heal(net.world.now(), first_cut_off);
    net.world.run_for(2min);
    CHECK(net.links(member) >= 1);
    CHECK(net.sum("members.redeemed_total") == 2);
    CHECK(net.members_by_invitation_of(member) == std::set<NodeId>{net.world.identity(member).id});
  }
}

TEST_CASE("T10: a bridge that was restarted remembers whom it let in") {
  InvitedNetwork net(20);
  net.world.run_for(5s);
  net.world.kill(2);
  const NodeIndex member = net.add_node(Comes::invited);
  net.world.run_for(1min);
  const std::set<NodeId> before = net.members_by_invitation_of(member);
  REQUIRE(before.size() == 1);
  net.world.kill(member);
  net.world.kill(1);
  net.world.start(1);
  net.world.run_for(5s);
  CHECK(net.members_by_invitation_of(member) == before);
}

TEST_CASE("A revocation reaches running members: the revoked one is put out and stays out") {
  InvitedNetwork net(30);
  std::vector<NodeIndex> members;
  for (int count = 0; count < 5; ++count) members.push_back(net.add_node(Comes::invited));
  net.world.run_for(2min);
  const NodeIndex revoked = members[2];
  REQUIRE(net.links(revoked) >= 4);

  net.revoke(revoked);
  net.world.run_for(10s);
  CHECK(net.links(revoked) == 0);
  CHECK(net.linked_to(revoked).empty());
  net.world.run_for(10min);
  CHECK(net.links(revoked) == 0);
  CHECK(net.linked_to(revoked).empty());
  for (const NodeIndex member : members) {
    if (member != revoked) CHECK(net.links(member) >= 4);
  }

  // Whoever was away hears of it before anybody else is let in.
  net.world.kill(members[0]);
  net.world.start(members[0]);
  net.world.run_for(1min);
  CHECK(net.links(members[0]) >= 4);
  CHECK(net.linked_to(revoked).empty());
}

TEST_CASE("Memberships and certificates are renewed in their second half, without a link lost") {
  InvitedNetwork net(40);
  std::vector<NodeIndex> members;
  for (int count = 0; count < 4; ++count) members.push_back(net.add_node(Comes::invited));
  net.world.run_for(2min);
  for (int week = 0; week < 9; ++week) {
    CAPTURE(week);
    for (NodeIndex node = 0; node < net.world.size(); ++node) net.world.jump_clock(node, 7 * 24h);
    net.world.run_for(15min);
    for (const NodeIndex member : members) CHECK(net.links(member) >= 4);
  }
  CHECK(net.sum("members.renewed_total") >= members.size());
  CHECK(net.sum("admission.expired_total") == 0);
}

TEST_CASE("Who is not renewed is no member any more when its month is over") {
  InvitedNetwork net(50);
  const NodeIndex member = net.add_node(Comes::invited);
  net.world.run_for(1min);
  REQUIRE(net.links(member) >= 1);
  // Everybody's calendar but its own goes on by more than a month at once.
  for (NodeIndex node = 0; node <= kBridges; ++node) net.world.jump_clock(node, 31 * 24h);
  net.world.run_for(3min);
  CHECK(net.linked_to(member).empty());
}

}  // namespace
}  // namespace trestle::sim::test
