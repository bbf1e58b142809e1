// Many machines together: what a lookup promises can only be seen from outside.
#include "catch.hpp"
#include "dht/small_network.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::Manner;
using test::SmallNetwork;

std::vector<NodeId> ids_of(const wire::Contacts& contacts) {
  std::vector<NodeId> ids;
  for (const wire::Contact& contact : contacts) ids.push_back(contact.id);
  return ids;
}

/// How many of `expected` are in `found`.
std::size_t overlap(const std::vector<NodeId>& expected, const std::vector<NodeId>& found) {
  return static_cast<std::size_t>(std::count_if(
      expected.begin(), expected.end(),
      [&](const NodeId& id) { return std::find(found.begin(), found.end(), id) != found.end(); }));
}

}  // namespace

TEST_CASE("A lookup finds the true k nearest of 50, 120 and 200 nodes") {
  for (const std::size_t size : {50u, 120u, 200u}) {
    CAPTURE(size);
    SmallNetwork network(size);
    network.grow(size, 0, Manner::honest);
    network.run_for(60s);
    std::size_t exact = 0;
    for (int round = 0; round < 100; ++round) {
      const std::size_t asker = network.rng().below(size);
      const NodeId target = test::random_id(network.rng());
      const auto ended = network.find(asker, target);
      REQUIRE(ended);
      CHECK(ended->code == ErrorCode::none);
      const auto found = ids_of(ended->contacts);
      CHECK(std::is_sorted(found.begin(), found.end(),
                           [&](const NodeId& a, const NodeId& b) { return closer(target, a, b); }));
      if (found == network.nearest(target, asker, 20)) ++exact;
    }
    CHECK(exact >= 99);
    CHECK_FALSE(network.is_spinning());
  }
}

TEST_CASE("Nobody is in a routing table who did not show itself on a link (T9)") {
  SmallNetwork network(77);
  network.grow(80, 16, Manner::inventor);
  network.run_for(60s);
  std::set<NodeId> existing;
  for (std::size_t index = 0; index < network.size(); ++index) existing.insert(network.id(index));
  for (std::size_t index = 0; index < network.size(); ++index) {
    network[index].dht.table().visit(
        [&](const Peer& peer) { CHECK(existing.contains(peer.contact.id)); });
  }
}

TEST_CASE("What one node puts any other gets, and the receipt counts the copies") {
  SmallNetwork network(4);
  network.grow(100, 0, Manner::honest);
  network.run_for(30s);
  for (int round = 0; round < 30; ++round) {
    const std::string key = "key-" + std::to_string(round);
    const std::string value = "value of " + key;
    const auto put = network.put(network.rng().below(100), key, value);
    REQUIRE(put);
    REQUIRE(put->code == ErrorCode::none);
    CHECK(put->replicas >= 11);
    CHECK(put->replicas_wanted == 11);
    CHECK_FALSE(put->weak);
    network.run_for(2s);
    std::uint32_t copies = 0;
    for (std::size_t index = 0; index < network.size(); ++index) {
      if (network[index].dht.records().find(network.now(), key)) ++copies;
    }
    CHECK(copies == 20);
    for (int reader = 0; reader < 5; ++reader) {
      const auto got = network.get(network.rng().below(100), key);
      REQUIRE(got);
      REQUIRE(got->code == ErrorCode::none);
      CHECK(as_text(got->record->value) == value);
      CHECK(got->record->ttl_ms == 3'600'000);
      CHECK(got->record->left_ms <= 3'600'000);
      CHECK(got->record->left_ms > 3'000'000);
    }
  }
  const auto absent = network.get(3, "never stored");
  REQUIRE(absent);
  CHECK(absent->code == ErrorCode::not_found);
}

TEST_CASE("Networks of one to five nodes work") {
  for (std::size_t size = 1; size <= 5; ++size) {
    CAPTURE(size);
    SmallNetwork network(size);
    network.grow(size, 0, Manner::honest);
    network.run_for(5s);
    const auto put = network.put(0, "key", "value");
    REQUIRE(put);
    CHECK(put->code == ErrorCode::none);
    CHECK(put->replicas_wanted == std::max<std::size_t>(2, size / 2 + 1));
    CHECK(put->weak == (size == 1));
    CHECK(put->replicas >= std::min<std::size_t>(size, put->replicas_wanted));
    network.run_for(1s);
    for (std::size_t reader = 0; reader < size; ++reader) {
      const auto got = network.get(reader, "key");
      REQUIRE(got);
      CHECK(got->code == ErrorCode::none);
    }
    const auto absent = network.get(0, "absent");
    REQUIRE(absent);
    CHECK(absent->code == (size == 1 ? ErrorCode::unreachable : ErrorCode::not_found));
  }
}

TEST_CASE(
    "Lookups end in time and find what is there, though a fifth of the nodes lies or is silent") {
  for (const Manner manner :
       {Manner::silent, Manner::inventor, Manner::echo, Manner::babbler, Manner::scrambler}) {
    CAPTURE(static_cast<int>(manner));
    SmallNetwork network(20 + static_cast<std::uint64_t>(manner));
    network.grow(100, 20, manner);
    network.run_for(60s);
    std::size_t expected = 0;
    std::size_t found = 0;
    std::size_t read = 0;
    constexpr int kRounds = 40;
    for (int round = 0; round < kRounds; ++round) {
      const std::size_t asker = network.random_honest(network.size());
      const NodeId target = test::random_id(network.rng());
      const Instant begun = network.now();
      const auto ended = network.find(asker, target);
      REQUIRE(ended);
      CHECK(network.now() - begun <= 30s);
      const auto truth = network.nearest(target, asker, 20);
      expected += truth.size();
      found += overlap(truth, ids_of(ended->contacts));

      const std::string key = "key " + std::to_string(round);
      REQUIRE(network.put(network.random_honest(network.size()), key, "value"));
      const auto got = network.get(network.random_honest(network.size()), key);
      REQUIRE(got);
      if (got->code == ErrorCode::none) ++read;
    }
    CAPTURE(found, expected, read);
    CHECK(found * 100 >= expected * 95);
    CHECK(read * 100 >= kRounds * 99);
    CHECK_FALSE(network.is_spinning());
  }
}

TEST_CASE("After half of the nodes died at once the rest still finds every value") {
  SmallNetwork network(31);
  network.grow(100, 0, Manner::honest);
  network.run_for(60s);
  for (int round = 0; round < 20; ++round) {
    REQUIRE(network.put(network.rng().below(100), "key " + std::to_string(round), "value"));
  }
  for (std::size_t index = 0; index < 100; index += 2) network.kill(index);
  for (int round = 0; round < 60; ++round) {
    const std::size_t asker = network.random_honest(100);
    const auto got = network.get(asker, "key " + std::to_string(round % 20));
    REQUIRE(got);
    CHECK(got->code == ErrorCode::none);
  }
}

TEST_CASE("Nodes that lost every link find each other again through those they remember") {
  SmallNetwork network(32);
  network.grow(40, 0, Manner::honest);
  network.run_for(60s);
  for (std::size_t index = 0; index < 40; ++index) {
    while (!network[index].links.empty()) {
      const NodeId peer = network[index].links[0];
      for (std::size_t other = 0; other < 40; ++other) {
        if (network.id(other) == peer) network.unlink(index, other);
      }
    }
  }
  network.run_for(60s);
  for (std::size_t index = 0; index < 40; ++index) CHECK_FALSE(network[index].links.empty());
  CHECK(network.put(1, "key", "value")->code == ErrorCode::none);
  CHECK(network.get(33, "key")->code == ErrorCode::none);
}

TEST_CASE("Bridges show the way and keep nothing: no copy is sent to them, none counted") {
  SmallNetwork network(33);
  network.grow(30, 0, Manner::honest);
  DhtOptions options;
  options.data = DataPolicy::refuses_data;
  for (int count = 0; count < 10; ++count) {
    const std::size_t bridge = network.add(Manner::honest, options, wire::Role::bridge);
    network.link(bridge, network.rng().below(30));
    network.run_for(2s);
  }
  network.run_for(60s);
  for (int round = 0; round < 20; ++round) {
    const std::string key = "key " + std::to_string(round);
    const auto put = network.put(network.rng().below(30), key, "value");
    REQUIRE(put);
    CHECK(put->code == ErrorCode::none);
    CHECK(put->replicas >= put->replicas_wanted);
    CHECK_FALSE(put->weak);
    for (const wire::Contact& holder : put->contacts) CHECK(holder.role == wire::Role::node);
    CHECK(network.get(network.rng().below(30), key)->code == ErrorCode::none);
  }
  for (std::size_t bridge = 30; bridge < 40; ++bridge) {
    CHECK(network[bridge].dht.stats().records.records == 0);
    CHECK(network[bridge].dht.stats().data_refused == 0);
    CHECK(network[bridge].dht.stats().requests > 0);
  }
}

TEST_CASE("The same seed gives the same effects at the same times, another seed others") {
  const auto run = [](std::uint64_t seed) {
    SmallNetwork network(seed);
    network.grow(40, 8, Manner::babbler);
    network.run_for(30s);
    network.put(0, "key", "value");
    network.get(7, "key");
    network.run_for(20min);
    return network.fingerprint();
  };
  const std::uint64_t first = run(5);
  CHECK(first == run(5));
  CHECK(first != run(6));
}

}  // namespace trestle::dht
