#include "trestle/node/member/record_verifier.hpp"

#include <algorithm>
#include <map>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/identity.hpp"

namespace trestle::node {
namespace {

constexpr std::string_view kNetwork = "main";

link::ConnectionId connection(std::uint64_t serial) {
  return {link::ConnectionOwner::node, serial};
}

struct Bench {
  explicit Bench(RecordVerifierOptions options = {})
      : suite(1),
        writer(suite.generate()),
        kept(NodeId(1, 1, 1), std::string(kNetwork), {}, suite),
        verifier(with_network(std::move(options)), kept, suite) {}

  static RecordVerifierOptions with_network(RecordVerifierOptions options) {
    options.network = kNetwork;
    return options;
  }

  wire::Record record(std::string key, std::uint64_t version = 1) {
    wire::Record made{.key = std::move(key),
                      .value = {1, 2, 3},
                      .version = version,
                      .ttl_ms = 60'000,
                      .author = writer.key,
                      .left_ms = 60'000};
    made.signature = suite.sign(writer, crypto::record_transcript(suite, kNetwork, made));
    return made;
  }
  void store(std::uint64_t serial, std::uint64_t id, wire::Record made) {
    verifier.submit(now, {connection(serial), NodeId(serial, 0, 0), wire::RequestId{id},
                          wire::StoreRequest{made}});
    drain();
  }
  void ask(std::uint64_t serial, std::uint64_t id) {
    verifier.submit(now, {connection(serial), NodeId(serial, 0, 0), wire::RequestId{id},
                          wire::FindNodeRequest{}});
    drain();
  }
  void answer(std::uint64_t serial, std::uint64_t ask, wire::Record made) {
    wire::FindValueResponse response;
    response.found = true;
    response.record = std::move(made);
    verifier.submit(now, {connection(serial), NodeId(serial, 0, 0), dht::AskId{ask}, response});
    drain();
  }
  void check(std::size_t index) {
    const link::Verify order = orders.at(index);
    orders.erase(orders.begin() + static_cast<std::ptrdiff_t>(index));
    CHECK(order.connection == link::ConnectionId{});
    verifier.on_verified(now, order.ticket,
                         suite.verify(order.key, order.message, order.signature));
    drain();
  }
  void drain() {
    while (auto effect = verifier.poll_effect()) {
      if (auto* order = std::get_if<link::Verify>(&*effect)) {
        orders.push_back(std::move(*order));
      } else if (const auto* forger = std::get_if<RecordVerifier::Forger>(&*effect)) {
        forgers.push_back(forger->connection);
      } else {
        cleared.push_back(std::get<RecordVerifier::Cleared>(std::move(*effect)));
      }
    }
  }
  std::uint64_t id(std::size_t index) const {
    return std::get<wire::RequestId>(cleared.at(index).item.of).value;
  }

  crypto::Suite suite;
  crypto::KeyPair writer;
  dht::RecordStore kept;
  RecordVerifier verifier;
  std::vector<link::Verify> orders;
  std::vector<RecordVerifier::Cleared> cleared;
  std::vector<link::ConnectionId> forgers;
  Instant now{};
};

}  // namespace

TEST_CASE("I12: a record goes on only after its signature was found right") {
  Bench bench;
  const wire::Record made = bench.record("key");
  bench.store(1, 5, made);
  CHECK(bench.cleared.empty());
  REQUIRE(bench.orders.size() == 1);
  bench.check(0);
  REQUIRE(bench.cleared.size() == 1);
  CHECK(bench.cleared[0].code == ErrorCode::none);
  CHECK(**bench.cleared[0].record == made);
  CHECK(bench.verifier.stats().checked == 1);
}

TEST_CASE("I12: whatever of a record is changed, it is forged; only what is left may change") {
  Bench bench;
  const wire::Record made = bench.record("key");
  std::vector<wire::Record> forgeries(8, made);
  forgeries[0].key = "kez";
  forgeries[1].value[0] ^= 1;
  forgeries[2].kind = wire::RecordKind::tombstone;
  forgeries[3].version += 1;
  forgeries[4].ttl_ms += 1;
  forgeries[5].author = bench.suite.generate().key;
  forgeries[6].signature[40] ^= 1;
  forgeries[7].author = {};
  for (std::size_t index = 0; index < forgeries.size(); ++index) {
    CAPTURE(index);
    bench.store(index + 1, index, forgeries[index]);
    bench.check(0);
    REQUIRE(bench.cleared.size() == index + 1);
    CHECK(bench.cleared.back().code == ErrorCode::unauthorized);
    CHECK_FALSE(bench.cleared.back().record);
  }
  CHECK(bench.verifier.stats().forged == forgeries.size());
  wire::Record aged = made;
  aged.left_ms = 1;
  bench.store(1, 100, aged);
  bench.check(0);
  CHECK(bench.cleared.back().record);
}

TEST_CASE("A record of another network is forged here") {
  Bench bench;
  wire::Record foreign = bench.record("key");
  foreign.signature =
      bench.suite.sign(bench.writer, crypto::record_transcript(bench.suite, "other", foreign));
  bench.store(1, 1, foreign);
  bench.check(0);
  CHECK(bench.cleared.at(0).code == ErrorCode::unauthorized);
}

TEST_CASE("Under a node's own keys others' records are refused without a check") {
  Bench bench;
  const NodeId writer = crypto::node_id_of(bench.suite, bench.writer.key);
  bench.store(1, 1, bench.record("@" + NodeId(7, 7, 7).to_hex()));
  CHECK(bench.cleared.at(0).code == ErrorCode::unauthorized);
  CHECK(bench.orders.empty());
  bench.store(1, 2, bench.record("@" + writer.to_hex() + "/profile"));
  bench.check(0);
  CHECK(bench.cleared.at(1).record);
}

TEST_CASE("Records of the old dialect pass unsigned where it is on, and nowhere else") {
  const wire::Record old{.key = "k", .value = {'1'}, .left_ms = 1000, .legacy = true};
  Bench on;
  on.store(1, 1, old);
  REQUIRE(on.cleared.size() == 1);
  CHECK((*on.cleared[0].record)->legacy);
  CHECK(on.orders.empty());
  wire::Record owned = old;
  owned.key = "@" + NodeId(7, 7, 7).to_hex();
  on.store(1, 2, owned);
  CHECK(on.cleared.at(1).code == ErrorCode::unauthorized);
  Bench off({.legacy = false});
  off.store(1, 1, old);
  CHECK(off.cleared.at(0).code == ErrorCode::unauthorized);
}

TEST_CASE("What was checked once is known by its content, in memory or in the store") {
  Bench bench({.remembered_max = 2});
  for (const char* key : {"a", "b", "c"}) {
    bench.store(1, 1, bench.record(key));
    bench.check(0);
  }
  bench.answer(2, 1, bench.record("c"));
  CHECK(bench.orders.empty());
  CHECK(bench.cleared.back().record);
  bench.answer(2, 2, bench.record("a"));  // forgotten: the oldest goes
  CHECK(bench.orders.size() == 1);
  bench.check(0);
  REQUIRE(bench.kept.put(Instant{}, crypto::VerifiedRecord::vouch_for(bench.record("d")), {}));
  bench.answer(2, 3, bench.record("d"));
  CHECK(bench.orders.empty());
  CHECK(bench.verifier.stats().checked == 4);
  CHECK(bench.verifier.stats().remembered == 2);
}

TEST_CASE("Known content with another signature goes on with the one that was checked") {
  Bench bench;
  const wire::Record made = bench.record("key");
  bench.store(1, 1, made);
  bench.check(0);
  wire::Record spoilt = made;
  spoilt.signature = {};
  bench.store(2, 2, spoilt);
  REQUIRE(bench.cleared.size() == 2);
  CHECK((*bench.cleared[1].record)->signature == made.signature);
}

TEST_CASE("Behind a check the rest of its link waits, in order; other links do not") {
  Bench bench;
  bench.ask(1, 1);
  bench.store(1, 2, bench.record("a"));
  bench.ask(1, 3);
  bench.store(1, 4, bench.record("b"));
  bench.ask(1, 5);
  bench.ask(2, 6);
  REQUIRE(bench.cleared.size() == 2);
  CHECK(bench.id(1) == 6);
  bench.check(1);
  CHECK(bench.cleared.size() == 2);
  bench.check(0);
  REQUIRE(bench.cleared.size() == 6);
  for (std::size_t index = 2; index < 6; ++index) CHECK(bench.id(index) == index);
  CHECK(bench.verifier.stats().held == 0);
}

TEST_CASE("More than may wait is refused as busy, in all and from one link") {
  Bench bench({.held_max = 5, .held_per_link_max = 3, .held_per_link_assured = 0});
  for (std::uint64_t id = 1; id <= 4; ++id) bench.store(1, id, bench.record(std::to_string(id)));
  REQUIRE(bench.cleared.size() == 1);
  CHECK(bench.id(0) == 4);
  CHECK(bench.cleared[0].code == ErrorCode::busy);
  for (std::uint64_t id = 5; id <= 7; ++id) bench.store(id, id, bench.record(std::to_string(id)));
  REQUIRE(bench.cleared.size() == 2);
  CHECK(bench.id(1) == 7);
  CHECK(bench.verifier.stats().refused == 2);
  bench.ask(9, 8);
  CHECK(bench.cleared.size() == 3);
}

TEST_CASE("When a link closes its requests are dropped, and the answers to ours go their way") {
  Bench bench;
  bench.store(1, 1, bench.record("a"));
  bench.answer(1, 77, bench.record("b"));
  bench.ask(1, 2);
  bench.verifier.on_closed(connection(1));
  bench.check(0);
  bench.check(0);
  REQUIRE(bench.cleared.size() == 1);
  CHECK(std::get<dht::AskId>(bench.cleared[0].item.of) == dht::AskId{77});
  CHECK(bench.cleared[0].record);
  CHECK(bench.verifier.stats().held == 0);
}

TEST_CASE("P-CR-6: each message goes on or is refused exactly once, in the order of its link") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Bench bench({.held_max = 12, .held_per_link_max = 5, .remembered_max = 4});
    std::vector<wire::Record> records;
    for (int count = 0; count < 8; ++count) {
      records.push_back(bench.record("k" + std::to_string(count)));
      if (count % 3 == 0) records.back().version = 2;  // forged
    }
    std::map<std::uint64_t, std::uint64_t> link_of;
    std::map<std::uint64_t, std::uint64_t> latest;
    std::uint64_t id = 0;
    std::size_t seen = 0;
    for (int step = 0; step < 300; ++step) {
      if (rng.chance(1, 3) && !bench.orders.empty()) {
        bench.check(rng.below(bench.orders.size()));
      } else {
        const std::uint64_t serial = 1 + rng.below(4);
        link_of[++id] = serial;
        if (rng.chance(1, 3)) {
          bench.ask(serial, id);
        } else {
          bench.store(serial, id, records[rng.below(records.size())]);
        }
      }
      for (; seen < bench.cleared.size(); ++seen) {
        const std::uint64_t one = bench.id(seen);
        REQUIRE(link_of.contains(one));
        const std::uint64_t serial = link_of[one];
        link_of.erase(one);
        // A refusal for want of room is told at once, before what waits.
        if (bench.cleared[seen].code == ErrorCode::busy) continue;
        REQUIRE(one > latest[serial]);
        latest[serial] = one;
        const auto& item = bench.cleared[seen].item;
        const bool stores = std::holds_alternative<wire::StoreRequest>(item.message);
        REQUIRE(bench.cleared[seen].record.has_value() ==
                (stores && bench.cleared[seen].code == ErrorCode::none));
      }
    }
    while (!bench.orders.empty()) bench.check(0);
    for (; seen < bench.cleared.size(); ++seen) link_of.erase(bench.id(seen));
    CHECK(link_of.empty());
  }
}

TEST_CASE("T20: a peer gets so many checks and no more, others are not disturbed") {
  Bench bench({.checks_per_second = 10, .checks_burst = 20, .checks_per_second_in_all = 1000});
  bench.now = Instant(std::chrono::seconds(100));
  const auto check_all = [&] {
    while (!bench.orders.empty()) bench.check(0);
  };
  for (std::uint64_t id = 1; id <= 50; ++id) bench.store(1, id, bench.record(std::to_string(id)));
  bench.store(2, 51, bench.record("other"));
  check_all();
  CHECK(bench.verifier.stats().checked == 21);
  CHECK(bench.verifier.stats().limited == 30);
  CHECK(bench.cleared.size() == 51);
  const auto limited =
      std::count_if(bench.cleared.begin(), bench.cleared.end(),
                    [](const auto& one) { return one.code == ErrorCode::rate_limited; });
  CHECK(limited == 30);
  bench.now += std::chrono::seconds(1);
  for (std::uint64_t id = 60; id < 80; ++id)
    bench.store(1, id, bench.record("b" + std::to_string(id)));
  check_all();
  INFO("a second's worth is there again");
  CHECK(bench.verifier.stats().checked == 31);
}

TEST_CASE("T20: all peers together get two fifths of a processor for their checks") {
  RecordVerifierOptions options;
  options.held_max = 100'000;
  options.checks_per_second_in_all = 500;
  Bench bench(options);
  bench.now = Instant(std::chrono::seconds(100));
  const wire::Record forged = [&] {
    wire::Record made = bench.record("k");
    made.signature[7] ^= 1;
    return made;
  }();
  for (std::uint64_t peer = 1; peer <= 400; ++peer) {
    for (std::uint64_t count = 0; count < 50; ++count) {
      bench.store(peer, peer * 1000 + count, forged);
    }
    while (!bench.orders.empty()) bench.check(0);
  }
  INFO("20,000 within one moment");
  CHECK(bench.verifier.stats().checked == 500);
  INFO("what we asked for ourselves is checked all the same");
  bench.answer(1000, 1, bench.record("asked"));
  CHECK(bench.verifier.stats().checked == 501);
}

TEST_CASE("T20: the third record with a wrong signature gives a peer away, once") {
  Bench bench;
  const auto deliver = [&](std::uint64_t serial, std::uint64_t id, bool is_forged) {
    wire::Record made = bench.record(std::to_string(id));
    if (is_forged) made.signature[7] ^= 1;
    bench.store(serial, id, std::move(made));
    if (!bench.orders.empty()) bench.check(0);
  };
  deliver(1, 1, true);
  deliver(1, 2, false);
  deliver(1, 3, true);
  deliver(2, 4, true);
  deliver(2, 5, true);
  CHECK(bench.forgers.empty());
  deliver(1, 6, true);
  CHECK(bench.forgers == std::vector{connection(1)});
  deliver(1, 7, true);
  CHECK(bench.forgers.size() == 1);
  CHECK(bench.verifier.stats().forgers == 1);
  CHECK(bench.verifier.stats().unheard == 1);
  INFO("a link that closed takes its count along");
  bench.verifier.on_closed(connection(2));
  deliver(2, 8, true);
  CHECK(bench.forgers.size() == 1);
}

TEST_CASE("T20: a hundred forged records in one frame cost three checks") {
  Bench bench;
  wire::Record forged = bench.record("k");
  forged.signature[7] ^= 1;
  for (std::uint64_t id = 1; id <= 100; ++id) {
    bench.verifier.submit(bench.now, {connection(1), NodeId(1, 0, 0), wire::RequestId{id},
                                      wire::StoreRequest{forged}});
  }
  bench.ask(1, 101);
  while (!bench.orders.empty()) bench.check(0);
  CHECK(bench.verifier.stats().checked == 3);
  CHECK(bench.verifier.stats().unheard == 97);
  INFO("each is answered all the same, and what is no record goes on");
  REQUIRE(bench.cleared.size() == 101);
  for (std::size_t index = 0; index < 100; ++index) {
    CHECK(bench.cleared[index].code == ErrorCode::unauthorized);
  }
  CHECK(bench.cleared[100].code == ErrorCode::none);
  CHECK(bench.verifier.stats().held == 0);
}

TEST_CASE("T20: who brings a few records finds a place, however many of others wait") {
  Bench bench({.held_max = 100, .held_per_link_max = 50, .held_per_link_assured = 4});
  const auto bring = [&](std::uint64_t first, std::uint64_t last, std::uint64_t count) {
    for (std::uint64_t id = 1; id <= count; ++id) {
      for (std::uint64_t serial = first; serial <= last; ++serial) {
        bench.store(serial, 100 * serial + id, bench.record(std::to_string(100 * serial + id)));
      }
    }
  };
  INFO("nine that flood us leave as many places as each of them has");
  bring(1, 9, 50);
  CHECK(bench.verifier.stats().held == 90);
  std::size_t refused = bench.cleared.size();
  CHECK(refused == 450 - 90);
  bring(10, 10, 5);
  CHECK(bench.cleared.size() == refused);

  INFO("beside a hundred that flood us, the fifth is one too many");
  bring(11, 110, 50);
  CHECK(bench.verifier.stats().held <= 100 + 4 * 110);
  refused = bench.cleared.size();
  bring(111, 111, 5);
  REQUIRE(bench.cleared.size() == refused + 1);
  CHECK(bench.id(refused) == 111 * 100 + 5);
  CHECK(bench.cleared[refused].code == ErrorCode::busy);
}

TEST_CASE("Of one link three checks are under way at a time, of many links as many each") {
  Bench bench;
  for (std::uint64_t id = 1; id <= 10; ++id) {
    for (std::uint64_t serial = 1; serial <= 2; ++serial) {
      bench.store(serial, 100 * serial + id, bench.record(std::to_string(100 * serial + id)));
    }
  }
  CHECK(bench.orders.size() == 6);
  bench.check(0);
  CHECK(bench.orders.size() == 6);
  bench.verifier.on_closed(connection(1));
  INFO("requests of a link that has closed are checked no more");
  while (!bench.orders.empty()) bench.check(0);
  CHECK(bench.verifier.stats().checked == 4 + 10);
  CHECK(bench.cleared.size() == 1 + 10);
  CHECK(bench.verifier.stats().held == 0);
}

}  // namespace trestle::node
