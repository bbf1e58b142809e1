// Requests of other peers.
#include <algorithm>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;
using test::value_of;

DhtOptions refusing() {
  DhtOptions options;
  options.data = DataPolicy::refuses_data;
  return options;
}

wire::StoreRequest store_of(const std::string& key, std::size_t bytes = 5) {
  return {test::record_of(key, Bytes(bytes, 1))};
}

ErrorCode code_of(const wire::Message& message) {
  const auto* failure = std::get_if<wire::Failure>(&message);
  return failure != nullptr ? failure->code : ErrorCode::none;
}

}  // namespace

TEST_CASE("find_node is answered with the k nearest, nearest first, without the asker") {
  DhtBench bench;
  std::vector<wire::Contact> peers;
  for (int count = 0; count < 60; ++count) peers.push_back(bench.linked(1s));
  for (int round = 0; round < 50; ++round) {
    const wire::Contact& asker = peers[bench.rng.below(peers.size())];
    const NodeId target = round == 0 ? asker.id : random_id(bench.rng);
    const auto message = bench.request(2s, asker.id, wire::FindNodeRequest{target});
    const auto& contacts = std::get<wire::FindNodeResponse>(message).contacts;
    CHECK(contacts.size() == 20);
    for (const auto& contact : contacts) CHECK(contact.id != asker.id);
    CHECK(std::is_sorted(contacts.begin(), contacts.end(),
                         [&](const auto& a, const auto& b) { return closer(target, a.id, b.id); }));
  }
}

TEST_CASE(
    "Whose link broke or whose dial failed is named where there are hardly others, and last") {
  DhtBench bench;
  const wire::Contact asker = bench.linked(1s);
  std::vector<wire::Contact> peers;
  for (int count = 0; count < 21; ++count) peers.push_back(bench.linked(1s));
  const auto is_named = [&](const wire::Contact& peer) {
    const auto message = bench.request(60s, asker.id, wire::FindNodeRequest{peer.id});
    const auto& contacts = std::get<wire::FindNodeResponse>(message).contacts;
    return std::ranges::find(contacts, peer.id, &wire::Contact::id) != contacts.end();
  };
  SECTION("whose link was lost, but not who was let go") {
    bench.dht.on_link_down(at(2s), peers[0].id, LinkEnding::lost);
    bench.dht.on_link_down(at(2s), peers[1].id, LinkEnding::let_go);
    CHECK_FALSE(is_named(peers[0]));
    CHECK(is_named(peers[1]));
    // Twenty others are needed to do without it.
    bench.dht.on_link_down(at(3s), peers[2].id, LinkEnding::lost);
    CHECK(is_named(peers[0]));
    bench.link(4s, peers[2]);
    CHECK_FALSE(is_named(peers[0]));
    bench.link(5s, peers[0]);
    CHECK(is_named(peers[0]));
  }
  SECTION("who was not there when it was dialled") {
    bench.dht.on_link_down(at(2s), peers[0].id, LinkEnding::let_go);
    bench.dht.on_unreachable(at(3s), peers[0].id);
    CHECK_FALSE(is_named(peers[0]));
  }
}

TEST_CASE("A peer without an address is named while we are linked to it, and not afterwards") {
  DhtBench bench;
  const wire::Contact tab = test::browser(random_id(bench.rng));
  bench.link(1s, tab);
  const wire::Contact asker = bench.linked(1s);
  const auto named = [&] {
    const auto message = bench.request(2s, asker.id, wire::FindNodeRequest{tab.id});
    return std::get<wire::FindNodeResponse>(message).contacts;
  };
  CHECK(named() == wire::Contacts{tab});
  bench.dht.on_link_down(test::at(3s), tab.id);
  CHECK(named().empty());
}

TEST_CASE("T9: what was only heard of is never handed on") {
  DhtBench bench;
  const wire::Contact asker = bench.linked(1s);
  const wire::Contact rumour = bench.stranger();
  bench.dht.on_contact(test::at(1s), rumour);
  const auto message = bench.request(2s, asker.id, wire::FindNodeRequest{rumour.id});
  CHECK(std::get<wire::FindNodeResponse>(message).contacts.empty());
  CHECK(bench.dht.table().find(rumour.id) == nullptr);
}

TEST_CASE("A stored record is kept and served, an unknown key leads to the nearest nodes") {
  DhtBench bench;
  const wire::Contact asker = bench.linked(1s);
  const wire::Contact other = bench.linked(1s);
  CHECK(std::holds_alternative<wire::StoreResponse>(bench.request(2s, asker.id, store_of("key"))));
  auto message = bench.request(3s, other.id, wire::FindValueRequest{"key"});
  const auto& found = std::get<wire::FindValueResponse>(message);
  CHECK(found.found);
  CHECK(found.record.value == Bytes(5, 1));
  CHECK(found.record.left_ms == 59'000);
  CHECK(found.record.ttl_ms == 60'000);
  message = bench.request(3s, other.id, wire::FindValueRequest{"absent"});
  const auto& absent = std::get<wire::FindValueResponse>(message);
  CHECK_FALSE(absent.found);
  CHECK(absent.contacts == wire::Contacts{asker});
  CHECK(bench.dht.stats().stores_accepted == 1);
}

TEST_CASE("What the store refuses is answered with its code and a sentence") {
  DhtOptions options;
  options.records.quotas.records_max = 1;
  options.records.quotas.group_share_divisor = 1;
  DhtBench bench(options);
  const NodeId asker = bench.linked(1s).id;
  CHECK(code_of(bench.request(2s, asker, store_of("key", 20'000))) == ErrorCode::too_large);
  CHECK(code_of(bench.request(2s, asker, store_of(""))) == ErrorCode::invalid_request);
  CHECK(code_of(bench.request(2s, asker, store_of("key"))) == ErrorCode::none);
  CHECK(code_of(bench.request(2s, asker, store_of("other"))) == ErrorCode::store_full);
  CHECK(code_of(bench.request(2s, asker, wire::FindValueRequest{""})) ==
        ErrorCode::invalid_request);
  CHECK(code_of(bench.request(2s, asker, wire::Ping{})) == ErrorCode::invalid_request);
  CHECK(bench.dht.stats().stores_refused == 3);
  const auto message = bench.request(2s, asker, store_of(""));
  CHECK_FALSE(std::get<wire::Failure>(message).text.empty());
}

TEST_CASE(
    "P-CR-12: a bridge refuses every store and find_value, serves every find_node, keeps nothing") {
  // A million messages and turns of its timer.
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    DhtBench bench(refusing(), seed);
    std::vector<NodeId> peers;
    for (int count = 0; count < 5; ++count) peers.push_back(bench.linked(1s).id);
    for (int step = 0; step < 250; ++step) {
      const Duration now = 1s + step * 10ms;
      const NodeId asker = peers[bench.rng.below(peers.size())];
      const std::string key = "key " + std::to_string(bench.rng.below(20));
      wire::Message message;
      switch (bench.rng.below(4)) {
        case 0:
          message = bench.request(now, asker, store_of(key, bench.rng.below(20'000)));
          REQUIRE(code_of(message) == ErrorCode::data_refused);
          REQUIRE_FALSE(std::get<wire::Failure>(message).text.empty());
          break;
        case 1:
          message = bench.request(now, asker, wire::FindValueRequest{key});
          REQUIRE(code_of(message) == ErrorCode::data_refused);
          REQUIRE(std::get<wire::Failure>(message).retry_after_ms == 0);
          break;
        case 2:
          message = bench.request(now, asker, wire::FindNodeRequest{random_id(bench.rng)});
          REQUIRE(std::get<wire::FindNodeResponse>(message).contacts.size() == 4);
          break;
        default:
          bench.dht.on_deadline(test::at(now));
          bench.drain();
      }
      REQUIRE(bench.dht.stats().records.records == 0);
      for (const Ask& ask : bench.asks) {
        REQUIRE(std::holds_alternative<wire::FindNodeRequest>(ask.message));
      }
    }
    REQUIRE(bench.dht.put(test::at(5s), "key", value_of("value"), 1h) ==
            refuse(ErrorCode::unsupported));
    REQUIRE(bench.dht.get(test::at(5s), "key") == refuse(ErrorCode::unsupported));
    REQUIRE(bench.dht.find(test::at(5s), peers[0]));
  }
}

}  // namespace trestle::dht
