#include "trestle/sim/pool_client.hpp"

#include "catch.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/service_bridge.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kUrl = "ws://bridge:9000/";

WorldOptions seeded(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  return options;
}

ServiceBridgeOptions guarded() {
  ServiceBridgeOptions options;
  options.bridge_secret = to_bytes(as_bytes("a secret of the test"));
  return options;
}

/// One client and one bridge of queueing theory.
struct Pair {
  explicit Pair(PoolClientOptions options, std::uint64_t seed = 1) : world(seeded(seed)) {
    checkers.watch(world);
    world.add_node(
        {.role = wire::Role::bridge, .url = std::string(kUrl), .factory = [](const NodeSeat& seat) {
           return std::make_unique<ServiceBridge>(guarded(), seat);
         }});
    options.set.bridges = {{{std::string(kUrl)}}};
    options.bridge_secret = guarded().bridge_secret;
    world.add_node({.role = wire::Role::bootstrap,
                    .url = {},
                    .factory = [this, options](const NodeSeat& seat) {
                      auto node = std::make_unique<PoolClient>(options, seat);
                      client = node.get();
                      return node;
                    }});
    world.start(0);
    world.start(1);
  }

  World world;
  checkers::Checkers checkers;
  PoolClient* client = nullptr;
};

TEST_CASE("a client's requests come at their mean rate, are answered, and all end") {
  PoolClientStats totals;
  PoolClientOptions options;
  options.request_every = 100ms;
  options.totals = &totals;
  Pair pair(options);
  pair.world.run_for(100s);
  pair.client->stop_asking();
  pair.world.run_for(20s);
  CHECK_FALSE(pair.world.violation());
  const PoolClientStats& stats = pair.client->stats();
  CHECK(stats.submitted > 900);
  CHECK(stats.submitted < 1100);
  CHECK(stats.answered + stats.failed == stats.submitted);
  CHECK(stats.failed <= 4);  // before the first connection
  CHECK(pair.client->under_way() == 0);
  CHECK(stats.ended_wrongly == 0);
  CHECK(totals.submitted == stats.submitted);
  CHECK(totals.took.count() == stats.answered);
}

TEST_CASE("a client that is asked to go ends its requests and is gone") {
  PoolClientStats totals;
  PoolClientOptions options;
  options.request_every = 1ms;
  options.totals = &totals;
  Pair pair(options);
  pair.world.run_for(5s);
  pair.world.begin_shutdown(1);
  pair.world.run_for(1s);
  CHECK_FALSE(pair.world.is_running(1));
  CHECK(totals.submitted == totals.answered + totals.failed);
}

/// When the client last put a question or heard an answer, and what it did about its connection.
class IdleWatcher : public Observer {
 public:
  void observe(World& world, const Happening& happening) override {
    if (world.role(happening.node) != wire::Role::bootstrap) return;
    for (const RecordHead& record : happening.records) {
      if (record.part == RecordPart::request && record.name != "ping") last_use = happening.at;
      if (happening.kind == HappeningKind::frame_delivered && record.part == RecordPart::answer &&
          record.name != "pong") {
        last_use = happening.at;
      }
    }
    if (happening.kind == HappeningKind::dialled) {
      ++opened;
      last_use = happening.at;
    }
    if (happening.kind == HappeningKind::close_ordered) {
      ++closed;
      least = std::min(least, happening.at - last_use);
      most = std::max(most, happening.at - last_use);
    }
  }

  Instant last_use{};
  int opened = 0;
  int closed = 0;
  Duration least = 1h;
  Duration most{};
};

TEST_CASE("P-BR-7: idle for 300 s, pings or not, it closes; the next request dials and succeeds") {
  PoolClientOptions options;
  options.request_every = 400s;
  IdleWatcher watcher;
  Pair pair(options);
  pair.world.add_observer(watcher);
  pair.world.run_for(48h);
  INFO((pair.world.violation() ? pair.world.report() : std::string()));
  CHECK_FALSE(pair.world.violation());
  CHECK(watcher.closed > 100);
  CHECK(watcher.opened >= watcher.closed);
  CHECK(watcher.least >= 299s);  // opening takes a moment after the dial
  CHECK(watcher.most <= 302s);
  const PoolClientStats& stats = pair.client->stats();
  CHECK(stats.submitted > 300);
  CHECK(stats.failed == 0);
  CHECK(stats.answered + pair.client->under_way() == stats.submitted);
}

}  // namespace
}  // namespace trestle::sim::test
