// A member on real sockets, its polite users, and a hundred members that send it records with wrong
// signatures: first the users alone, then all, then the users alone again.
//   forgery_program [--addresses own|loopback] [--returning new|same] [--calm-ms N] [--attack-ms N]
// `own`: each user and forger has an address in a network of its own, 11.0.N.1; run in a network
// namespace that has those up to 11.0.120.1. `loopback`: all come from an address that says nothing
// about them. Prints one JSON line.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <thread>

#include "driver.hpp"
#include "forger_side.hpp"
#include "service_network.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "user_side.hpp"

namespace {

using namespace trestle;

constexpr std::size_t kUsers = 20;
constexpr std::size_t kForgers = 100;
constexpr int kPort = 7000;
constexpr Duration kTick = std::chrono::milliseconds(2);

/// A side on a loop and a thread of its own, which is told every few milliseconds that time passes.
template <typename Side>
class Running {
 public:
  template <typename Make>
  explicit Running(Make&& make)
      : driver_(wire::Role::node, flags_),
        side_(make(driver_.suite())),
        tick_(driver_.loop().loop(), [this] { tick(); }) {
    driver_.attach(*side_);
    tick_.start(kTick);
    thread_ = std::thread([this] { driver_.run(); });
  }

  const Side& operator*() const { return *side_; }
  /// Runs this on the side's own thread, soon.
  void tell(std::function<void(Side&)> order) {
    const std::lock_guard lock(mutex_);
    order_ = std::move(order);
  }

 private:
  void tick() {
    std::function<void(Side&)> order;
    {
      const std::lock_guard lock(mutex_);
      order = std::exchange(order_, nullptr);
    }
    if (order) order(*side_);
    side_->tick(host::steady_now());
    tick_.start(kTick);
  }

  const bench::Flags flags_{0, nullptr};
  bench::Driver driver_;
  std::unique_ptr<Side> side_;
  host::Timer tick_;
  std::mutex mutex_;
  std::function<void(Side&)> order_;
  std::thread thread_;
};

/// Processor seconds of the thread that runs this service.
double cpu_seconds(host::Service& service) {
  std::promise<double> told;
  service.post([&told] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    told.set_value(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9);
  });
  return told.get_future().get();
}

std::uint64_t counter(host::Service& service, std::string_view wanted) {
  for (const auto& [name, value] : service.status().get().counters) {
    if (name == wanted) return value;
  }
  bench::die("no figure " + std::string(wanted));
}

/// What users were answered in a stretch of time, and what it cost their member.
struct Stretch {
  double answers_a_second = 0;
  double cpu_share = 0;
};

class Scene {
 public:
  explicit Scene(const bench::Flags& flags)
      : has_own_addresses_(flags.text("addresses", "own") == "own"),
        member_(bench::created(host::Service::create(
            service_options(), host::make<node::DhtNode>(node::NodeOptions{})))),
        users_([&](crypto::Suite& suite) {
          bench::UserSideOptions options;
          options.urls = urls(0, kUsers);
          return std::make_unique<bench::UserSide>(options, suite, Rng(1));
        }),
        forgers_([&](crypto::Suite& suite) {
          bench::ForgerSideOptions options;
          options.urls = urls(kUsers, kForgers);
          if (flags.text("returning") == "same") options.returning = bench::Returning::as_before;
          return std::make_unique<bench::ForgerSide>(options, suite, Rng(2));
        }) {
    while (!(*users_).is_busy()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  Stretch users_for(std::chrono::milliseconds time) {
    const std::uint64_t answers = (*users_).answered();
    const double cpu = cpu_seconds(*member_);
    const auto begun = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(time);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    return {static_cast<double>((*users_).answered() - answers) / took.count(),
            (cpu_seconds(*member_) - cpu) / took.count()};
  }

  void begin_attack() {
    forgers_.tell([](bench::ForgerSide& side) { side.begin(); });
  }
  bench::ForgerSide::Figures end_attack() {
    std::promise<bench::ForgerSide::Figures> told;
    forgers_.tell([&told](bench::ForgerSide& side) {
      side.end(host::steady_now());
      told.set_value(side.figures());
    });
    return told.get_future().get();
  }
  std::uint64_t failed() const { return (*users_).failed(); }
  host::Service& member() { return *member_; }

 private:
  host::ServiceOptions service_options() const {
    host::ServiceOptions options;
    options.listen = {has_own_addresses_ ? "0.0.0.0" : "127.0.0.1", kPort};
    options.advertise = urls(0, 1)[0];
    return options;
  }
  /// So many ways to the member. Who dials an address of this machine comes from that address.
  std::vector<std::string> urls(std::size_t first, std::size_t count) const {
    std::vector<std::string> urls;
    for (std::size_t index = first; index < first + count; ++index) {
      const std::string own = "11.0." + std::to_string(index + 1) + ".1";
      urls.push_back("ws://" + (has_own_addresses_ ? own : "127.0.0.1") + ":" +
                     std::to_string(kPort));
    }
    return urls;
  }

  bool has_own_addresses_;
  bench::RunningService member_;
  Running<bench::UserSide> users_;
  Running<bench::ForgerSide> forgers_;
};

double quantile(std::vector<double> samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const std::chrono::milliseconds calm(flags.number("calm-ms", 4000));
  const std::chrono::milliseconds attack(flags.number("attack-ms", 8000));
  Scene scene(flags);
  scene.users_for(std::chrono::seconds(1));

  const Stretch before = scene.users_for(calm);
  const std::uint64_t failed_before = scene.failed();
  scene.begin_attack();
  const Stretch during = scene.users_for(attack);
  const std::uint64_t failed = scene.failed() - failed_before;
  const bench::ForgerSide::Figures forgers = scene.end_attack();
  scene.users_for(std::chrono::milliseconds(500));
  const Stretch after = scene.users_for(calm);

  const auto told = [&](const char* name) {
    return static_cast<unsigned long long>(counter(scene.member(), name));
  };
  std::printf(
      "{\"answers_before\": %.0f, \"answers_during\": %.0f, \"answers_after\": %.0f, "
      "\"failed\": %llu, \"cpu_before\": %.3f, \"cpu_during\": %.3f, \"sent\": %llu, "
      "\"dials\": %llu, \"links\": %llu, \"cut\": %zu, \"cut_p50_ms\": %.2f, \"cut_p99_ms\": %.2f, "
      "\"cut_max_ms\": %.2f, \"forged\": %llu, \"unheard\": %llu, \"limited\": %llu, "
      "\"seconds\": %.1f}\n",
      before.answers_a_second, during.answers_a_second, after.answers_a_second,
      static_cast<unsigned long long>(failed), before.cpu_share, during.cpu_share,
      static_cast<unsigned long long>(forgers.sent), static_cast<unsigned long long>(forgers.dials),
      static_cast<unsigned long long>(forgers.links), forgers.cut_after_ms.size(),
      quantile(forgers.cut_after_ms, 0.5), quantile(forgers.cut_after_ms, 0.99),
      quantile(forgers.cut_after_ms, 1), told("verify.forged_total"), told("verify.unheard_total"),
      told("verify.limited_total"), static_cast<double>(attack.count()) / 1e3);
  std::fflush(nullptr);
  std::_Exit(0);
}
