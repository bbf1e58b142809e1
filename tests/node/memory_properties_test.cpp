// P-ML-3 for whole nodes: thirty virtual days of visitors leave no more behind than the first days.

#include <algorithm>
#include <array>
#include <numeric>

#include "catch.hpp"
#include "node/node_and_peers.hpp"
#include "trestle/crypto/record.hpp"

using namespace trestle;
using test::NodeAndPeers;
using test::NodeKind;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kDays = 30;
using Days = std::array<std::uint64_t, kDays>;

/// Strangers that come, ask a little and go, one every half hour, each under an id of its own, some
/// without a word; a user who stores and fetches once an hour.
class Month {
 public:
  explicit Month(NodeKind kind) : world(kind, 3) {
    world.node->start(world.now);
    for (std::size_t seat = 0; seat < kSeats; ++seat) world.add_peer(wire::Role::node);
    world.settle();
  }

  void live_hour(std::size_t hour) {
    for (int visit = 0; visit < 2; ++visit) {
      receive_stranger(hour);
      world.pass(30min);
      for (const auto& peer : world.peers) peer->news.clear();
    }
    static_cast<void>(world.node->put(world.now, "own-" + std::to_string(hour), {1}, 2h));
    static_cast<void>(world.node->get(world.now, "own-" + std::to_string(hour / 2)));
    world.settle();
  }

  NodeAndPeers world;
  std::uint64_t strangers = 0;

 private:
  static constexpr std::size_t kSeats = 3;

  void receive_stranger(std::size_t hour) {
    constexpr wire::Role kRoles[] = {wire::Role::node, wire::Role::node, wire::Role::observer,
                                     wire::Role::bridge, wire::Role::bootstrap};
    const wire::Role role = kRoles[rng_.below(std::size(kRoles))];
    const std::size_t seat = ++strangers % kSeats;
    world.replace_peer(seat, role, role == wire::Role::bootstrap ? "secret" : "");
    // Half of them are like browsers: nobody can dial them.
    if (rng_.chance(1, 2)) world.peers[seat]->local.address.clear();
    const link::ConnectionId connection = world.connect(seat);
    wire::IntroduceRequest introduce;
    introduce.newcomer.id = NodeId{strangers, 7, 7};
    introduce.newcomer.address = "ws://newcomer-" + std::to_string(strangers);
    const std::string key = "key-" + std::to_string(hour);
    const wire::Message requests[] = {
        wire::FindNodeRequest{NodeId{hour, 1, 1}}, wire::JoinRequest{}, introduce,
        wire::StoreRequest{signed_record(seat, key)}, wire::FindValueRequest{key}};
    for (const wire::Message& request : requests) {
      static_cast<void>(
          world.peers[seat]->channels->request(world.now, connection, request, world.now + 5s, 1));
    }
    world.node.accept(world.now, "192.0.2." + std::to_string(rng_.below(200)));
    world.settle();
  }

  wire::Record signed_record(std::size_t seat, const std::string& key) {
    test::End& writer = *world.peers[seat];
    wire::Record record{.key = key,
                        .value = {1, 2, 3},
                        .version = strangers,
                        .ttl_ms = 3'600'000,
                        .author = writer.pair.key,
                        .left_ms = 3'600'000};
    record.signature =
        writer.suite.sign(writer.pair, crypto::record_transcript(writer.suite, "main", record));
    return record;
  }

  Rng rng_{3};
};

/// What each counter showed, a day's hours added up.
std::vector<Days> live_for_a_month(NodeKind kind, const std::vector<std::string_view>& counters) {
  Month month(kind);
  std::vector<Days> sums(counters.size());
  for (std::size_t hour = 0; hour < kDays * 24; ++hour) {
    month.live_hour(hour);
    for (std::size_t index = 0; index < counters.size(); ++index) {
      sums[index][hour / 24] += month.world.node.counter(month.world.now, counters[index]);
    }
  }
  CHECK(month.strangers == kDays * 24 * 2);
  CHECK(month.world.node.open.size() <= 3);
  if (kind == NodeKind::bootstrap) return sums;
  if (kind == NodeKind::patient) {
    CHECK(month.world.node.counter(month.world.now, "dht.stores_accepted_total") > kDays * 24);
  }
  // The routing table grows with the logarithm of all ids ever met: k = 20 for each bit that
  // 1,440 strangers can fill, and never a bucket more.
  CHECK(month.world.node.counter(month.world.now, "dht.table") <= 20 * 12);
  return sums;
}

/// The slope over the days after the first three, in which tables fill: none to speak of.
void check_flat(const Days& days) {
  const auto mean = [&](std::size_t from, std::size_t to) {
    const auto sum =
        std::accumulate(days.begin() + static_cast<std::ptrdiff_t>(from),
                        days.begin() + static_cast<std::ptrdiff_t>(to), std::uint64_t{0});
    return sum / (to - from);
  };
  const std::uint64_t early = mean(3, 12);
  const std::uint64_t late = mean(21, 30);
  CAPTURE(early, late);
  CHECK(late * 10 <= early * 11 + 240);  // a tenth, and one entry an hour for small tables
}

void check_month(NodeKind kind, const std::vector<std::string_view>& counters) {
  const std::vector<Days> month = live_for_a_month(kind, counters);
  for (std::size_t index = 0; index < counters.size(); ++index) {
    CAPTURE(counters[index]);
    check_flat(month[index]);
  }
}

}  // namespace

TEST_CASE("P-ML-3: a member's tables stay flat for thirty days of visitors") {
  check_month(NodeKind::patient, {"link.connections", "link.pending", "mesh.known", "mesh.dialling",
                                  "dht.records", "dht.operations"});
}

TEST_CASE("P-ML-3: a bridge's tables stay flat for thirty days of visitors") {
  check_month(NodeKind::bridge, {"link.connections", "mesh.known", "desk.bootstraps",
                                 "desk.members", "desk.waiting", "desk.in_service"});
}

TEST_CASE("P-ML-3: a bootstrap node's tables stay flat for thirty days of visitors") {
  check_month(NodeKind::bootstrap,
              {"link.connections", "reception.clients", "reception.joins_in_flight",
               "legacy.clients", "pool.connections", "pool.requests_under_way"});
}
