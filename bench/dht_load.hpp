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
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace trestle::bench {

/// `nodes` nodes hold `values` values of `bytes` bytes; `in_flight` gets are under way at any time,
/// each of a random value from a random node, until `seconds` are over.
struct DhtLoad {
  std::size_t nodes = 64;
  std::size_t values = 200;
  std::size_t bytes = 100;
  std::size_t in_flight = 16;
  double warm_up_seconds = 3;
  double seconds = 5;
};

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

/// Runs the load: `begin_get(ticket, node, value)` begins one, whose end is told to `ends`. Prints
/// the one line of JSON that the measure reads.
template <typename BeginGet>
int run_dht_load(const DhtLoad& load, DhtEnds& ends, BeginGet&& begin_get) {
  using Clock = std::chrono::steady_clock;
  std::mt19937_64 random(7);
  struct Slot {
    std::size_t ticket = 0;
    Clock::time_point begun;
  };
  std::vector<Slot> slots(load.in_flight);
  std::size_t tickets = 0;
  std::vector<double> milliseconds;
  std::size_t found = 0;
  std::size_t missed = 0;
  bool is_warm = false;
  // A ticket's remainder says whose it is, so that a late end is known for one.
  const auto begin = [&](std::size_t slot) {
    slots[slot] = {++tickets * load.in_flight + slot, Clock::now()};
    const std::size_t node = random() % load.nodes;
    begin_get(slots[slot].ticket, node, random() % load.values);
  };
  const auto end = [&](std::size_t slot, Clock::time_point now, bool was_found) {
    if (is_warm) {
      ++(was_found ? found : missed);
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(now - slots[slot].begun).count());
    }
    begin(slot);
  };
  const auto warm = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(load.warm_up_seconds));
  const auto until = warm + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(load.seconds));
  double cpu_before = 0;
  for (std::size_t slot = 0; slot < load.in_flight; ++slot) begin(slot);
  while (Clock::now() < until) {
    const auto ended = ends.take();
    const auto now = Clock::now();
    if (!is_warm && now >= warm) {
      is_warm = true;
      cpu_before = cpu_seconds_so_far();
    }
    for (const DhtEnds::End& one : ended) {
      const std::size_t slot = one.ticket % load.in_flight;
      if (slots[slot].ticket == one.ticket) end(slot, now, one.found);
    }
    for (std::size_t slot = 0; slot < load.in_flight; ++slot) {
      if (now - slots[slot].begun > kGetPatience) end(slot, now, false);
    }
  }
  if (milliseconds.empty()) {
    std::fprintf(stderr, "no operation has ended\n");
    return 1;
  }
  const double cpu = cpu_seconds_so_far() - cpu_before;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto quantile = [&](double share) {
    const auto rank =
        static_cast<std::size_t>(share * static_cast<double>(milliseconds.size() - 1));
    return milliseconds[rank];
  };
  const auto gets = static_cast<double>(found + missed);
  std::printf(
      "{\"gets_a_second\": %.0f, \"missed\": %zu, \"gets\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": "
      "%.3f, \"cpu_seconds_per_10000\": %.3f}\n",
      gets / load.seconds, missed, gets, quantile(0.5), quantile(0.99), cpu / gets * 10000);
  std::fflush(stdout);
  return 0;
}

inline std::string value_text(const DhtLoad& load, std::size_t value) {
  std::string text = "value " + std::to_string(value) + " ";
  text.resize(load.bytes, 'v');
  return text;
}

}  // namespace trestle::bench
