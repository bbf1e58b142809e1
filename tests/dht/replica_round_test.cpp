#include "trestle/dht/replica_round.hpp"

#include <map>
#include <set>
#include <tuple>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using wire::ReplicaState;
using Kind = ReplicaTask::Kind;

std::vector<KeptRecord> some_records(std::size_t count) {
  Rng rng(21);
  std::vector<KeptRecord> records;
  while (records.size() < count) {
    KeptRecord record{.place = test::random_id(rng), .version = 7, .ends = at(2h)};
    record.digest[0] = static_cast<std::uint8_t>(records.size());
    records.push_back(record);
  }
  return records;
}

ReplicaTask task_for(std::uint32_t peer, std::size_t records, Kind kind = Kind::offer) {
  ReplicaTask task{.peer = test::dialable(NodeId(0, 0, peer)), .kind = kind, .records = {}};
  for (std::uint32_t record = 0; record < records; ++record) task.records.push_back(record);
  return task;
}

/// A round with its effects sorted by kind.
struct RoundBench {
  explicit RoundBench(std::size_t records, std::vector<ReplicaTask> tasks,
                      const ReplicaRoundOptions& options = {})
      : round(some_records(records), std::move(tasks), options) {
    round.start(at(0s));
    drain();
  }

  void drain() {
    while (auto effect = round.poll_effect()) {
      if (auto* offer = std::get_if<RoundOffer>(&*effect)) offers.push_back(std::move(*offer));
      if (auto* copy = std::get_if<RoundCopy>(&*effect)) copies.push_back(std::move(*copy));
      if (auto* end = std::get_if<RoundEnded>(&*effect)) ends.push_back(std::move(*end));
    }
  }
  void answer(Duration when, const RoundOffer& offer, const std::vector<ReplicaState>& states) {
    round.on_answer(at(when), offer.exchange, states);
    drain();
  }
  void answer_all(Duration when, const RoundOffer& offer, ReplicaState state) {
    answer(when, offer, std::vector<ReplicaState>(offer.offer.records.size(), state));
  }

  ReplicaRound round;
  std::vector<RoundOffer> offers;
  std::vector<RoundCopy> copies;
  std::vector<RoundEnded> ends;
};

}  // namespace

TEST_CASE("Summaries go first, in parts, a few peers at a time") {
  ReplicaRoundOptions options;
  options.offers_parallel_max = 4;
  RoundBench bench(450, {task_for(1, 450), task_for(2, 3), task_for(3, 3)}, options);
  REQUIRE(bench.offers.size() == 4);
  CHECK(bench.offers[0].offer.records.size() == 200);
  CHECK(bench.offers[2].offer.records.size() == 50);
  CHECK(bench.offers[3].peer.id == NodeId(0, 0, 2));
  const wire::ReplicaSummary& summary = bench.offers[0].offer.records[1];
  CHECK(summary.version == 7);
  CHECK(summary.left_ms == 7'200'000);
  CHECK(summary.digest[0] == 1);
  CHECK(bench.copies.empty());
  bench.answer_all(1s, bench.offers[0], ReplicaState::have);
  REQUIRE(bench.offers.size() == 5);
  CHECK(bench.offers[4].peer.id == NodeId(0, 0, 3));
  for (std::size_t index = 1; index < 5; ++index) {
    bench.answer_all(1s, bench.offers[index], ReplicaState::have);
  }
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].outcomes[0].copies == 3);
  CHECK(bench.ends[0].outcomes[449].copies == 1);
  CHECK(bench.round.next_deadline() == kNever);
}

TEST_CASE("Whole records go to those who need them, eight at a time, and count when kept") {
  RoundBench bench(20, {task_for(1, 20)});
  bench.answer_all(1s, bench.offers[0], ReplicaState::need);
  REQUIRE(bench.copies.size() == 8);
  CHECK(bench.copies[3].digest[0] == 3);
  for (std::size_t index = 0; index < bench.copies.size(); ++index) {
    if (index % 2 == 0) {
      bench.round.on_stored(at(2s), bench.copies[index].exchange);
    } else {
      bench.round.on_failed(at(2s), bench.copies[index].exchange, ErrorCode::store_full);
    }
    bench.drain();
  }
  CHECK(bench.copies.size() == 20);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].outcomes[4].copies == 1);
  CHECK(bench.ends[0].outcomes[5].copies == 0);
  CHECK(bench.ends[0].silent.empty());
}

TEST_CASE("Who wants an offer later, or let the link go while it came, is not silent") {
  for (const ErrorCode code : {ErrorCode::rate_limited, ErrorCode::busy, ErrorCode::idle}) {
    CAPTURE(name(code));
    RoundBench bench(2, {task_for(1, 2)});
    bench.round.on_failed(at(1s), bench.offers[0].exchange, code);
    bench.drain();
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].silent.empty());
    CHECK(bench.ends[0].outcomes[0].copies == 0);
  }
}

TEST_CASE("A delegated offer says so; what is newer elsewhere is told") {
  RoundBench bench(2, {task_for(1, 2, Kind::delegate)});
  CHECK(bench.offers[0].offer.delegated);
  bench.answer(1s, bench.offers[0], {ReplicaState::newer, ReplicaState::refused});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].outcomes[0].outdated);
  CHECK_FALSE(bench.ends[0].outcomes[1].outdated);
  CHECK(bench.ends[0].outcomes[0].copies == 0);
}

TEST_CASE("Silence and senseless answers end an offer; the round ends in any case") {
  RoundBench bench(2, {task_for(1, 2), task_for(2, 2), task_for(3, 2)});
  bench.answer(1s, bench.offers[0], {ReplicaState::have});
  bench.round.on_failed(at(1s), bench.offers[1].exchange, ErrorCode::connection_lost);
  bench.drain();
  CHECK(bench.ends.empty());
  CHECK(bench.round.next_deadline() == at(5s));
  bench.round.on_deadline(at(5s));
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].silent.size() == 3);
  CHECK(bench.round.stats().answers_senseless == 1);
  // Late news changes nothing.
  bench.answer_all(6s, bench.offers[2], ReplicaState::need);
  bench.round.on_stored(at(6s), bench.offers[2].exchange);
  bench.round.on_deadline(at(60s));
  bench.drain();
  CHECK(bench.copies.empty());
  CHECK(bench.ends.size() == 1);
}

TEST_CASE("Old peers are given whole values at once, which count for nothing") {
  ReplicaTask gift = task_for(1, 2, Kind::gift);
  gift.peer = test::legacy(NodeId(0, 0, 1));
  RoundBench bench(2, {gift, task_for(2, 2)});
  REQUIRE(bench.copies.size() == 2);
  REQUIRE(bench.offers.size() == 1);
  for (const RoundCopy& copy : std::vector<RoundCopy>(bench.copies)) {
    bench.round.on_stored(at(1s), copy.exchange);
  }
  bench.answer_all(1s, bench.offers[0], ReplicaState::refused);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].outcomes[0].copies == 0);
  CHECK(bench.round.stats().gifts == 2);
}

TEST_CASE("P-CR-27: no record is sent but to a peer that said it needs this content") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const std::size_t records = 1 + rng.below(60);
    std::vector<ReplicaTask> tasks;
    const std::size_t peers = 1 + rng.below(12);
    for (std::uint32_t peer = 1; peer <= peers; ++peer) {
      tasks.push_back(task_for(peer, 1 + rng.below(records)));
    }
    ReplicaRoundOptions options;
    options.offers_parallel_max = 1 + rng.below(6);
    options.summaries_per_offer_max = 1 + rng.below(20);
    options.copies_waiting_max = 1 + rng.below(20);
    RoundBench bench(records, tasks, options);
    using Wanted = std::tuple<NodeId, NodeId, wire::RecordDigest>;
    std::set<Wanted> wanted;
    std::size_t offers_done = 0;
    std::size_t copies_done = 0;
    Duration when = 0s;
    for (int step = 0; step < 4000 && bench.ends.empty(); ++step) {
      when += std::chrono::milliseconds(rng.below(50));
      bench.round.on_deadline(at(when));
      bench.drain();
      if (offers_done < bench.offers.size() && rng.chance(1, 2)) {
        const RoundOffer offer = bench.offers[offers_done++];
        if (rng.chance(1, 10)) continue;  // silent
        std::vector<ReplicaState> states;
        for (const auto& summary : offer.offer.records) {
          states.push_back(static_cast<ReplicaState>(1 + rng.below(5)));
          if (states.back() == ReplicaState::need || states.back() == ReplicaState::mismatch) {
            wanted.insert({offer.peer.id, summary.place, summary.digest});
          }
        }
        // An answer that comes too late has no effect, so nothing may follow from it.
        const std::size_t before = bench.round.stats().copies;
        const bool late = bench.round.next_deadline() == kNever;
        bench.answer(when, offer, states);
        if (late) REQUIRE(bench.round.stats().copies == before);
      } else if (copies_done < bench.copies.size()) {
        const RoundCopy copy = bench.copies[copies_done++];
        REQUIRE(wanted.contains({copy.peer.id, copy.place, copy.digest}));
        if (rng.chance(9, 10)) bench.round.on_stored(at(when), copy.exchange);
        bench.drain();
      }
    }
    when += 1h;
    for (int late = 0; late < 2000 && bench.ends.empty(); ++late) {
      bench.round.on_deadline(at(when));
      bench.drain();
      when += 6s;
    }
    REQUIRE(bench.ends.size() == 1);
    for (const RoundCopy& copy : bench.copies) {
      REQUIRE(wanted.erase({copy.peer.id, copy.place, copy.digest}) == 1);
    }
  }
}

}  // namespace trestle::dht
