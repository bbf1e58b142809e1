#include "trestle/dht/spread.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::drained;

wire::Contacts some_targets(std::size_t count) {
  Rng rng(1);
  wire::Contacts targets;
  while (targets.size() < count) targets.push_back(test::dialable(test::random_id(rng)));
  return targets;
}

wire::Record a_record() { return test::record_of("key", {1, 2}); }

std::size_t pass(Spread& spread, Duration when) {
  spread.on_deadline(at(when));
  CHECK(spread.next_deadline() > at(when));
  return drained(spread).size();
}

}  // namespace

TEST_CASE("All of the nearest get their copy at once, the record as it is") {
  const auto targets = some_targets(25);
  Spread spread(a_record(), targets, 25, {});
  spread.start(at(0s), Spread::Here::not_nearest);
  auto asks = drained(spread);
  REQUIRE(asks.size() == 20);
  for (std::size_t index = 0; index < asks.size(); ++index) {
    CHECK(asks[index].peer == targets[index]);
    CHECK(std::get<wire::StoreRequest>(asks[index].message).record == a_record());
    CHECK(asks[index].timeout == 3s);
  }
  spread.on_kept(at(1ms), targets[3].id);
  asks = drained(spread);
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].peer == targets[20]);
}

TEST_CASE("The receipt is good with the majority of the native holders, and with two at least") {
  for (std::uint32_t holders = 0; holders <= 20; ++holders) {
    CAPTURE(holders);
    const std::uint32_t wanted = std::max<std::uint32_t>(2, holders / 2 + 1);
    const auto targets = some_targets(20);
    Spread spread(a_record(), targets, holders, {});
    spread.start(at(0s), Spread::Here::not_nearest);
    CHECK(spread.receipt().wanted() == wanted);
    for (std::uint32_t kept = 1; kept <= 20; ++kept) {
      CHECK_FALSE(spread.is_ended());
      spread.on_kept(at(1ms), targets[kept - 1].id);
      CHECK(spread.receipt().synced == kept);
      CHECK(spread.receipt().is_acknowledged() == (holders >= 2 && kept >= wanted));
    }
    CHECK(spread.is_ended());
  }
}

TEST_CASE("Our own copy counts when the disk has it; a copy at an old peer never counts") {
  auto targets = some_targets(2);
  targets[0].dialect = wire::Dialect::legacy;
  Spread spread(a_record(), targets, 2, {});
  spread.start(at(0s), Spread::Here::syncing);
  spread.on_kept(at(1ms), targets[0].id);
  CHECK(spread.receipt().synced == 0);
  CHECK(spread.kept_by() == wire::Contacts{targets[0]});
  spread.on_kept(at(1ms), targets[1].id);
  CHECK_FALSE(spread.is_ended());
  CHECK_FALSE(spread.receipt().is_acknowledged());
  spread.on_synced_here(at(2ms), ErrorCode::none);
  spread.on_synced_here(at(2ms), ErrorCode::none);
  CHECK(spread.receipt() == Receipt{.holders = 2, .synced = 2});
  CHECK(spread.is_ended());
  CHECK(spread.next_deadline() == kNever);
}

TEST_CASE("Each target counts once, whatever it says afterwards") {
  const auto targets = some_targets(3);
  Spread spread(a_record(), targets, 3, {});
  spread.start(at(0s), Spread::Here::not_nearest);
  spread.on_kept(at(1ms), targets[1].id);
  spread.on_kept(at(1ms), targets[1].id);
  spread.on_refused(at(1ms), targets[0].id, ErrorCode::store_full);
  spread.on_kept(at(1ms), targets[0].id);
  CHECK(spread.receipt().synced == 1);
  CHECK(spread.refusal() == ErrorCode::store_full);
  spread.on_kept(at(2ms), targets[2].id);
  CHECK(spread.is_ended());
  CHECK(spread.kept_by() == wire::Contacts{targets[1], targets[2]});
}

TEST_CASE("Silence is a refusal after three seconds, our own disk's too") {
  Spread spread(a_record(), some_targets(22), 20, {});
  spread.start(at(0s), Spread::Here::syncing);
  drained(spread);
  CHECK(spread.next_deadline() == at(3s));
  CHECK(pass(spread, 2999ms) == 0);
  CHECK(pass(spread, 3s) == 2);
  CHECK_FALSE(spread.is_ended());
  CHECK(pass(spread, 6s) == 0);
  CHECK(spread.is_ended());
  CHECK(spread.refusal() == ErrorCode::timeout);
  spread.on_synced_here(at(7s), ErrorCode::none);
  CHECK(spread.receipt().synced == 0);
}

TEST_CASE("Whoever says OUTDATED is named once") {
  const auto targets = some_targets(2);
  Spread spread(a_record(), targets, 2, {});
  spread.start(at(0s), Spread::Here::not_nearest);
  CHECK_FALSE(spread.take_outdated());
  spread.on_refused(at(1ms), targets[0].id, ErrorCode::outdated);
  CHECK(spread.take_outdated() == targets[0]);
  CHECK_FALSE(spread.take_outdated());
}

TEST_CASE("Without targets it ends at once as unreachable") {
  Spread spread(a_record(), {}, 1, {});
  spread.start(at(0s), Spread::Here::not_nearest);
  CHECK(spread.is_ended());
  CHECK(spread.refusal() == ErrorCode::unreachable);
}

TEST_CASE("Bridges and old peers are no holders, and only the nearest are counted") {
  auto peers = some_targets(10);
  peers[0].role = wire::Role::bridge;
  peers[1].dialect = wire::Dialect::legacy;
  CHECK(holders_among(peers, 10) == 8);
  CHECK(holders_among(peers, 3) == 1);
  CHECK(holders_among(peers, 100) == 8);
}

}  // namespace trestle::dht
