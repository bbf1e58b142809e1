#include "trestle/host/record_database.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"
#include "stored_records.hpp"
#include "temporary_folder.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {
namespace {

using host::DatabaseFault;
using host::DatedChange;
using host::RecordDatabase;
using host::Written;
using std::chrono::milliseconds;

RecordDatabase opened(const std::string& path, const host::RecordDatabaseOptions& options = {}) {
  auto database = RecordDatabase::open(path, options);
  if (!database) FAIL(database.error().text);
  return std::move(*database);
}

host::ReadBack read_at(const std::string& path, WallTime now,
                       const host::RecordDatabaseOptions& options = {}) {
  auto read = opened(path, options).read_back(now);
  if (!read) FAIL(read.error().text);
  return std::move(*read);
}

TEST_CASE("what was written is read back by the next program, every field of it") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  auto value = stored("key", std::string("\0bytes\xff", 7), 7);
  auto tombstone = stored("gone", "", ~std::uint64_t{0} - 1);
  tombstone.record.kind = wire::RecordKind::tombstone;
  auto legacy = stored("old", "{\"a\":1}", 2);
  legacy.record.legacy = true;
  {
    auto database = opened(path);
    CHECK(database.read_back(kWritten)->records.empty());
    const std::vector<DatedChange> changes{write(value), write(tombstone), write(legacy)};
    CHECK(database.apply(changes) == Written::synced);
  }
  const auto read = read_at(path, kWritten);
  CHECK(read.damage.empty());
  CHECK(model_of(read.records) == Model{{"key", value}, {"gone", tombstone}, {"old", legacy}});
}

TEST_CASE("a record takes the place of the one with its key, and is prolonged and erased by it") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  {
    auto database = opened(path);
    const std::vector<DatedChange> changes{write(stored("a", "first", 1)),
                                           write(stored("b", "b", 1)),
                                           write(stored("a", "second", 2)),
                                           prolong("a", 90'000),
                                           erase("b"),
                                           prolong("unknown", 1),
                                           erase("unknown")};
    CHECK(database.apply(changes) == Written::synced);
  }
  const auto read = read_at(path, kWritten);
  REQUIRE(read.records.size() == 1);
  auto expected = stored("a", "second", 2);
  expected.record.left_ms = 90'000;
  CHECK(read.records.front() == expected);
}

TEST_CASE("a life goes on while the program does not run, by the calendar") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  {
    auto database = opened(path);
    const std::vector<DatedChange> changes{write(stored("short", "s", 1, 10'000)),
                                           write(stored("long", "l", 1, 60'000)),
                                           prolong("long", 50'000, kWritten + milliseconds(5'000))};
    CHECK(database.apply(changes) == Written::synced);
  }
  const auto early = read_at(path, kWritten + milliseconds(9'999));
  CHECK(early.expired == 0);
  CHECK(model_of(early.records).at("short").record.left_ms == 1);
  CHECK(model_of(early.records).at("long").record.left_ms == 45'001);

  SECTION(
      "what is over is read back in its grace, for as long as the life it was given (STORE-05)") {
    for (const std::int64_t over : {0, 1, 19'999}) {
      const auto late = read_at(path, kWritten + milliseconds(10'000 + over));
      CHECK(late.expired == 0);
      const auto model = model_of(late.records);
      CHECK(model.at("short").record.left_ms == 0);
      CHECK(model.at("short").over_ms == static_cast<std::uint64_t>(over));
    }
  }
  SECTION("what is over its grace is gone for good") {
    const auto late = read_at(path, kWritten + milliseconds(30'000));
    CHECK(late.expired == 1);
    REQUIRE(late.records.size() == 1);
    CHECK(late.records.front().record.left_ms == 25'000);
    const auto set_back = read_at(path, kWritten);
    CHECK(set_back.records.size() == 1);
    CHECK(set_back.expired == 0);
  }
  SECTION("a calendar that was set back takes nothing off, and adds nothing") {
    const auto read = read_at(path, kWritten - milliseconds(1'000'000'000));
    CHECK(model_of(read.records).at("short").record.left_ms == 10'000);
    CHECK(model_of(read.records).at("long").record.left_ms == 50'000);
  }
}

TEST_CASE("lives and versions are whole 64-bit words") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  auto endless = stored("key", "value", ~std::uint64_t{0}, ~std::uint64_t{0});
  {
    auto database = opened(path);
    CHECK(database.apply(std::vector{write(endless)}) == Written::synced);
  }
  const auto read = read_at(path, kWritten + milliseconds(7));
  REQUIRE(read.records.size() == 1);
  CHECK(read.records.front().record.version == ~std::uint64_t{0});
  CHECK(read.records.front().record.left_ms == ~std::uint64_t{0} - 7);
}

TEST_CASE("no more is read back than the bounds allow, and the rest is left alone") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  {
    auto database = opened(path);
    std::vector<DatedChange> changes;
    for (int index = 0; index < 20; ++index) {
      changes.push_back(write(stored("key " + std::to_string(10 + index), std::string(100, 'x'))));
    }
    CHECK(database.apply(changes) == Written::synced);
  }
  host::RecordDatabaseOptions few;
  few.records_max = 5;
  CHECK(read_at(path, kWritten, few).records.size() == 5);
  CHECK(read_at(path, kWritten, few).left_out == 15);
  host::RecordDatabaseOptions light;
  light.bytes_max = 1'000;
  CHECK(read_at(path, kWritten, light).records.size() == 9);
  CHECK(read_at(path, kWritten).records.size() == 20);
}

TEST_CASE("changes in any order leave what the naive store has") {
  TemporaryFolder folder;
  host::RecordDatabaseOptions options;
  options.log_pages_max = 8;  // folds often
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const std::string path = folder.file("records " + std::to_string(seed));
    Model model;
    auto database = std::make_optional(opened(path, options));
    for (int batch = 0; batch < 20; ++batch) {
      std::vector<DatedChange> changes;
      const std::uint64_t count = 1 + rng.below(5);
      for (std::uint64_t index = 0; index < count; ++index) {
        const std::string key = "key " + std::to_string(rng.below(8));
        const std::uint64_t kind = rng.below(4);
        const std::uint64_t number = 1 + rng.below(1'000'000);
        if (kind < 2) {
          const std::size_t size = kind == 0 ? 10 : 9'000;
          changes.push_back(write(stored(key, std::string(size, 'v'), number)));
        } else if (kind == 2) {
          changes.push_back(prolong(key, number));
        } else {
          changes.push_back(erase(key));
        }
      }
      REQUIRE(database->apply(changes) == Written::synced);
      for (const DatedChange& dated : changes) change(model, dated);
      if (rng.below(4) == 0) {
        database.reset();
        database.emplace(opened(path, options));
        const auto read = database->read_back(kWritten);
        REQUIRE(read.has_value());
        REQUIRE(model_of(read->records) == model);
      }
    }
  }
}

TEST_CASE("a file of a later version, a foreign database and no database are told apart") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  {
    auto database = opened(path);
    CHECK(database.apply(std::vector{write(stored("key", "value"))}) == Written::synced);
  }
  std::string content = content_of(path);
  const auto fault_of = [&](const std::string& bytes) {
    folder.write("other.db", bytes);
    const auto database = RecordDatabase::open(folder.file("other.db"));
    REQUIRE_FALSE(database.has_value());
    CHECK_FALSE(database.error().text.empty());
    return database.error().fault;
  };
  content[63] = 2;  // user_version, big-endian at 60
  CHECK(fault_of(content) == DatabaseFault::newer);
  content[63] = 1;
  content[68] = 'x';  // application_id
  CHECK(fault_of(content) == DatabaseFault::damaged);
  CHECK(fault_of(std::string(5'000, 'x')) == DatabaseFault::damaged);
  CHECK(RecordDatabase::open(folder.file("no folder/records.db")).error().fault ==
        DatabaseFault::failed);
}

TEST_CASE("a second program cannot open the file while the first has it") {
  TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  auto first = opened(path);
  CHECK(first.apply(std::vector{write(stored("key", "value"))}) == Written::synced);
  const auto second = RecordDatabase::open(path);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().fault == DatabaseFault::failed);
  CHECK(second.error().text.find("locked") != std::string::npos);
}

}  // namespace
}  // namespace trestle::test
