// The record database on a disk that refuses, lies or forgets.

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "crash_states.hpp"
#include "file_layer.hpp"
#include "stored_records.hpp"
#include "trestle/host/record_database.hpp"

namespace trestle::test {
namespace {

using host::DatabaseFault;
using host::DatedChange;
using host::RecordDatabase;
using host::RecordDatabaseOptions;
using host::Written;

constexpr const char* kPath = "records.db";

RecordDatabaseOptions on(const FileLayer& layer) {
  RecordDatabaseOptions options;
  options.file_layer = layer.name();
  options.log_pages_max = 8;
  return options;
}

/// Everything a program does in its life: some groups, of which the larger ones fold the log in.
std::vector<std::vector<DatedChange>> life() {
  std::vector<std::vector<DatedChange>> groups;
  for (std::uint64_t number = 1; number <= 6; ++number) {
    groups.push_back({write(stored("count", std::to_string(number), number)),
                      write(stored("key " + std::to_string(number), std::string(7'000, 'v'), 1)),
                      prolong("key 1", 100'000 + number), erase("key 2")});
  }
  return groups;
}

/// What may be found afterwards: what was acknowledged, and after a final failure that group too.
struct Promise {
  Model kept;
  std::optional<Model> perhaps;
  bool holds(const Model& found) const { return found == kept || (perhaps && found == *perhaps); }
};

struct Outcome {
  Promise promise;
  bool has_failed = false;
  std::size_t refused = 0;
};

/// Lives on the layer whose faults are set; nothing if the database could not even be opened.
std::optional<Outcome> live(FileLayer& layer) {
  auto database = RecordDatabase::open(kPath, on(layer));
  if (!database) {
    if (database.error().text.empty()) FAIL("an error without a sentence");
    return std::nullopt;
  }
  Outcome outcome;
  for (const auto& group : life()) {
    Model next = outcome.promise.kept;
    for (const DatedChange& dated : group) change(next, dated);
    const Written written = database->apply(group);
    if (outcome.has_failed && written != Written::failed) FAIL("a failed disk is believed again");
    if (written == Written::synced) {
      outcome.promise.kept = std::move(next);
      continue;
    }
    ++outcome.refused;
    if (database->complaint().empty()) FAIL("a refusal without a sentence");
    if (written == Written::failed && !outcome.has_failed) outcome.promise.perhaps = next;
    outcome.has_failed = outcome.has_failed || written == Written::failed;
  }
  return outcome;
}

Model found_in(const FileImage& image) {
  FileLayer layer(image);
  auto database = RecordDatabase::open(kPath, on(layer));
  if (!database) FAIL(database.error().text);
  auto read = database->read_back(kWritten);
  if (!read) FAIL(read.error().text);
  if (!read->damage.empty()) FAIL(read->damage);
  return model_of(read->records);
}

/// After the worst loss of power: nothing but what was synced, syncs that failed not counted.
FileImage worst_image(const FileLayer& layer) {
  CrashOptions none;
  none.whole_max = 0;
  none.random_subsets = 0;
  CrashStates crash({}, none, Rng(1));
  std::size_t next = 0;
  for (std::size_t step = 0; step < layer.steps.size(); ++step) {
    for (; next < layer.given_up.size() && layer.given_up[next].first <= step; ++next) {
      crash.give_up(layer.given_up[next].second);
    }
    crash.add(layer.steps[step]);
  }
  for (; next < layer.given_up.size(); ++next) crash.give_up(layer.given_up[next].second);
  return crash.certain();
}

TEST_CASE("whatever step of the disk fails: a code, no lie, and what was stored is read again") {
  std::size_t places = 0;
  std::size_t refusals = 0;
  for (const FileFault fault :
       {FileFault::io_error, FileFault::full, FileFault::short_write, FileFault::sync_error}) {
    for (const bool lasts : {false, true}) {
      for (std::size_t step = 0;; ++step) {
        FileLayer layer;
        layer.fail(step, fault, lasts);
        const auto outcome = live(layer);
        if (layer.steps_tried <= step) break;  // nothing was left to fail
        ++places;
        layer.heal();
        INFO("fault " << static_cast<int>(fault) << " at step " << step << ", lasting " << lasts);
        const Promise promise = outcome ? outcome->promise : Promise{};
        if (outcome) refusals += outcome->refused;
        if (!promise.holds(found_in(layer.image()))) FAIL("the next program finds something else");
        if (!promise.holds(found_in(worst_image(layer)))) FAIL("after a loss of power");
      }
    }
  }
  WARN(places << " places of failure, " << refusals << " refusals");
  CHECK(places > 300);
  CHECK(refusals > 300);
}

TEST_CASE("a full disk takes records again when there is space, a failed sync is final") {
  FileLayer layer;
  auto database = RecordDatabase::open(kPath, on(layer));
  REQUIRE(database.has_value());
  const auto put = [&](const std::string& key) {
    return database->apply(std::vector{write(stored(key, "value"))});
  };
  REQUIRE(put("a") == Written::synced);
  layer.fail(layer.steps_tried, FileFault::full, true);
  CHECK(put("b") == Written::full);
  CHECK(put("c") == Written::full);
  CHECK(database->complaint().find("full") != std::string::npos);
  layer.heal();
  CHECK(put("d") == Written::synced);
  CHECK(found_in(layer.image()).size() == 2);

  layer.fail(layer.steps_tried, FileFault::sync_error, true);
  CHECK(put("e") == Written::failed);
  layer.heal();
  CHECK(put("f") == Written::failed);
  CHECK(found_in(worst_image(layer)) ==
        Model{{"a", stored("a", "value")}, {"d", stored("d", "value")}});
}

/// A file of some pages with everything folded in.
FileImage small_database(Model& model) {
  FileLayer layer;
  auto database = RecordDatabase::open(kPath, on(layer));
  REQUIRE(database.has_value());
  std::vector<DatedChange> changes;
  for (int number = 0; number < 20; ++number) {
    changes.push_back(write(stored("key " + std::to_string(number), std::string(150, 'v'))));
  }
  changes.push_back(write(stored("large", std::string(5'000, 'x'))));
  changes.push_back(erase("key 7"));
  REQUIRE(database->apply(changes) == Written::synced);
  for (const DatedChange& dated : changes) change(model, dated);
  database = refuse(host::DatabaseError{});  // closes it
  return layer.image();
}

TEST_CASE("a bit that turned anywhere in the file is noticed, or has changed nothing") {
  Model model;
  const FileImage image = small_database(model);
  REQUIRE(image.size() == 1);
  const std::size_t size = image.at(kPath).size();
  std::size_t noticed = 0;
  std::size_t harmless = 0;
  for (std::size_t place = 0; place < size; ++place) {
    FileImage turned = image;
    turned[kPath][place] ^= static_cast<std::uint8_t>(1U << place % 8);
    FileLayer layer(turned);
    auto database = RecordDatabase::open(kPath, on(layer));
    if (!database) {
      ++noticed;
      if (database.error().fault == DatabaseFault::failed) FAIL("taken for a refusal: " << place);
      continue;
    }
    const auto read = database->read_back(kWritten);
    if (!read) FAIL("byte " << place << ": " << read.error().text);
    for (const dht::StoredRecord& record : read->records) {
      const auto kept = model.find(record.record.key);
      if (kept == model.end() || kept->second != record) FAIL("byte " << place << ": believed");
    }
    if (!read->damage.empty()) {
      ++noticed;
    } else if (model_of(read->records) == model) {
      ++harmless;
    } else {
      FAIL("byte " << place << ": a record is gone and nobody says so");
    }
  }
  WARN(size << " bytes: " << noticed << " noticed, " << harmless << " harmless");
  // The rest is free space: pages are half full, and what was erased is not wiped.
  CHECK(noticed > size / 3);
}

TEST_CASE("a bit that turned in the log takes the last transactions with it, in one piece") {
  FileLayer layer;
  RecordDatabaseOptions options = on(layer);
  options.log_pages_max = 1'000;
  auto database = RecordDatabase::open(kPath, options);
  REQUIRE(database.has_value());
  std::vector<Model> models(1);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    const std::vector<DatedChange> group{write(stored("key", std::to_string(number), number)),
                                         write(stored(std::to_string(number), "also"))};
    REQUIRE(database->apply(group) == Written::synced);
    models.push_back(models.back());
    for (const DatedChange& dated : group) change(models.back(), dated);
  }
  const FileImage image = layer.image();
  const std::string log = std::string(kPath) + "-wal";
  REQUIRE(image.contains(log));
  for (std::size_t place = 0; place < image.at(log).size(); ++place) {
    FileImage turned = image;
    turned[log][place] ^= static_cast<std::uint8_t>(1U << place % 8);
    const Model found = found_in(turned);
    if (std::find(models.begin(), models.end(), found) == models.end()) FAIL("byte " << place);
  }
}

}  // namespace
}  // namespace trestle::test
