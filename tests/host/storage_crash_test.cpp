// The record database on a disk that loses power: every state it may be found in is opened.

#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catch.hpp"
#include "crash_states.hpp"
#include "file_layer.hpp"
#include "stored_records.hpp"
#include "trestle/host/record_database.hpp"

namespace trestle::test {
namespace {

using host::DatedChange;
using host::RecordDatabase;
using host::RecordDatabaseOptions;
using host::Written;

constexpr const char* kPath = "records.db";
using Groups = std::vector<std::vector<DatedChange>>;

bool is_long_run() { return std::getenv("TRESTLE_LONG") != nullptr; }

std::size_t hash_of(const FileImage& image) {
  std::size_t hash = 17;
  for (const auto& [path, content] : image) {
    for (const std::string_view part : {std::string_view(path), as_text(content)}) {
      hash = hash * 1'000'003 ^ std::hash<std::string_view>{}(part) ^ part.size();
    }
  }
  return hash;
}

RecordDatabaseOptions on(const FileLayer& layer, RecordDatabaseOptions options = {}) {
  options.file_layer = layer.name();
  return options;
}

Model recovered(FileLayer& layer) {
  auto database = RecordDatabase::open(kPath, on(layer));
  if (!database) FAIL(database.error().text);
  auto read = database->read_back(kWritten);
  if (!read) FAIL(read.error().text);
  if (!read->damage.empty()) FAIL(read->damage);
  if (read->expired > 0 || read->left_out > 0) FAIL("records were left out");
  return model_of(read->records);
}

/// Opens images, each different one once, and checks what holds for every one of them.
class Recovery {
 public:
  const Model& of(const FileImage& image) {
    ++states;
    const std::size_t hash = hash_of(image);
    const auto known = known_.find(hash);
    if (known != known_.end()) return known->second;
    FileLayer layer(image);
    const Model model = recovered(layer);
    if (is_long_run() || hash % 8 == 0) {
      FileLayer again(layer.image());
      if (recovered(again) != model) FAIL("a second recovery finds something else");
    }
    if (hash % (is_long_run() ? 16 : 128) == 0) crash_again(image, layer.steps, model);
    return known_.emplace(hash, model).first->second;
  }

  std::size_t states = 0;
  std::size_t different() const { return known_.size(); }
  std::size_t crashed_again = 0;

 private:
  void crash_again(const FileImage& image, const std::vector<FileStep>& steps, const Model& model) {
    CrashOptions few;
    few.whole_max = 4;
    few.random_subsets = 8;
    few.torn_bytes = 2'048;
    CrashStates crash(image, few, Rng(1));
    const auto check = [&](const FileImage& found) {
      ++crashed_again;
      FileLayer layer(found);
      if (recovered(layer) != model) FAIL("a recovery that was interrupted loses something");
    };
    for (const FileStep& step : steps) {
      crash.add(step);
      if (step.kind != FileStep::Kind::sync) crash.visit(check);
    }
  }

  std::unordered_map<std::size_t, Model> known_;
};

/// Runs the groups one after another, each acknowledged before the next begins, closes, and crashes
/// at every step of it.
void crash_everywhere(const Groups& groups, Recovery& recovery,
                      const CrashOptions& crash_options = {},
                      const RecordDatabaseOptions& options = {}) {
  FileLayer layer;
  std::vector<Model> models(1);
  std::vector<std::size_t> begun;
  std::vector<std::size_t> acknowledged;
  {
    auto database = RecordDatabase::open(kPath, on(layer, options));
    REQUIRE(database.has_value());
    for (const auto& group : groups) {
      begun.push_back(layer.steps.size());
      REQUIRE(database->apply(group) == Written::synced);
      acknowledged.push_back(layer.steps.size());
      models.push_back(models.back());
      for (const DatedChange& dated : group) change(models.back(), dated);
    }
  }
  CrashStates crash({}, crash_options, Rng(groups.size()));
  std::size_t least = 0;
  std::size_t most = 0;
  for (std::size_t step = 0; step <= layer.steps.size(); ++step) {
    while (most < begun.size() && begun[most] <= step) ++most;
    while (least < acknowledged.size() && acknowledged[least] <= step) ++least;
    crash.visit([&](const FileImage& image) {
      const Model& found = recovery.of(image);
      // Everything acknowledged, nothing in part, in order: the state after so many groups.
      for (std::size_t state = least; state <= most; ++state) {
        if (found == models[state]) return;
      }
      FAIL("crashed before step " << step << ": none of the states " << least << " to " << most
                                  << ", but " << found.size() << " records");
    });
    if (step < layer.steps.size()) crash.add(layer.steps[step]);
  }
}

/// The kinds of change, at one of two keys, each told from every other by a number.
DatedChange change_of(std::size_t kind, std::size_t number) {
  if (kind == 0) return write(stored("a", "value " + std::to_string(number), 10 + number));
  if (kind == 1) return prolong("a", 70'000 + number);
  return erase("a");
}

std::vector<DatedChange> both_keys() {
  return {write(stored("a", "first", 1)), write(stored("b", std::string(3'000, 'b'), 1))};
}

TEST_CASE("crash states of every workload of up to three changes, each acknowledged for itself") {
  Recovery recovery;
  // A workload of two changes is the beginning of one of three.
  const std::size_t length = is_long_run() ? 4 : 3;
  std::size_t workloads = 1;
  for (std::size_t step = 0; step < length; ++step) workloads *= 3;
  for (std::size_t workload = 0; workload < workloads; ++workload) {
    Groups groups{both_keys()};
    std::size_t kinds = workload;
    for (std::size_t step = 0; step < length; ++step) {
      groups.push_back({change_of(kinds % 3, step)});
      kinds /= 3;
    }
    crash_everywhere(groups, recovery);
  }
  WARN(recovery.states << " crash states, " << recovery.different() << " different, "
                       << recovery.crashed_again << " crashes during recovery");
  CHECK(recovery.states > 10'000);
  CHECK(recovery.crashed_again > 500);
}

TEST_CASE("crash states of every workload of three changes in one group") {
  Recovery recovery;
  for (std::size_t workload = 0; workload < 27; ++workload) {
    Groups groups{both_keys(), {}};
    std::size_t kinds = workload;
    for (std::size_t step = 0; step < 3; ++step) {
      groups.back().push_back(change_of(kinds % 3, step));
      kinds /= 3;
    }
    // Where a write is torn matters less here: nothing of the group may be seen either way.
    CrashOptions coarse;
    coarse.torn_bytes = is_long_run() ? 512 : 2'048;
    crash_everywhere(groups, recovery, coarse);
  }
  WARN(recovery.states << " crash states, " << recovery.different() << " different");
  CHECK(recovery.states > 4'000);
}

TEST_CASE("crash states of long workloads that fold the log in again and again") {
  Recovery recovery;
  RecordDatabaseOptions options;
  options.log_pages_max = 6;
  CrashOptions few;
  few.whole_max = 4;
  few.random_subsets = 12;
  few.torn_bytes = 1'536;
  const std::uint64_t seeds = is_long_run() ? 100 : 3;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Rng rng(seed);
    Groups groups;
    for (std::uint64_t number = 1; number <= 25; ++number) {
      std::vector<DatedChange> group;
      // Something different in each group, so that no two states are alike.
      group.push_back(write(stored("count", std::to_string(number), number)));
      const std::uint64_t more = rng.below(4);
      for (std::uint64_t index = 0; index < more; ++index) {
        const std::string key(1, static_cast<char>('a' + rng.below(5)));
        const std::uint64_t kind = rng.below(3);
        const std::size_t size = rng.below(9'000);
        if (kind == 0) group.push_back(write(stored(key, std::string(size, 'v'), number)));
        if (kind == 1) group.push_back(prolong(key, 1'000 + number));
        if (kind == 2) group.push_back(erase(key));
      }
      groups.push_back(std::move(group));
    }
    crash_everywhere(groups, recovery, few, options);
  }
  WARN(recovery.states << " crash states, " << recovery.different() << " different, "
                       << recovery.crashed_again << " crashes during recovery");
}

}  // namespace
}  // namespace trestle::test
