#pragma once

// What the programs that measure a DHT have in common, ours and the others': which operation comes
// next, how many are under way, and what is said of them in the end. Nothing of ours is used in
// here, since the programs of the others include it as well.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace trestle::bench {

/// `nodes` nodes hold `values` values of `bytes` bytes; `in_flight` gets are under way at any time,
/// each of a random value from a random one of the first `askers` nodes, until `seconds` are over.
struct DhtLoad {
  std::size_t nodes = 64;
  std::size_t askers = 64;
  std::size_t values = 200;
  std::size_t bytes = 100;
  std::size_t in_flight = 16;
  double warm_up_seconds = 3;
  double seconds = 5;
};

/// The load under which half of the nodes die, those that do not ask: four gets at a time, so that
/// one which waits for the dead does not keep the others from being seen.
inline DhtLoad crash_load() {
  DhtLoad load;
  load.askers = load.nodes / 2;
  load.in_flight = 4;
  load.seconds = 8;
  return load;
}

inline double cpu_seconds_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Ends of operations, told by any thread, taken by one.
class DhtEnds {
 public:
  struct End {
    std::size_t ticket = 0;
    bool found = false;
  };

  void tell(std::size_t ticket, bool found) {
    const std::lock_guard lock(mutex_);
    ends_.push_back({ticket, found});
    told_.notify_one();
  }
  /// Waits for one, but not long.
  std::vector<End> take() {
    std::unique_lock lock(mutex_);
    told_.wait_for(lock, std::chrono::milliseconds(100), [&] { return !ends_.empty(); });
    return std::exchange(ends_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<End> ends_;
};

/// A get of which nothing is heard for this long counts as missed: libtorrent ends a few never.
inline constexpr std::chrono::seconds kGetPatience{3};

/// Keeps as many gets under way as the load says: `begin_get(ticket, node, value)` begins one,
/// whose end is told to `ends`.
class DhtAsking {
 public:
  using Clock = std::chrono::steady_clock;
  using BeginGet = std::function<void(std::size_t ticket, std::size_t node, std::size_t value)>;
  struct Get {
    Clock::time_point begun;
    double milliseconds = 0;
    bool found = false;
  };

  DhtAsking(const DhtLoad& load, DhtEnds& ends, BeginGet begin_get)
      : load_(load), ends_(ends), begin_get_(std::move(begin_get)), slots_(load.in_flight) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) begin(slot);
  }

  /// Everything that ended within so many seconds.
  std::vector<Get> ask_for(double seconds) {
    std::vector<Get> gets;
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(seconds));
    while (Clock::now() < until) {
      const auto ended = ends_.take();
      const auto now = Clock::now();
      for (const DhtEnds::End& one : ended) {
        const std::size_t slot = one.ticket % slots_.size();
        if (slots_[slot].ticket == one.ticket) gets.push_back(end(slot, now, one.found));
      }
      for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        if (now - slots_[slot].begun > kGetPatience) gets.push_back(end(slot, now, false));
      }
    }
    return gets;
  }

 private:
  struct Slot {
    std::size_t ticket = 0;
    Clock::time_point begun;
  };

  /// A ticket's remainder says whose it is, so that a late end is known for one.
  void begin(std::size_t slot) {
    slots_[slot] = {++tickets_ * slots_.size() + slot, Clock::now()};
    const std::size_t node = random_() % load_.askers;
    begin_get_(slots_[slot].ticket, node, random_() % load_.values);
  }
  Get end(std::size_t slot, Clock::time_point now, bool found) {
    const Clock::time_point begun = slots_[slot].begun;
    begin(slot);
    return {begun, std::chrono::duration<double, std::milli>(now - begun).count(), found};
  }

  const DhtLoad& load_;
  DhtEnds& ends_;
  BeginGet begin_get_;
  std::vector<Slot> slots_;
  std::size_t tickets_ = 0;
  std::mt19937_64 random_{7};
};

/// What was asked, as a whole.
struct DhtGets {
  std::size_t count = 0;
  std::size_t missed = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

inline DhtGets summary(const std::vector<DhtAsking::Get>& gets) {
  std::vector<double> took;
  DhtGets made;
  for (const DhtAsking::Get& get : gets) {
    took.push_back(get.milliseconds);
    if (!get.found) ++made.missed;
  }
  made.count = took.size();
  if (took.empty()) return made;
  std::sort(took.begin(), took.end());
  const auto quantile = [&](double share) {
    return took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))];
  };
  made.p50_ms = quantile(0.5);
  made.p99_ms = quantile(0.99);
  return made;
}

/// Runs the load and prints the one line of JSON that the measure reads.
inline int run_dht_load(const DhtLoad& load, DhtEnds& ends, DhtAsking::BeginGet begin_get) {
  DhtAsking asking(load, ends, std::move(begin_get));
  asking.ask_for(load.warm_up_seconds);
  const double cpu_before = cpu_seconds_so_far();
  const DhtGets gets = summary(asking.ask_for(load.seconds));
  const double cpu = cpu_seconds_so_far() - cpu_before;
  if (gets.count == 0) {
    std::fprintf(stderr, "no operation has ended\n");
    return 1;
  }
  const auto count = static_cast<double>(gets.count);
  std::printf(
      "{\"gets_a_second\": %.0f, \"missed\": %zu, \"gets\": %zu, \"p50_ms\": %.3f, \"p99_ms\": "
      "%.3f, \"cpu_seconds_per_10000\": %.3f}\n",
      count / load.seconds, gets.missed, gets.count, gets.p50_ms, gets.p99_ms, cpu / count * 10000);
  std::fflush(stdout);
  return 0;
}

/// The same, and `kill_half` kills all nodes that do not ask, after the warm-up. Told apart are the
/// gets that were under way in the first second after it, and those begun when three were over.
template <typename KillHalf>
int run_dht_crash(const DhtLoad& load, DhtEnds& ends, DhtAsking::BeginGet begin_get,
                  KillHalf&& kill_half) {
  DhtAsking asking(load, ends, std::move(begin_get));
  const DhtGets before = summary(asking.ask_for(load.warm_up_seconds));
  const auto killed_at = DhtAsking::Clock::now();
  kill_half();
  std::vector<DhtAsking::Get> at_once;
  std::vector<DhtAsking::Get> afterwards;
  std::size_t missed = 0;
  const auto gets = asking.ask_for(load.seconds);
  for (const DhtAsking::Get& get : gets) {
    if (!get.found) ++missed;
    if (get.begun < killed_at + std::chrono::seconds(1)) at_once.push_back(get);
    if (get.begun >= killed_at + std::chrono::seconds(3)) afterwards.push_back(get);
  }
  if (at_once.empty() || afterwards.empty()) {
    std::fprintf(stderr, "no operation has ended\n");
    return 1;
  }
  std::printf(
      "{\"gets\": %zu, \"missed\": %zu, \"missed_before\": %zu, \"p99_ms_before\": %.3f, "
      "\"p99_ms_at_once\": %.3f, \"p99_ms_afterwards\": %.3f}\n",
      gets.size(), missed, before.missed, before.p99_ms, summary(at_once).p99_ms,
      summary(afterwards).p99_ms);
  std::fflush(stdout);
  return 0;
}

inline std::string value_text(const DhtLoad& load, std::size_t value) {
  std::string text = "value " + std::to_string(value) + " ";
  text.resize(load.bytes, 'v');
  return text;
}

/// Whether a program is to measure a crash: its only argument is `crash`.
inline bool is_crash_wanted(int argc, char** argv) {
  return argc == 2 && std::strcmp(argv[1], "crash") == 0;
}

}  // namespace trestle::bench
