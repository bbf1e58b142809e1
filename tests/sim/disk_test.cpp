#include "trestle/sim/disk.hpp"

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/sim/simple_node.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kToday{1'764'000'000'000ms};

dht::Persist written(std::uint64_t ticket, const std::string& key, std::uint64_t left_ms = 60'000) {
  dht::StoredRecord stored;
  stored.record.key = key;
  stored.record.left_ms = left_ms;
  return {{ticket}, dht::WriteRecord{std::move(stored)}};
}

/// Runs the disk until it has nothing more to do.
std::vector<Disk::Answer> settle(Disk& disk) {
  std::vector<Disk::Answer> answers;
  while (disk.next_deadline() != kNever) {
    for (const Disk::Answer& answer : disk.on_deadline(disk.next_deadline())) {
      answers.push_back(answer);
    }
  }
  return answers;
}

TEST_CASE("orders of a sync's time go into the next one together, and are answered in order") {
  Disk disk({.sync_min = 1ms, .sync_max = 5ms}, Rng(1));
  for (std::uint64_t ticket = 1; ticket <= 10; ++ticket) {
    disk.persist(Instant(), kToday, written(ticket, std::to_string(ticket)));
  }
  CHECK(disk.next_deadline() >= Instant(1ms));
  CHECK(disk.next_deadline() <= Instant(5ms));
  CHECK(disk.on_deadline(disk.next_deadline() - 1us).empty());
  const auto first = disk.on_deadline(disk.next_deadline());
  REQUIRE(first.size() == 1);
  CHECK(disk.records() == 1);
  const auto rest = settle(disk);
  REQUIRE(rest.size() == 9);
  for (std::size_t index = 0; index < rest.size(); ++index) {
    CHECK(rest[index].ticket.value == index + 2);
    CHECK(rest[index].code == ErrorCode::none);
  }
  CHECK(disk.stats().syncs == 2);
}

TEST_CASE("a crash keeps what was synced, and of the rest one group as a whole or nothing") {
  std::size_t survived = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Disk disk({}, Rng(seed));
    disk.persist(Instant(), kToday, written(1, "synced"));
    settle(disk);
    disk.persist(Instant(), kToday, written(2, "under way"));
    disk.persist(Instant(), kToday, written(3, "waiting"));
    disk.crash();
    CHECK(disk.next_deadline() == kNever);
    CHECK(disk.find("synced") != nullptr);
    CHECK(disk.find("waiting") == nullptr);
    if (disk.find("under way") != nullptr) ++survived;
    CHECK(disk.stats().lost == 2);
  }
  CHECK(survived > 25);
  CHECK(survived < 75);
}

TEST_CASE("a failed sync is final for the process that met it, a full disk is not") {
  Disk disk({}, Rng(1));
  const auto code_of = [&](std::uint64_t ticket) {
    disk.persist(Instant(), kToday, written(ticket, std::to_string(ticket)));
    return settle(disk).at(0).code;
  };
  CHECK(code_of(1) == ErrorCode::none);
  disk.fill();
  CHECK(code_of(2) == ErrorCode::store_full);
  disk.heal();
  CHECK(code_of(3) == ErrorCode::none);
  disk.fail_syncs();
  CHECK(code_of(4) == ErrorCode::storage_failed);
  disk.heal();
  CHECK(code_of(5) == ErrorCode::storage_failed);
  disk.crash();
  CHECK(code_of(6) == ErrorCode::none);
  CHECK(disk.restored(kToday).records.size() == 3);
}

TEST_CASE("lives go on by the calendar while nothing runs, and what is over is not found") {
  Disk disk({}, Rng(1));
  disk.persist(Instant(), kToday, written(1, "short", 1'000));
  disk.persist(Instant(), kToday, written(2, "long", 5'000));
  disk.persist(Instant(), kToday + 1s, {{3}, dht::ProlongRecord{"long", 9'000}});
  disk.persist(Instant(), kToday, written(4, "erased"));
  disk.persist(Instant(), kToday, {{5}, dht::EraseRecord{"erased"}});
  disk.persist(Instant(), kToday, {{6}, dht::ProlongRecord{"erased", 9'000}});
  CHECK(settle(disk).back().code == ErrorCode::not_found);
  CHECK(disk.restored(kToday - 1h).records.size() == 2);
  CHECK(disk.restored(kToday - 1h).records[0].record.left_ms == 9'000);
  auto later = disk.restored(kToday + 3s).records;
  REQUIRE(later.size() == 2);
  CHECK(later[0].record.left_ms == 7'000);
  CHECK(later[1].record.left_ms == 0);
  CHECK(later[1].over_ms == 2'000);
  later = disk.restored(kToday + 1s + 24h).records;
  REQUIRE(later.size() == 1);
  CHECK(later[0].record.key == "long");
  disk.replace();
  CHECK(disk.restored(kToday).records.empty());
}

/// Writes one record with each start, and remembers what it was told.
class Writer final : public SimpleNode {
 public:
  struct Diary {
    std::vector<ErrorCode> answers;
    std::vector<node::Restored> found;
    int starts = 0;
  };
  explicit Writer(Diary& diary) : diary_(diary) {}

  void restore(Instant, node::Restored found) override { diary_.found.push_back(std::move(found)); }
  void start(Instant) override {
    ++diary_.starts;
    const std::string key = "start " + std::to_string(diary_.starts);
    outbox_.push(written(1, key, 86'400'000));
    outbox_.push(node::SavePeers{{{NodeId(1, 2, 3), wire::Role::node, {}, "ws://peer/", ""}}});
  }
  void on_persisted(Instant, dht::StorageTicket, ErrorCode code) override {
    diary_.answers.push_back(code);
  }
  link::ConnectionId on_accepted(Instant, const link::Accepted&) override { return {}; }
  void on_dialled(Instant, link::ConnectionId) override {}
  void on_dial_failed(Instant, link::ConnectionId, ErrorCode, std::string_view) override {}
  void on_frame(Instant, link::ConnectionId, link::FrameKind, ByteSpan) override {}
  void on_drained(Instant, link::ConnectionId, std::size_t) override {}
  void on_closed(Instant, link::ConnectionId, std::uint16_t, std::string_view) override {}
  void on_signed(Instant, link::ConnectionId, link::Ticket, const wire::Signature&) override {}
  void on_verified(Instant, link::ConnectionId, link::Ticket, bool) override {}
  Instant next_deadline() const override { return kNever; }
  void on_deadline(Instant) override {}
  std::optional<node::Effect> poll_effect(Instant) override { return outbox_.poll(); }

 private:
  Diary& diary_;
};

TEST_CASE("a node finds on its disk what an earlier life of it had synced") {
  Writer::Diary diary;
  WorldOptions options;
  options.seed = 1;
  World world(options);
  const NodeIndex node = world.add_node(
      {wire::Role::node, "", [&](const NodeSeat&) { return std::make_unique<Writer>(diary); }});
  world.start(node);
  CHECK(diary.found.empty());
  world.run_for(1s);
  CHECK(diary.answers == std::vector{ErrorCode::none});
  world.kill(node);
  world.run_for(1h);
  world.start(node);
  REQUIRE(diary.found.size() == 1);
  REQUIRE(diary.found[0].records.size() == 1);
  CHECK(diary.found[0].records[0].record.left_ms == 86'400'000 - 3'601'000);
  CHECK(diary.found[0].peers.size() == 1);

  SECTION("a process that is stopped hears of its sync when it goes on") {
    world.pause(node);
    world.run_for(1min);
    CHECK(diary.answers.size() == 1);
    world.resume(node);
    world.run_for(1s);
    CHECK(diary.answers.size() == 2);
  }
  SECTION("a process that dies hears nothing of its sync in its next life") {
    world.kill(node, KillKind::power);
    world.start(node);
    world.run_for(1min);
    CHECK(diary.answers.size() == 2);
    CHECK(world.disk(node).find("start 3") != nullptr);
  }
  SECTION("a machine that lost its disk begins anew") {
    world.run_for(1s);
    world.kill(node, KillKind::power);
    world.disk(node).replace();
    world.start(node);
    CHECK(diary.found.size() == 1);
  }
}

}  // namespace
}  // namespace trestle::sim::test
