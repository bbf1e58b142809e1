// A bridge owner's policy seen from outside: what becomes of whole nodes that it turns away.

#include <string>

#include "catch.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::test {
namespace {

using namespace std::chrono_literals;

/// Turns one address away, until told otherwise.
class Doorman final : public bridge::AdmissionPolicy {
 public:
  bridge::Verdict judge(Instant, const bridge::Newcomer& newcomer, const bridge::Load&) override {
    ++asked;
    return newcomer.contact.address == stranger ? verdict : bridge::Verdict::admit();
  }
  std::string stranger;
  bridge::Verdict verdict = bridge::Verdict::refuse("members only");
  int asked = 0;
};

template <typename Node, typename Options>
sim::NodeIndex add(sim::World& world, wire::Role role, const Options& options) {
  return world.add_node({role, options.common.address, [options](const sim::NodeSeat& seat) {
                           return std::make_unique<Node>(options, seat.identity, seat.suite,
                                                         seat.rng);
                         }});
}

class Village {
 public:
  Village() {
    node::BootstrapOptions bootstrap;
    bootstrap.common.address = "ws://bootstrap.sim:9000/";
    bootstrap.bridges = {{{"ws://bridge.sim:9000/"}}};
    bootstrap.bridge_secret = {1, 2, 3};
    bootstrap.genesis = true;
    node::BridgeOptions bridge;
    bridge.common.address = "ws://bridge.sim:9000/";
    bridge.bootstrap_urls = {bootstrap.common.address};
    bridge.bridge_secret = bootstrap.bridge_secret;
    bridge.admission = &doorman;
    world.start(add<node::BootstrapNode>(world, wire::Role::bootstrap, bootstrap));
    world.start(add<node::BridgeNode>(world, wire::Role::bridge, bridge));
    world.run_for(10s);
  }
  sim::NodeIndex start_node(const std::string& name) {
    node::NodeOptions options;
    options.common.address = "ws://" + name + ".sim:9000/";
    options.bootstrap_urls = {"ws://bootstrap.sim:9000/"};
    const sim::NodeIndex node = add<node::DhtNode>(world, wire::Role::node, options);
    world.start(node);
    return node;
  }
  bool is_joined(sim::NodeIndex node) const {
    return !world.node(node).status(world.now()).peers.empty();
  }
  /// What the node was told when it was turned away; empty if it was not.
  std::string told(sim::NodeIndex node) const {
    for (const sim::LogNews& news : world.logs()) {
      if (news.node != node || news.record.event != "join.refused") continue;
      return std::string(name(news.record.code)) + ": " + news.record.detail;
    }
    return {};
  }

  Doorman doorman;
  sim::World world{sim::WorldOptions{}};
};

TEST_CASE("whom the bridge's owner refuses stays outside, though the bootstrap knows live nodes") {
  Village village;
  const sim::NodeIndex one = village.start_node("one");
  const sim::NodeIndex two = village.start_node("two");
  village.world.run_for(30s);
  REQUIRE(village.is_joined(one));
  REQUIRE(village.is_joined(two));
  village.doorman.stranger = "ws://stranger.sim:9000/";
  const sim::NodeIndex stranger = village.start_node("stranger");
  village.world.run_for(60s);
  CHECK_FALSE(village.is_joined(stranger));
  CHECK(village.told(stranger) == "REFUSED: members only");
  CHECK(village.told(two).empty());
}

TEST_CASE("whom the bridge's owner puts off comes in when it is let in") {
  Village village;
  village.start_node("one");
  village.world.run_for(30s);
  village.doorman.stranger = "ws://stranger.sim:9000/";
  village.doorman.verdict = bridge::Verdict::defer(5s, "not yet");
  const sim::NodeIndex stranger = village.start_node("stranger");
  village.world.run_for(4s);
  CHECK(village.told(stranger) == "RATE_LIMITED: not yet");
  const int asked = village.doorman.asked;
  village.doorman.verdict = bridge::Verdict::admit();
  CHECK_FALSE(village.is_joined(stranger));
  village.world.run_for(60s);
  CHECK(village.is_joined(stranger));
  CHECK(village.doorman.asked > asked);
}

}  // namespace
}  // namespace trestle::test
