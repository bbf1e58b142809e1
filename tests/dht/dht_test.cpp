#include "trestle/dht/dht.hpp"

#include "catch.hpp"
#include "dht/dht_bench.hpp"
#include "machine_laws.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;
using test::value_of;

/// Everything a machine can meet, at random.
struct RandomDht {
  static constexpr bool kEnds = true;
  explicit RandomDht(std::uint64_t seed) : bench(quick(), seed) {
    for (int count = 0; count < 40; ++count) {
      peers.push_back(bench.stranger(count % 9 == 0 ? wire::Role::bridge : wire::Role::node));
      if (count % 7 == 0) peers.back().address.clear();
    }
  }
  static DhtOptions quick() {
    DhtOptions options;
    options.operations_max = 5;
    options.asks_max = 30;
    options.records.quotas.records_max = 20;
    return options;
  }

  wire::Contacts named(Rng& rng) {
    wire::Contacts contacts;
    const std::uint64_t count = rng.below(30);
    while (contacts.size() < count) contacts.push_back(any(rng));
    return contacts;
  }
  wire::Contact any(Rng& rng) {
    if (rng.chance(1, 10)) return test::dialable(random_id(rng));
    return peers[rng.below(peers.size())];
  }
  wire::Message answer(Rng& rng) {
    switch (rng.below(6)) {
      case 0:
        return wire::StoreResponse{};
      case 1:
        return wire::Failure{.code = ErrorCode::busy, .text = {}};
      case 2:
        return wire::FindValueResponse{.found = rng.chance(1, 2),
                                       .record = {.key = "key", .value = {1}},
                                       .contacts = named(rng)};
      default:
        return wire::FindNodeResponse{named(rng)};
    }
  }
  wire::Message request(Rng& rng) {
    switch (rng.below(4)) {
      case 0:
        return wire::StoreRequest{
            test::record_of("key " + std::to_string(rng.below(40)), {1}, rng.below(5))};
      case 1:
        return wire::FindValueRequest{"key " + std::to_string(rng.below(40))};
      case 2:
        return wire::Ping{};
      default:
        return wire::FindNodeRequest{random_id(rng)};
    }
  }

  void act(Instant now, Rng& rng) {
    Dht& dht = bench.dht;
    const wire::Contact peer = any(rng);
    const AskId ask{open.empty() ? 1 : open[rng.below(open.size())]};
    switch (rng.below(12)) {
      case 0:
      case 1:
        return dht.on_link_up(now, peer);
      case 2:
        return dht.on_link_down(now, peer.id);
      case 3:
        return dht.on_contact(now, peer);
      case 4:
        return dht.on_heard(now, peer.id);
      case 5: {
        const wire::Message asked = request(rng);
        const RequestToken token{++requests};
        if (const auto* store = std::get_if<wire::StoreRequest>(&asked)) {
          return dht.on_store(now, peer.id, token,
                              crypto::VerifiedRecord::vouch_for(store->record));
        }
        return dht.on_request(now, peer.id, token, asked);
      }
      case 6:
        return dht.on_ask_failed(now, ask, ErrorCode::timeout);
      case 7:
        return count(dht.put(now, "key", value_of("v"), 1h));
      case 8:
        return count(dht.get(now, "key " + std::to_string(rng.below(9))));
      case 9:
        return count(dht.find(now, random_id(rng)));
      default:
        return dht.on_answer(now, ask, answer(rng));
    }
  }
  /// Requests would still be answered, with a refusal.
  void act_late(Instant now, Rng& rng) {
    Dht& dht = bench.dht;
    const AskId ask{open.empty() ? 1 : open[rng.below(open.size())]};
    switch (rng.below(6)) {
      case 0:
        return dht.on_link_down(now, any(rng).id);
      case 1:
        return dht.on_contact(now, any(rng));
      case 2:
        return dht.on_heard(now, any(rng).id);
      case 3:
        return dht.on_ask_failed(now, ask, ErrorCode::timeout);
      case 4:
        return dht.on_answer(now, ask, answer(rng));
      default:
        REQUIRE_FALSE(dht.find(now, random_id(rng)).has_value());
    }
  }
  void count(const Result<OperationId, ErrorCode>& begun) {
    if (begun) ++operations;
  }
  Instant next_deadline() const { return bench.dht.next_deadline(); }
  void on_deadline(Instant now) { bench.dht.on_deadline(now); }
  std::vector<std::string> drain(Instant now) {
    std::vector<std::string> texts;
    while (const auto next = bench.dht.poll_effect()) {
      const Effect& effect = *next;
      if (const auto* sign = std::get_if<SignRecord>(&effect)) {
        bench.dht.on_signed(now, sign->operation, {});
      }
      if (const auto* order = std::get_if<Persist>(&effect)) {
        bench.dht.on_persisted(now, order->ticket, ErrorCode::none);
      }
      std::string text = std::to_string(effect.index());
      if (const auto* ask = std::get_if<Ask>(&effect)) {
        open.push_back(ask->ask.value);
        text += ' ' + ask->peer.id.to_hex();
      }
      if (std::holds_alternative<Respond>(effect)) ++responses;
      if (const auto* ended = std::get_if<Ended>(&effect)) {
        ++ends;
        text += ' ' + std::to_string(ended->operation.value);
      }
      texts.push_back(std::move(text));
    }
    REQUIRE(responses == requests);
    return texts;
  }
  void shut(Instant now) {
    bench.dht.close(now);
    drain(now);
    REQUIRE(ends == operations);
    REQUIRE(bench.dht.stats().operations == 0);
  }

  DhtBench bench;
  std::vector<wire::Contact> peers;
  std::vector<std::uint64_t> open;
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t operations = 0;
  std::uint64_t ends = 0;
};

}  // namespace

TEST_CASE("The machine obeys the laws, answers each request once and ends each operation once") {
  trestle::test::obey_the_laws<RandomDht>(60, 400);
}

TEST_CASE("Only peers that take part in the DHT enter the table, and never ourselves") {
  DhtBench bench;
  bench.linked(1s, wire::Role::bootstrap);
  bench.linked(1s, wire::Role::observer);
  bench.dht.on_link_up(at(1s), bench.dht.self());
  CHECK(bench.dht.table().size() == 0);
  CHECK(bench.dht.stats().links == 0);
  bench.linked(1s, wire::Role::bridge);
  bench.linked(1s);
  CHECK(bench.dht.table().size() == 2);
  CHECK(bench.dht.stats().links == 2);
}

TEST_CASE("A peer that links up during a lookup is asked if it is near enough") {
  DhtBench bench;
  bench.linked(1s);
  const NodeId target = random_id(bench.rng);
  REQUIRE(bench.dht.find(at(2s), target));
  bench.drain();
  REQUIRE(bench.asks.size() == 1);
  const wire::Contact newcomer = bench.stranger();
  bench.dht.on_link_up(at(2s), newcomer);
  bench.drain();
  REQUIRE(bench.asks.size() == 2);
  CHECK(bench.asks[1].peer == newcomer);
  CHECK(bench.asks[1].timeout == 10s);
}

TEST_CASE("Closing ends every operation, refuses what comes, and then there is silence") {
  DhtBench bench;
  for (int count = 0; count < 5; ++count) bench.linked(1s);
  const auto put = bench.dht.put(at(2s), "key", value_of("value"), 1h);
  const auto find = bench.dht.find(at(2s), random_id(bench.rng));
  bench.drain();
  bench.dht.close(at(3s));
  bench.dht.close(at(3s));
  bench.drain();
  CHECK_FALSE(bench.dht.is_open());
  REQUIRE(bench.ends.size() == 2);
  CHECK(bench.ends[0].operation == *put);
  CHECK(bench.ends[1].operation == *find);
  for (const Ended& ended : bench.ends) CHECK(ended.code == ErrorCode::shutting_down);
  CHECK(bench.dht.next_deadline() == kNever);
  CHECK(bench.dht.get(at(4s), "key") == refuse(ErrorCode::shutting_down));
  CHECK(bench.dht.find(at(4s), random_id(bench.rng)) == refuse(ErrorCode::shutting_down));
  const auto message = bench.request(4s, random_id(bench.rng), wire::FindValueRequest{"key"});
  CHECK(std::get<wire::Failure>(message).code == ErrorCode::shutting_down);
  const std::size_t asked = bench.asks.size();
  bench.dht.on_answer(at(4s), bench.asks[0].ask, wire::FindNodeResponse{{bench.stranger()}});
  bench.dht.on_link_up(at(4s), bench.stranger());
  bench.dht.on_deadline(at(60s));
  bench.drain();
  CHECK(bench.asks.size() == asked);
  CHECK(bench.discoveries.empty());
}

TEST_CASE("The figures add up") {
  DhtBench bench;
  for (int count = 0; count < 3; ++count) bench.linked(1s);
  REQUIRE(bench.dht.put(at(2s), "key", value_of("value"), 1h));
  bench.drain();
  bench.answer_all(2s);
  REQUIRE(bench.dht.get(at(3s), "key"));
  bench.drain();
  const DhtStats stats = bench.dht.stats();
  CHECK(stats.operations_started == 2);
  CHECK(stats.operations_ended == 2);
  CHECK(stats.lookups_started == stats.lookups_ended);
  CHECK(stats.asks == stats.answers);
  CHECK(stats.records.records == 1);
  CHECK(stats.records.bytes > 8);
  CHECK(stats.table.peers == 3);
  CHECK(stats.table.connected == 3);
  CHECK(stats.links == 3);
}

}  // namespace trestle::dht
