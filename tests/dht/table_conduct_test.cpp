// What links, news and failures do to the table, seen through the whole machine.
#include <algorithm>
#include <set>

#include "catch.hpp"
#include "dht/dht_bench.hpp"
#include "dht/small_network.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::browser;
using test::DhtBench;
using test::random_id;
using test::SmallNetwork;

bool is_known(const RoutingTable& table, const NodeId& id) {
  if (table.find(id) != nullptr) return true;
  bool waits = false;
  for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) {
    table.visit_replacements(bucket,
                             [&](const auto& contact) { waits = waits || contact.id == id; });
  }
  return waits;
}

bool is_named(DhtBench& bench, const NodeId& asker, const NodeId& wanted) {
  const auto message = bench.request(60s, asker, wire::FindNodeRequest{wanted});
  const auto& contacts = std::get<wire::FindNodeResponse>(message).contacts;
  return std::any_of(contacts.begin(), contacts.end(),
                     [&](const wire::Contact& contact) { return contact.id == wanted; });
}

}  // namespace

TEST_CASE("P-CR-10: a peer is connected in the table within the step that reported its link") {
  DhtBench bench;
  for (int count = 0; count < 200; ++count) {
    const wire::Contact peer = count % 3 == 0 ? browser(random_id(bench.rng)) : bench.stranger();
    bench.dht.on_link_up(at(1s), peer);
    const RoutingTable& table = bench.dht.table();
    const Peer* entry = table.find(peer.id);
    REQUIRE(is_known(table, peer.id));
    if (entry != nullptr) REQUIRE(entry->connected);
  }
}

TEST_CASE("P-CR-10: what a peer says of itself on a new link replaces what was known") {
  DhtBench bench;
  wire::Contact peer = bench.linked(1s);
  bench.dht.on_link_down(at(2s), peer.id);
  peer.address = "wss://elsewhere.test:2";
  peer.metadata = R"({"a":1})";
  bench.link(3s, peer);
  CHECK(wire::Contact(bench.dht.table().find(peer.id)->contact) == peer);
  // A sign of life, a failure, a round trip: none of them changes what it said.
  bench.dht.on_heard(at(4s), peer.id);
  bench.dht.on_round_trip(peer.id, 20ms);
  CHECK(wire::Contact(bench.dht.table().find(peer.id)->contact) == peer);
}

TEST_CASE("P-CR-11: a lost link is off the list of linked peers in the same step") {
  DhtBench bench;
  const wire::Contact server = bench.linked(1s);
  const wire::Contact tab = browser(random_id(bench.rng));
  bench.link(1s, tab);
  CHECK(bench.dht.table().stats().connected == 2);
  bench.dht.on_link_down(at(2s), server.id);
  bench.dht.on_link_down(at(2s), tab.id);
  CHECK(bench.dht.table().stats().connected == 0);
  CHECK(bench.dht.stats().links == 0);
}

TEST_CASE("P-CR-24: a lost server is kept and named until it fails, a linked peer is asked first") {
  DhtBench bench;
  const wire::Contact asker = bench.linked(1s);
  const wire::Contact server = bench.linked(1s);
  bench.dht.on_link_down(at(2s), server.id);
  bench.drain();
  CHECK(is_named(bench, asker.id, server.id));
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(61s), server.id));
  bench.drain();
  REQUIRE(bench.asks.size() == 2);
  for (const Ask& ask : bench.asks) {
    if (ask.peer.id != server.id) continue;
    bench.dht.on_ask_failed(at(62s), ask.ask, ErrorCode::unreachable);
  }
  CHECK(bench.dht.table().find(server.id) != nullptr);
}

TEST_CASE("P-ML-7: of a browser that is gone nothing is left: no entry, no name, no question") {
  DhtBench bench;
  const wire::Contact asker = bench.linked(1s);
  std::set<NodeId> gone;
  for (int count = 0; count < 300; ++count) {
    const wire::Contact tab = browser(random_id(bench.rng));
    bench.dht.on_link_up(at(2s), tab,
                         {.groups = {.place = {9}},
                          .unproven = link::RateKey::of_connection(
                              {link::ConnectionOwner::node, static_cast<std::uint64_t>(count)})});
    bench.drain();
    bench.answer_all(2s);
    bench.request(3s, tab.id, wire::FindNodeRequest{tab.id});
    bench.dht.on_link_down(at(4s), tab.id);
    bench.drain();
    gone.insert(tab.id);
  }
  bench.asks.clear();
  const DhtStats stats = bench.dht.stats();
  CHECK(stats.links == 1);
  CHECK(stats.table.peers == 1);
  CHECK(stats.table.replacements == 0);
  CHECK(stats.contacts_heard == 0);
  for (const NodeId& tab : gone) {
    REQUIRE_FALSE(is_named(bench, asker.id, tab));
    REQUIRE_FALSE(is_known(bench.dht.table(), tab));
  }
  for (int second = 61; second < 300; second += 5) {
    bench.dht.on_deadline(at(std::chrono::seconds(second)));
    bench.drain();
  }
  for (const Ask& ask : bench.asks) CHECK_FALSE(gone.contains(ask.peer.id));
}

TEST_CASE("P-ML-8: those that stay keep their places while browsers come and go") {
  DhtBench bench;
  std::vector<wire::Contact> staying;
  for (int count = 0; count < 20; ++count) {
    staying.push_back(count % 2 == 0 ? browser(random_id(bench.rng)) : bench.stranger());
    bench.link(1s, staying.back());
  }
  for (int count = 0; count < 500; ++count) {
    const wire::Contact tab = browser(random_id(bench.rng));
    const auto when = std::chrono::seconds(2 + count);
    bench.link(when, tab);
    bench.dht.on_link_down(at(when), tab.id);
    bench.drain();
    bench.answer_all(when);
  }
  for (const wire::Contact& peer : staying) {
    const Peer* entry = bench.dht.table().find(peer.id);
    REQUIRE(entry != nullptr);
    CHECK(entry->connected);
  }
  CHECK(bench.dht.stats().links == staying.size());
}

TEST_CASE(
    "P-KR-6: whoever answered the look-up of ourselves is in the table, or waits in a cache") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    SmallNetwork network(seed);
    network.grow(60, 0, test::Manner::honest);
    std::size_t looked_at = 0;
    for (std::size_t index = 0; index < network.size(); ++index) {
      for (const NeighbourhoodKnown& known : network[index].news) {
        for (const wire::Contact& contact : known.contacts) {
          if (contact.id == network.id(index)) continue;
          CHECK(is_known(network[index].dht.table(), contact.id));
          ++looked_at;
        }
      }
    }
    CHECK(looked_at > 200);
  }
}

TEST_CASE("ROUTE-10: whatever strangers do, every table about them keeps its bound") {
  DhtOptions options;
  options.limits.peers_max = 64;
  DhtBench bench(options);
  const wire::Contact asker = bench.linked(1s);
  for (int count = 0; count < 3000; ++count) {
    const auto when = std::chrono::milliseconds(2000 + count);
    const wire::Contact stranger = bench.stranger();
    bench.dht.on_link_up(at(when), stranger);
    bench.dht.on_contact(at(when), bench.stranger());
    bench.request(when, stranger.id, wire::FindNodeRequest{stranger.id});
    if (count > 50) bench.dht.on_link_down(at(when), stranger.id);
    bench.drain();
    for (const Ask& ask : std::exchange(bench.asks, {})) {
      bench.answer(when, ask, wire::Failure{ErrorCode::rate_limited, 2000, ""});
    }
    bench.asks.clear();
  }
  const DhtStats stats = bench.dht.stats();
  CHECK(stats.contacts_heard <= options.heard.contacts_max);
  CHECK(stats.pacing.waiting <= options.pacing.waiting_max);
  CHECK(stats.table.peers <= 20 * stats.table.buckets);
  CHECK(stats.table.replacements <= 20 * stats.table.buckets);
  CHECK(stats.operations <= options.operations_max + 2);
}

}  // namespace trestle::dht
