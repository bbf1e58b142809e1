#include "trestle/dht/replication.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::drained;

std::vector<ReplicationEffect> pass(Replication& replication, Duration when) {
  replication.on_deadline(at(when));
  CHECK(replication.next_deadline() > at(when));
  return drained(replication);
}

wire::Contacts some_targets(std::size_t count) {
  Rng rng(1);
  wire::Contacts targets;
  while (targets.size() < count) targets.push_back(test::dialable(test::random_id(rng)));
  return targets;
}

wire::Record a_record() { return {.key = "key", .value = {1, 2}, .ttl_ms = 1000, .legacy = true}; }

std::size_t asks_in(const std::vector<ReplicationEffect>& effects) {
  std::size_t count = 0;
  for (const auto& effect : effects) count += std::holds_alternative<ReplicationAsk>(effect);
  return count;
}

}  // namespace

TEST_CASE("Copies go out a few at a time, nearest first, the record as it is") {
  const auto targets = some_targets(20);
  Replication replication(a_record(), targets, {});
  replication.start(at(0s));
  auto effects = drained(replication);
  REQUIRE(effects.size() == 8);
  for (std::size_t index = 0; index < effects.size(); ++index) {
    const auto& ask = std::get<ReplicationAsk>(effects[index]);
    CHECK(ask.peer == targets[index]);
    CHECK(std::get<wire::StoreRequest>(ask.message).record == a_record());
    CHECK(ask.timeout == 3s);
  }
  replication.on_stored(at(1ms), targets[3].id);
  effects = drained(replication);
  REQUIRE(effects.size() == 1);
  CHECK(std::get<ReplicationAsk>(effects[0]).peer == targets[8]);
}

TEST_CASE("The receipt names who keeps the record; each target counts once") {
  const auto targets = some_targets(3);
  Replication replication(a_record(), targets, {});
  replication.start(at(0s));
  drained(replication);
  replication.on_stored(at(1ms), targets[1].id);
  replication.on_stored(at(1ms), targets[1].id);
  replication.on_refused(at(1ms), targets[0].id, ErrorCode::store_full);
  replication.on_stored(at(1ms), targets[0].id);
  CHECK(drained(replication).empty());
  replication.on_stored(at(2ms), targets[2].id);
  const auto effects = drained(replication);
  REQUIRE(effects.size() == 1);
  const auto& ended = std::get<ReplicationEnded>(effects[0]);
  CHECK(ended.code == ErrorCode::none);
  CHECK(ended.kept_by == wire::Contacts{targets[1], targets[2]});
  CHECK(replication.next_deadline() == kNever);
}

TEST_CASE("Silence is a refusal after three seconds; if all refuse the code says why") {
  const auto targets = some_targets(10);
  Replication replication(a_record(), targets, {});
  replication.start(at(0s));
  drained(replication);
  CHECK(replication.next_deadline() == at(3s));
  CHECK(asks_in(pass(replication, 2999ms)) == 0);
  CHECK(asks_in(pass(replication, 3s)) == 2);
  const auto effects = pass(replication, 6s);
  REQUIRE(effects.size() == 1);
  CHECK(std::get<ReplicationEnded>(effects[0]).code == ErrorCode::timeout);
  CHECK(std::get<ReplicationEnded>(effects[0]).kept_by.empty());
  pass(replication, 60s);

  Replication refused(a_record(), some_targets(1), {});
  refused.start(at(0s));
  refused.on_refused(at(1s), targets[0].id, ErrorCode::store_full);
  CHECK(std::get<ReplicationEnded>(drained(refused).back()).code == ErrorCode::store_full);
}

TEST_CASE("Without targets it ends at once as unreachable") {
  Replication replication(a_record(), {}, {});
  replication.start(at(0s));
  const auto effects = drained(replication);
  REQUIRE(effects.size() == 1);
  CHECK(std::get<ReplicationEnded>(effects[0]).code == ErrorCode::unreachable);
}

}  // namespace trestle::dht
