// Bridges whose addresses name the id that must answer there (T5).

#include <string>
#include <vector>

#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using test::BridgeWorld;
using test::End;
using namespace std::chrono_literals;

namespace {

/// As `BridgeWorld` makes the bridge with that number.
NodeId id_of(std::size_t index) { return End(index + 1, wire::Role::bridge).id(); }

std::string pinned(const std::string& url, std::size_t index) {
  return url + "#" + id_of(index).to_hex();
}

pool::BridgeSetOptions options_of(const std::vector<pool::BridgeEndpoint>& bridges) {
  pool::BridgeSetOptions made;
  made.bridges = bridges;
  return made;
}

/// As many bridges as the set is told of, each at an address of its own.
class PinsWorld : public BridgeWorld {
 public:
  explicit PinsWorld(const std::vector<pool::BridgeEndpoint>& told)
      : BridgeWorld(options_of(told), 3) {
    for (std::size_t index = 0; index < bridges.size(); ++index) {
      bridges[index].endpoint = {{url(index)}};
    }
  }
};

void reload(BridgeWorld& world, const std::vector<pool::BridgeEndpoint>& bridges) {
  world.set.reload(world.now, bridges, pool::BridgeMode::pool);
  world.settle();
}

}  // namespace

TEST_CASE("T5: a bridge with another id than its address names is asked nothing") {
  PinsWorld world({{{pinned(BridgeWorld::url(0), 0)}}, {{pinned(BridgeWorld::url(1), 0)}}});
  world.start();
  REQUIRE(world.set.connected().size() == 1);
  CHECK(world.set.slots()[0].peer.id == id_of(0));
  CHECK(world.set.slots()[1].last_error == ErrorCode::unauthorized);
  CHECK(world.logged("bridge.excluded") == 1);
  for (int count = 0; count < 10; ++count) world.submit();
  world.run_for(5s);
  CHECK(world.set.slots()[0].counters.answers == 10);
  CHECK(world.set.slots()[1].counters.requests == 0);
  // Others are told an address, and who is there is told by the id beside it.
  for (const wire::Contact& told : world.set.available()) {
    CHECK(told.address.find('#') == std::string::npos);
  }
}

TEST_CASE("where somebody else answers at one candidate the next one is tried at once") {
  PinsWorld world({{{pinned("ws://inside", 1), pinned("ws://outside", 1)}}, {{"ws://spare"}}});
  world.bridges[0].endpoint = {{"ws://inside"}};
  world.bridges[1].endpoint = {{"ws://outside", "ws://spare"}};
  world.bridges[1].deaf = {"ws://spare"};
  world.start();
  CHECK(world.bridges[0].dialled == std::vector<std::string>{"ws://inside"});
  REQUIRE(world.set.connected().size() == 1);
  CHECK(world.set.slots()[0].peer.id == id_of(1));
  CHECK(world.logged("bridge.excluded") == 0);
}

TEST_CASE("a reload that names the id which a bridge has proven leaves its connection alone") {
  const std::string url = BridgeWorld::url(0);
  PinsWorld world({{{url}}});
  world.start();
  for (const std::string& fresh : {pinned(url, 0), url}) {
    reload(world, {{{fresh}}});
    world.run_for(5s);
    CHECK(world.bridges[0].dials() == 1);
    REQUIRE(world.set.slots().size() == 1);
    CHECK(world.set.slots()[0].url() == fresh);
  }
}

TEST_CASE("T5: a reload that names another id than a bridge has proven puts it out") {
  const std::string url = BridgeWorld::url(0);
  PinsWorld world({{{url}}});
  world.start();
  REQUIRE(world.set.connected().size() == 1);
  reload(world, {{{pinned(url, 1)}}});
  world.run_for(5s);
  CHECK(world.set.connected().empty());
  CHECK(world.bridges[0].live_connections == 0);
  CHECK(world.logged("bridge.excluded") == 1);
  reload(world, {{{pinned(url, 0)}}});
  world.run_for(5s);
  CHECK(world.set.connected().size() == 1);
}
