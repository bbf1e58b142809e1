#include "trestle/host/storage_thread.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include "catch.hpp"
#include "file_layer.hpp"
#include "stored_records.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/saved_peers.hpp"

namespace trestle::test {
namespace {

using host::RecordDatabase;
using host::StorageThread;

RecordDatabase opened(const std::string& path, const char* file_layer = nullptr) {
  host::RecordDatabaseOptions options;
  options.file_layer = file_layer;
  auto database = RecordDatabase::open(path, options);
  if (!database) FAIL(database.error().text);
  return std::move(*database);
}

std::size_t records_in(const std::string& path) {
  return opened(path).read_back(host::wall_now())->records.size();
}

/// A loop of its own, who hears of the disk, and orders with tickets in their order.
struct Bench final : host::StorageEvents {
  ~Bench() override {
    storage.reset();
    ev_loop_destroy(loop);
  }
  void on_persisted(dht::StorageTicket ticket, ErrorCode code) override {
    CHECK(answers.emplace(ticket.value, code).second);
    CHECK(ticket.value > last);
    last = ticket.value;
  }
  void on_storage_lost() override { ++lost; }
  void on_storage_news(const LogRecord& record) override { news.emplace_back(record.event); }

  void begin(const std::string& folder, std::optional<RecordDatabase> database,
             const host::StorageThreadOptions& options = {}) {
    storage = std::make_unique<StorageThread>(loop, folder, std::move(database), options);
    storage->set_events(this);
  }
  bool put(const std::string& key) {
    return storage->persist({{++tickets}, dht::WriteRecord{stored(key, "value")}});
  }
  bool wait(const std::function<bool()>& condition) {
    const Instant end = after(host::steady_now(), std::chrono::seconds(10));
    while (!condition()) {
      if (host::steady_now() > end) return false;
      ev_run(loop, EVRUN_NOWAIT);
      ::usleep(100);
    }
    return true;
  }

  struct ev_loop* loop = ev_loop_new(EVFLAG_AUTO);
  std::map<std::uint64_t, ErrorCode> answers;
  std::vector<std::string> news;
  std::uint64_t tickets = 0;
  std::uint64_t last = 0;
  int lost = 0;
  std::unique_ptr<StorageThread> storage;
};

TEST_CASE("every order is answered once and in order, and then it is on disk") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  Bench bench;
  bench.begin(folder.path(), opened(path));
  for (int number = 0; number < 500; ++number) REQUIRE(bench.put(std::to_string(number)));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 500; }));
  for (const auto& [ticket, code] : bench.answers) CHECK(code == ErrorCode::none);
  node::Status status;
  bench.storage->add_figures(status);
  REQUIRE(status.histograms.size() == 1);
  INFO("what gathers while a sync is under way goes together");
  CHECK(status.histograms[0].histogram.count() < 250);
  CHECK(bench.news.empty());
  bench.storage.reset();
  CHECK(records_in(path) == 500);
}

TEST_CASE("who prolongs what is not on disk is told so, and his neighbours' orders are done") {
  TemporaryFolder folder;
  Bench bench;
  bench.begin(folder.path(), opened(folder.file("records.db")));
  REQUIRE(bench.put("a"));
  for (const char* key : {"absent", "a"}) {
    REQUIRE(bench.storage->persist({{++bench.tickets}, dht::ProlongRecord{key, 1'000}}));
  }
  REQUIRE(bench.wait([&] { return bench.answers.size() == 3; }));
  CHECK(bench.answers.at(1) == ErrorCode::none);
  CHECK(bench.answers.at(2) == ErrorCode::not_found);
  CHECK(bench.answers.at(3) == ErrorCode::none);
}

TEST_CASE("orders that were not answered when the thread ends are done all the same") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  Bench bench;
  bench.begin(folder.path(), opened(path));
  for (int number = 0; number < 300; ++number) REQUIRE(bench.put(std::to_string(number)));
  bench.storage->save_peers(
      {{NodeId(1, 1, 1), wire::Role::node, wire::Dialect::native, "ws://a", ""}});
  bench.storage.reset();
  CHECK(records_in(path) == 300);
  CHECK(host::read_saved_peers(folder.path()).peers.size() == 1);
  INFO("the log was folded in");
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST_CASE("more orders than the bounds allow are not taken, until some are answered") {
  TemporaryFolder folder;
  Bench bench;
  host::StorageThreadOptions options;
  options.orders_max = 10;
  bench.begin(folder.path(), opened(folder.file("records.db")), options);
  for (int number = 0; number < 10; ++number) REQUIRE(bench.put(std::to_string(number)));
  // Answers are delivered by the loop, which has not turned.
  CHECK_FALSE(bench.put("one more"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 10; }));
  CHECK(bench.put("one more"));
  options.orders_max = 1'000;
  options.bytes_max = 20;
  Bench light;
  light.begin(folder.path(), opened(folder.file("others.db")), options);
  CHECK(light.put("ten bytes"));
  CHECK_FALSE(light.put("ten bytes"));
}

TEST_CASE("a disk without space refuses with a code and takes records again later") {
  TemporaryFolder folder;
  FileLayer layer;
  Bench bench;
  bench.begin(folder.path(), opened("records.db", layer.name()));
  REQUIRE(bench.put("a"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 1; }));
  layer.fail(layer.steps_tried, FileFault::full, true);
  REQUIRE(bench.put("b"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 2; }));
  REQUIRE(bench.put("c"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 3; }));
  layer.heal();
  REQUIRE(bench.put("d"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 4; }));
  CHECK(bench.answers == std::map<std::uint64_t, ErrorCode>{{1, ErrorCode::none},
                                                            {2, ErrorCode::store_full},
                                                            {3, ErrorCode::store_full},
                                                            {4, ErrorCode::none}});
  CHECK(bench.news == std::vector<std::string>{"storage.full", "storage.recovered"});
  bench.storage.reset();
}

TEST_CASE("a failed sync is final, and said once") {
  TemporaryFolder folder;
  FileLayer layer;
  Bench bench;
  bench.begin(folder.path(), opened("records.db", layer.name()));
  layer.fail(layer.steps_tried, FileFault::sync_error, true);
  REQUIRE(bench.put("a"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 1; }));
  layer.heal();
  for (int number = 0; number < 5; ++number) REQUIRE(bench.put(std::to_string(number)));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 6; }));
  for (const auto& [ticket, code] : bench.answers) CHECK(code == ErrorCode::storage_failed);
  CHECK(bench.news == std::vector<std::string>{"storage.failed"});
  node::Status status;
  bench.storage->add_figures(status);
  CHECK(status.counters.front() == std::pair<std::string_view, std::uint64_t>{"storage.failed", 1});
  bench.storage.reset();
}

TEST_CASE("C19: what is written into a folder that was removed is not called stored") {
  for (const std::string removed : {"records.db", "records.db-wal", ""}) {
    CAPTURE(removed);
    TemporaryFolder folder;
    Bench bench;
    bench.begin(folder.path(), opened(folder.file("records.db")));
    REQUIRE(bench.put("before"));
    REQUIRE(bench.wait([&] { return bench.answers.size() == 1; }));
    CHECK(bench.answers[1] == ErrorCode::none);
    std::filesystem::remove_all(removed.empty() ? folder.path() : folder.file(removed));
    REQUIRE(bench.put("after"));
    REQUIRE(bench.put("later"));
    REQUIRE(bench.wait([&] { return bench.answers.size() == 3; }));
    CHECK(bench.answers[2] == ErrorCode::storage_failed);
    CHECK(bench.answers[3] == ErrorCode::storage_failed);
    CHECK(bench.news == std::vector<std::string>{"storage.failed"});
    CHECK(bench.lost == 0);
  }
}

TEST_CASE("C19: a folder that is removed while nothing is written is noticed, and told of once") {
  TemporaryFolder folder;
  Bench bench;
  host::StorageThreadOptions options;
  options.look_every = std::chrono::milliseconds(5);
  bench.begin(folder.path(), opened(folder.file("records.db")), options);
  REQUIRE(bench.put("before"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 1; }));
  std::filesystem::rename(folder.file("records.db"), folder.file("moved.db"));
  REQUIRE(bench.wait([&] { return bench.lost > 0; }));
  REQUIRE(bench.put("after"));
  REQUIRE(bench.wait([&] { return bench.answers.size() == 2; }));
  CHECK(bench.answers[2] == ErrorCode::storage_failed);
  CHECK(bench.lost == 1);
  CHECK(bench.news == std::vector<std::string>{"storage.failed"});
  node::Status status;
  bench.storage->add_figures(status);
  CHECK(status.counters.front() == std::pair<std::string_view, std::uint64_t>{"storage.failed", 1});
}

TEST_CASE("only the last list of peers is kept, and a folder that refuses is told of once") {
  TemporaryFolder folder;
  Bench bench;
  bench.begin(folder.path(), std::nullopt);
  CHECK_FALSE(bench.storage->keeps_records());
  const auto save = [&](std::uint64_t number) {
    bench.storage->save_peers(
        {{NodeId(number, 1, 1), wire::Role::node, wire::Dialect::native, "ws://a", ""}});
  };
  for (std::uint64_t number = 1; number <= 50; ++number) save(number);
  REQUIRE(bench.wait([&] {
    const auto saved = host::read_saved_peers(folder.path()).peers;
    return saved.size() == 1 && saved[0].id == NodeId(50, 1, 1);
  }));
  std::filesystem::create_directory(folder.file("peers.draft"));
  save(51);
  REQUIRE(bench.wait([&] { return bench.news.size() == 1; }));
  save(52);
  bench.storage.reset();
  CHECK(bench.news == std::vector<std::string>{"storage.peers_not_saved"});
  CHECK(host::read_saved_peers(folder.path()).peers[0].id == NodeId(50, 1, 1));
}

}  // namespace
}  // namespace trestle::test
