#include "trestle/dht/refresh_schedule.hpp"

#include <algorithm>
#include <map>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;

KeptRecord some_record(Rng& rng, Instant ends = kNever) {
  return {.place = test::random_id(rng), .version = 1, .ends = ends};
}

/// Chi-square of the offsets over `bins` equal parts of the spread.
double chi_square(const std::vector<Duration>& offsets, Duration spread, std::size_t bins) {
  std::vector<double> counts(bins);
  for (const Duration offset : offsets) {
    const auto bin = static_cast<std::size_t>(offset.count()) * bins /
                     (static_cast<std::size_t>(spread.count()) + 1);
    counts.at(bin) += 1;
  }
  const double expected = static_cast<double>(offsets.size()) / static_cast<double>(bins);
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("P-CR-25: refreshes are spread evenly over the window, after each refresh anew") {
  constexpr std::size_t kBins = 20;
  constexpr double kOnePercentOf19Degrees = 36.191;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    RefreshSchedule schedule({}, rng);
    std::vector<NodeId> places;
    for (int count = 0; count < 1000; ++count) {
      const KeptRecord record = some_record(rng);
      schedule.on_kept(at(0s), record);
      places.push_back(record.place);
    }
    for (const Duration start : {Duration(0s), Duration(90min)}) {
      if (start > 0s) {
        for (const NodeId& place : places) schedule.on_refreshed(at(start), place, kNever);
      }
      std::vector<Duration> offsets;
      for (const NodeId& place : places) {
        offsets.push_back(schedule.due_of(place) - at(start) - 1h);
        REQUIRE(offsets.back() >= 0s);
        REQUIRE(offsets.back() <= 5min);
      }
      CHECK(chi_square(offsets, 5min, kBins) < kOnePercentOf19Degrees);
    }
  }
}

TEST_CASE("P-ML-2: a record alone is due once in each interval, for days") {
  Rng rng(4);
  RefreshSchedule schedule({}, rng);
  const KeptRecord record = some_record(rng);
  Instant now = at(0s);
  schedule.on_kept(now, record);
  int refreshes = 0;
  while (now < at(72h)) {
    CHECK_FALSE(schedule.first_due(schedule.next_due() - 1us));
    const Instant due = schedule.next_due();
    CHECK(due - now >= 1h);
    CHECK(due - now <= 65min);
    now = due;
    CHECK(schedule.first_due(now) == record.place);
    schedule.on_refreshed(now, record.place, kNever);
    ++refreshes;
  }
  CHECK(refreshes >= 67);
  CHECK(refreshes <= 72);
}

TEST_CASE("Another one's refresh puts off our own by a whole interval") {
  Rng rng(5);
  RefreshSchedule schedule({}, rng);
  const KeptRecord record = some_record(rng, at(10h));
  schedule.on_kept(at(0s), record);
  CHECK(schedule.on_refreshed(at(59min), record.place, at(12h)));
  CHECK(schedule.next_due() >= at(119min));
  CHECK(schedule.find(record.place)->ends == at(12h));
  CHECK(schedule.on_refreshed(at(60min), record.place, at(11h)));
  CHECK(schedule.find(record.place)->ends == at(12h));
  CHECK_FALSE(schedule.on_refreshed(at(60min), NodeId{1, 2, 3}, at(11h)));
}

TEST_CASE("STORE-04: one node's word holds for two intervals in a row, then we see for ourselves") {
  Rng rng(12);
  const NodeId liar = test::random_id(rng);
  const NodeId honest = test::random_id(rng);
  for (const Duration pause : {Duration(1min), Duration(20min), Duration(59min)}) {
    CAPTURE(pause.count());
    RefreshSchedule schedule({}, rng);
    const KeptRecord record = some_record(rng);
    schedule.on_kept(at(0s), record);
    Instant ours = at(0s);
    Instant now = at(0s);
    int refreshes = 0;
    while (now < at(48h)) {
      now = std::min(now + pause, schedule.next_due());
      if (now == schedule.next_due()) {
        CHECK(now - ours <= 3 * 65min);
        ours = now;
        ++refreshes;
        REQUIRE(schedule.on_refreshed(now, record.place, kNever));
      } else {
        CHECK(schedule.on_word(now, record.place, kNever, liar) != Word::unknown_record);
      }
    }
    CHECK(refreshes >= 14);
    // Somebody else's word counts, and after it the first one's again. Of a long silence not more
    // than an interval is held against who breaks it.
    CHECK(schedule.on_word(ours + 60min, record.place, kNever, liar) == Word::believed);
    CHECK(schedule.on_word(ours + 120min, record.place, kNever, liar) == Word::believed);
    CHECK(schedule.on_word(ours + 131min, record.place, kNever, liar) == Word::doubted);
    CHECK(schedule.on_word(ours + 300min, record.place, kNever, honest) == Word::believed);
    CHECK(schedule.on_word(ours + 301min, record.place, kNever, liar) == Word::believed);
    CHECK(schedule.on_word(ours + 301min, test::random_id(rng), kNever, liar) ==
          Word::unknown_record);
  }
}

TEST_CASE(
    "STORE-04: a few that take turns hold for two intervals each, twenty for thirty and more") {
  struct Case {
    int tellers;
    Duration least;
    Duration most;
  };
  for (const auto& [tellers, least, most] :
       {Case{2, 3h, 4 * 65min}, Case{3, 4h, 6 * 65min}, Case{20, 24h, 42h}}) {
    CAPTURE(tellers);
    Rng rng(14);
    std::vector<NodeId> ids;
    for (int count = 0; count < tellers; ++count) ids.push_back(test::random_id(rng));
    RefreshSchedule schedule({}, rng);
    const KeptRecord record = some_record(rng, at(100h));
    schedule.on_kept(at(0s), record);
    Instant now = at(0s);
    std::size_t turn = 0;
    do {
      now += 60min;
      REQUIRE(now < at(60h));
    } while (schedule.on_word(now, record.place, at(101h), ids[turn++ % ids.size()]) ==
             Word::believed);
    CHECK(now - at(0s) >= least);
    CHECK(now - at(0s) <= most + 60min);
  }
}

TEST_CASE("STORE-04: whoever says so, after forty intervals we see for ourselves") {
  Rng rng(13);
  RefreshSchedule schedule({}, rng);
  const KeptRecord record = some_record(rng, at(100h));
  schedule.on_kept(at(0s), record);
  Instant now = at(0s);
  while (schedule.on_word(now, record.place, at(101h), test::random_id(rng)) == Word::believed) {
    now += 50min;
    REQUIRE(now < at(60h));
  }
  CHECK(now > at(39h));
  CHECK(schedule.next_due() <= now + 65min);
  CHECK(schedule.find(record.place)->ends == at(101h));
}

TEST_CASE("Neighbours in the key space go along when their window is open, others do not") {
  Rng rng(6);
  RefreshSchedule schedule({}, rng);
  const NodeId centre = test::random_id(rng);
  const auto keep = [&](const NodeId& place, Duration when) {
    schedule.on_kept(at(when), {.place = place, .version = 1, .ends = kNever});
    return place;
  };
  keep(centre, 0s);
  const NodeId near = keep(test::random_id_at(rng, centre, 12), 0s);
  const NodeId young = keep(test::random_id_at(rng, centre, 12), 30min);
  const NodeId far = keep(test::random_id_at(rng, centre, 2), 0s);
  const auto taken = schedule.take(at(65min), region_around(centre, 10), centre, 100);
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].place == std::max(centre, near));
  CHECK(schedule.is_suspended(centre));
  CHECK(schedule.is_suspended(near));
  CHECK_FALSE(schedule.is_suspended(young));
  CHECK(schedule.first_due(at(65min)) == far);
  CHECK(schedule.take(at(65min), region_around(centre, 10), far.bit(0) ? centre : near, 0).empty());
  // Nothing is refreshed twice, and nothing is lost.
  schedule.on_failed(at(65min), near);
  CHECK(schedule.due_of(near) >= at(66min));
  CHECK(schedule.due_of(near) <= at(70min));
  schedule.on_refreshed(at(65min), centre, kNever);
  CHECK_FALSE(schedule.is_suspended(centre));
}

TEST_CASE("More than fit are taken in parts, the one that is due among the first") {
  Rng rng(7);
  RefreshSchedule schedule({}, rng);
  for (int count = 0; count < 500; ++count) schedule.on_kept(at(0s), some_record(rng));
  std::size_t taken = 0;
  while (const auto due = schedule.first_due(at(2h))) {
    const auto part = schedule.take(at(2h), {}, *due, 64);
    REQUIRE(part.size() <= 64);
    REQUIRE(part.front().place == *due);
    taken += part.size();
  }
  CHECK(taken == 500);
  CHECK(schedule.next_due() == kNever);
}

TEST_CASE("What has ended is forgotten, due or not, and takes no room") {
  Rng rng(8);
  RefreshSchedule schedule({}, rng);
  for (int count = 0; count < 100; ++count) {
    schedule.on_kept(at(0s), some_record(rng, at(std::chrono::minutes(count + 1))));
  }
  CHECK(schedule.next_end() == at(1min));
  schedule.drop_ended(at(40min));
  CHECK(schedule.size() == 60);
  schedule.drop_ended(at(100min));
  CHECK(schedule.size() == 0);
  CHECK(schedule.next_due() == kNever);
  CHECK(schedule.next_end() == kNever);
}

TEST_CASE("A thousand nodes that start together sweep the key space once in an interval") {
  // Twenty holders for each of 2,000 records, all restored in the same second. What counts is when
  // the first holder of each comes.
  Rng rng(9);
  std::vector<NodeId> places;
  for (int count = 0; count < 2000; ++count) places.push_back(test::random_id(rng));
  std::map<NodeId, Instant> first;
  for (std::uint64_t holder = 0; holder < 20; ++holder) {
    RefreshSchedule schedule({}, rng.fork("holder", holder));
    for (const NodeId& place : places) {
      schedule.on_restored(at(0s), {.place = place, .version = 1, .ends = kNever});
      const auto [known, fresh] = first.emplace(place, schedule.due_of(place));
      known->second = std::min(known->second, schedule.due_of(place));
    }
  }
  std::vector<int> per_minute(66);
  for (const auto& [place, due] : first) {
    ++per_minute.at(static_cast<std::size_t>((due - at(0s)) / 1min));
  }
  // 2,000 an hour are 33 a minute.
  CHECK(*std::max_element(per_minute.begin(), per_minute.end()) <= 66);
  CHECK(per_minute[0] <= 66);
}

TEST_CASE("Hurrying brings a refresh forward, never back, and leaves what is under way") {
  Rng rng(10);
  RefreshSchedule schedule({}, rng);
  const KeptRecord record = some_record(rng);
  schedule.on_kept(at(0s), record);
  schedule.hurry(at(10min), record.place, 30s);
  const Instant due = schedule.next_due();
  CHECK(due <= at(10min + 30s));
  schedule.hurry(at(10min), record.place, 10h);
  CHECK(schedule.next_due() <= due);
  CHECK(schedule.take(due, {}, record.place, 1).size() == 1);
  schedule.hurry(due, record.place, 0s);
  CHECK(schedule.next_due() == kNever);
}

TEST_CASE("The schedule agrees with a plain list over random actions") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    RefreshSchedule schedule({}, rng);
    struct Model {
      Instant ends;
      Instant from;  ///< Not due before.
      Instant to;    ///< Due by then.
      bool suspended;
    };
    std::map<NodeId, Model> model;
    std::vector<NodeId> places;
    for (int count = 0; count < 40; ++count) places.push_back(test::random_id(rng));
    Instant now = at(1s);
    for (int step = 0; step < 1500; ++step) {
      now += std::chrono::seconds(rng.below(180));
      schedule.drop_ended(now);
      std::erase_if(model, [&](const auto& entry) { return entry.second.ends <= now; });
      const NodeId place = places[rng.below(places.size())];
      const Instant ends = now + std::chrono::minutes(1 + rng.below(300));
      const Model window{ends, now + 1h, now + 65min, false};
      const auto known = model.find(place);
      switch (rng.below(5)) {
        case 0:
          schedule.on_kept(now, {.place = place, .version = 1, .ends = ends});
          model[place] = window;
          break;
        case 1:
          REQUIRE(schedule.on_refreshed(now, place, ends) == (known != model.end()));
          if (known == model.end()) break;
          known->second = {std::max(ends, known->second.ends), window.from, window.to, false};
          break;
        case 2:
          schedule.on_failed(now, place);
          if (known != model.end()) {
            known->second = {known->second.ends, now + 1min, now + 5min, false};
          }
          break;
        default:
          if (const auto due = schedule.first_due(now)) {
            REQUIRE(model.contains(*due));
            REQUIRE_FALSE(model.at(*due).suspended);
            for (const KeptRecord& taken : schedule.take(now, {}, *due, 3)) {
              REQUIRE_FALSE(model.at(taken.place).suspended);
              REQUIRE(model.at(taken.place).from <= now);
              model.at(taken.place).suspended = true;
            }
          }
      }
      REQUIRE(schedule.size() == model.size());
      for (const auto& [at_place, entry] : model) {
        REQUIRE(schedule.find(at_place) != nullptr);
        REQUIRE(schedule.find(at_place)->ends == entry.ends);
        REQUIRE(schedule.is_suspended(at_place) == entry.suspended);
        if (entry.suspended) continue;
        REQUIRE(schedule.due_of(at_place) >= entry.from);
        REQUIRE(schedule.due_of(at_place) <= entry.to);
      }
    }
  }
}

}  // namespace trestle::dht
