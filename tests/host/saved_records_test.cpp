#include "trestle/host/saved_records.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "stored_records.hpp"
#include "temporary_folder.hpp"

namespace trestle::test {
namespace {

using host::DatedChange;
using host::open_saved_records;
using host::SavedRecords;
using host::Written;

SavedRecords opened(const TemporaryFolder& folder) {
  auto saved = open_saved_records(folder.path(), kWritten);
  if (!saved) FAIL(saved.error());
  return std::move(*saved);
}

bool is_there(const TemporaryFolder& folder, const std::string& name) {
  return std::filesystem::exists(folder.file(name));
}

/// Leaves a closed database with so many records behind.
Model filled(const TemporaryFolder& folder, int count = 50) {
  auto saved = opened(folder);
  std::vector<DatedChange> changes;
  Model model;
  for (int number = 0; number < count; ++number) {
    changes.push_back(write(stored("key " + std::to_string(number), std::string(500, 'v'))));
    change(model, changes.back());
  }
  REQUIRE(saved.database.apply(changes) == Written::synced);
  return model;
}

TEST_CASE("records are found again in their folder, and nothing else lies there") {
  TemporaryFolder folder;
  const Model model = filled(folder);
  {
    const auto saved = opened(folder);
    CHECK(model_of(saved.records) == model);
    REQUIRE(saved.news.size() == 1);
    CHECK(saved.news[0].event == "storage.loaded");
    CHECK(saved.news[0].detail == "50 records");
  }
  CHECK(is_there(folder, "records.db"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a file that is no database is set aside loudly and a new one begun") {
  TemporaryFolder folder;
  folder.write("records.db", std::string(10'000, 'x'));
  {
    auto saved = opened(folder);
    CHECK(saved.records.empty());
    REQUIRE(saved.news.size() == 2);
    CHECK(saved.news[0].event == "storage.damaged");
    CHECK(saved.news[0].level == LogLevel::error);
    CHECK(saved.news[0].detail.find("records.damaged") != std::string::npos);
    CHECK(saved.database.apply(std::vector{write(stored("a", "a"))}) == Written::synced);
  }
  CHECK(content_of(folder.file("records.damaged")) == std::string(10'000, 'x'));
  CHECK(opened(folder).records.size() == 1);
}

TEST_CASE("what a damaged file still holds is saved into the new one") {
  TemporaryFolder folder;
  Model model = filled(folder);
  std::string content = content_of(folder.file("records.db"));
  const std::size_t place = content.find(std::string(400, 'v'));
  REQUIRE(place != std::string::npos);
  content[place] = 'w';
  folder.write("records.db", content);
  for (int start = 0; start < 2; ++start) {
    const auto saved = opened(folder);
    CHECK(saved.news.size() == (start == 0 ? 2 : 1));
    CHECK(saved.records.size() == 49);
    for (const auto& record : saved.records) CHECK(model.at(record.record.key) == record);
  }
  CHECK(content_of(folder.file("records.damaged")) == content);
}

TEST_CASE("a file that was cut off anywhere never stops a start") {
  TemporaryFolder folder;
  const Model model = filled(folder);
  const std::string content = content_of(folder.file("records.db"));
  for (std::size_t size = 0; size < content.size(); size += 1'000) {
    folder.write("records.db", content.substr(0, size));
    const auto saved = opened(folder);
    CHECK(saved.news.size() == (size == 0 ? 1 : 2));
    for (const auto& record : saved.records) CHECK(model.at(record.record.key) == record);
  }
}

TEST_CASE("a replacement that was interrupted at any step is finished by the next start") {
  TemporaryFolder folder;
  Model model;
  SECTION("before the damaged file was set aside") {
    model = filled(folder);
    folder.write("records.new", "half");
    folder.write("records.new-wal", "a log");
  }
  SECTION("after the damaged file, before its log") {
    model = filled(folder);
    std::filesystem::rename(folder.file("records.db"), folder.file("records.new"));
    folder.write("records.damaged", "damaged");
    folder.write("records.db-wal", "its log");
  }
  SECTION("before the new file took its place") {
    model = filled(folder);
    std::filesystem::rename(folder.file("records.db"), folder.file("records.new"));
    folder.write("records.damaged", "damaged");
    folder.write("records.damaged-wal", "its log");
  }
  CHECK(model_of(opened(folder).records) == model);
  CHECK_FALSE(is_there(folder, "records.new"));
  CHECK_FALSE(is_there(folder, "records.new-wal"));
  CHECK(model_of(opened(folder).records) == model);
}

TEST_CASE("a file of a later version and a folder that refuses stop the start with a sentence") {
  TemporaryFolder folder;
  filled(folder);
  std::string content = content_of(folder.file("records.db"));
  content[63] = 9;  // the version
  folder.write("records.db", content);
  const auto later = open_saved_records(folder.path(), kWritten);
  REQUIRE_FALSE(later.has_value());
  CHECK(later.error().find("version 9") != std::string::npos);
  CHECK(content_of(folder.file("records.db")) == content);
  const auto nowhere = open_saved_records(folder.file("no folder"), kWritten);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().find("no folder/records.db") != std::string::npos);
}

}  // namespace
}  // namespace trestle::test
