// Runs whole networks of the three real programs in virtual time. One seed decides everything: what
// fails here is printed with the command that has it again.
//
//   simulate --seed 7 --nodes 100 --minutes 10
//       one run: plan, figures, fingerprint
//
//   simulate --seed 7 --seeds 50 --weather adversary --mode liveness
//       seeds 7 to 56, one line each, stops at the first failure
//
//   simulate --seeds 50 --nodes 30 --probes
//       the same, and how often each rare branch was reached
//
//   simulate --fingerprints
//       one line per seed, to compare builds
//
//   simulate --seed 7 --faults script.txt --trace
//       a run with a given fault script, every happening printed
//
//   simulate --seed 7 --shrink
//       if the run fails: a smaller one that breaks the same rule, and the command that has it
//       again
//
//   simulate --nodes 1000 --minutes 360 --weather calm --churn 10 --strict --progress
//       six hours in which everything acknowledged must be readable at all times, a line an hour
//
//   simulate --pool --seed 7 --nodes 8 --bridges 3
//       bridge sets that are asked all the time, and real bridges, in any weather
//
//   simulate --seed 7 --nodes 30 --bytes
//       the bytes of the WebSocket codec between the nodes instead of frames

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include "trestle/sim/bridge_trial.hpp"
#include "trestle/sim/shrinker.hpp"
#include "trestle/sim/trial.hpp"

namespace {

using namespace trestle;

struct Arguments {
  sim::PlanRequest request;
  std::uint64_t seeds = 1;
  bool fingerprints = false;
  bool trace = false;
  bool probes = false;
  bool shrink = false;
  bool pool = false;
  bool progress = false;
};

constexpr std::uint64_t kFingerprintSeeds = 5;
/// Answers and withdrawals then often cross on their way.
constexpr std::uint32_t kWithdrawingPercent = 20;

int usage() {
  std::fputs(
      "usage: simulate [--seed N] [--seeds COUNT] [--nodes N] [--bridges N] [--minutes N]\n"
      "                [--weather calm|mobile|storm|datacentre-cut|adversary]\n"
      "                [--mode healing|safety|liveness] [--churn PERCENT_PER_HOUR]\n"
      "                [--byzantine PERCENT] [--loss PER_MILLION] [--plain-network] [--strict]\n"
      "                [--operations N] [--faults FILE] [--trace] [--probes] [--fingerprints]\n"
      "                [--shrink] [--progress] [--mixed] [--bytes]\n"
      "       simulate --pool [--seed N] [--seeds COUNT] [--nodes N] [--bridges N] [--minutes N]\n"
      "                [--weather ...] [--bytes]\n",
      stderr);
  return 2;
}

/// What an assertion in the core leaves behind before the process ends.
const sim::World* running_world = nullptr;

extern "C" void print_report_and_die(int) {
  std::signal(SIGABRT, SIG_DFL);
  if (running_world != nullptr) std::fputs(running_world->report().c_str(), stderr);
  std::abort();
}

class Printer : public sim::Observer {
 public:
  void observe(sim::World&, const sim::Happening& happening) override {
    std::puts(sim::TraceLine::of(happening).to_text().c_str());
  }
};

double processor_seconds_since(std::clock_t began) {
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

/// A line on standard error for each virtual hour of a long run.
class Progress : public sim::Observer {
 public:
  explicit Progress(const sim::Trial& trial) : trial_(trial), began_(std::clock()) {}

  void observe(sim::World& world, const sim::Happening&) override {
    if (world.now() < next_) return;
    const auto& records = trial_.acknowledged().stats();
    std::fprintf(stderr,
                 "hour %llu: %.0f s of processor time, %llu events, %llu reads, %llu missed\n",
                 static_cast<unsigned long long>(++hours_), processor_seconds_since(began_),
                 static_cast<unsigned long long>(world.stats().events),
                 static_cast<unsigned long long>(records.reads),
                 static_cast<unsigned long long>(records.misses));
    next_ += std::chrono::hours(1);
  }

 private:
  const sim::Trial& trial_;
  std::clock_t began_;
  std::uint64_t hours_ = 0;
  Instant next_{std::chrono::hours(1)};
};

// ---- arguments

template <typename Number>
bool read(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename Choice>
bool read_choice(std::optional<Choice> read, Choice& out) {
  if (read) out = *read;
  return read.has_value();
}

bool read_faults(const std::string& file, sim::PlanRequest& request) {
  std::ifstream in(file);
  if (!in) return false;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  request.faults = sim::fault_script_from_text(text);
  request.faults_file = file;
  return request.faults.has_value();
}

/// One option with its value; false if it is unknown or senseless.
bool take(Arguments& arguments, std::string_view option, std::string_view value) {
  sim::PlanRequest& request = arguments.request;
  if (option == "--seed") return read(value, request.seed);
  if (option == "--seeds") return read(value, arguments.seeds);
  if (option == "--nodes") return read(value, request.nodes);
  if (option == "--bridges") return read(value, request.bridges);
  if (option == "--minutes") return read(value, request.minutes);
  if (option == "--loss") return read(value, request.loss_per_million.emplace());
  if (option == "--churn") return read(value, request.churn_percent.emplace());
  if (option == "--byzantine") return read(value, request.byzantine_percent.emplace());
  if (option == "--operations") return read(value, request.operations_max);
  if (option == "--faults") return read_faults(std::string(value), request);
  if (option == "--mode") return read_choice(sim::mode_from_name(value), request.mode);
  if (option == "--weather") return read_choice(sim::weather_from_name(value), request.weather);
  return false;
}

bool take_switch(Arguments& arguments, std::string_view option) {
  if (option == "--fingerprints") {
    arguments.fingerprints = true;
    arguments.seeds = kFingerprintSeeds;
    return true;
  }
  bool* switched = option == "--trace"           ? &arguments.trace
                   : option == "--probes"        ? &arguments.probes
                   : option == "--shrink"        ? &arguments.shrink
                   : option == "--pool"          ? &arguments.pool
                   : option == "--strict"        ? &arguments.request.strict
                   : option == "--progress"      ? &arguments.progress
                   : option == "--plain-network" ? &arguments.request.plain_network
                   : option == "--mixed"         ? &arguments.request.mixed
                   : option == "--bytes"         ? &arguments.request.bytes
                                                 : nullptr;
  if (switched != nullptr) *switched = true;
  return switched != nullptr;
}

std::optional<Arguments> parse(int argc, char* argv[]) {
  Arguments arguments;
  for (int index = 1; index < argc; ++index) {
    const std::string_view option = argv[index];
    if (take_switch(arguments, option)) continue;
    if (index + 1 >= argc || !take(arguments, option, argv[++index])) return std::nullopt;
  }
  const sim::PlanRequest& request = arguments.request;
  const bool fits = request.bridges > 0 && request.nodes >= request.bridges + 3;
  return fits ? std::optional(arguments) : std::nullopt;
}

// ---- runs

void print_line(std::uint64_t seed, const sim::World& world, bool good) {
  std::printf("seed %llu fingerprint %016llx events %llu %s\n",
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(world.fingerprint()),
              static_cast<unsigned long long>(world.stats().events), good ? "good" : "FAILED");
  std::fflush(stdout);
}

bool run(const Arguments& arguments, std::uint64_t seed, sim::Probes& probes) {
  sim::PlanRequest request = arguments.request;
  request.seed = seed;
  const bool alone = arguments.seeds == 1 && !arguments.fingerprints;
  sim::Trial trial(sim::make_plan(request));
  if (alone) std::fputs(trial.plan().world.plan.c_str(), stdout);
  std::fflush(stdout);
  Printer printer;
  if (arguments.trace) trial.world().add_observer(printer);
  Progress progress(trial);
  if (arguments.progress) trial.world().add_observer(progress);
  running_world = &trial.world();
  const std::clock_t began = std::clock();
  const bool good = trial.run();
  const double seconds = processor_seconds_since(began);
  running_world = nullptr;
  if (alone) {
    std::fputs(trial.summary().c_str(), stdout);
    const double hours = trial.node_hours();
    std::printf("  %.1f node-hours in %.2f s of processor time: %.0f a second\n", hours, seconds,
                seconds > 0 ? hours / seconds : 0);
  }
  print_line(seed, trial.world(), good);
  probes.add(trial.probes());
  if (!good) std::fputs(trial.failure().c_str(), stderr);
  return good;
}

bool run_pool(const Arguments& arguments, std::uint64_t seed, sim::Probes& probes) {
  sim::BridgeTrialOptions options;
  options.seed = seed;
  options.bridges = arguments.request.bridges;
  options.clients = arguments.request.nodes - arguments.request.bridges;
  options.minutes = arguments.request.minutes;
  options.weather = arguments.request.weather;
  options.bytes = arguments.request.bytes;
  if (options.weather != sim::Weather::calm) {
    options.withdrawing_percent = kWithdrawingPercent;
    if (seed % 2 == 0) options.hedging = pool::Hedging::allowed;
    if (seed % 3 == 0) {
      options.switch_mode_every = std::chrono::seconds(30);
      options.failed_percent_max = 5;  // a lossy line costs most where every request dials
    }
  }
  sim::BridgeTrial trial(options);
  Printer printer;
  if (arguments.trace) trial.world().add_observer(printer);
  running_world = &trial.world();
  const bool good = trial.run();
  running_world = nullptr;
  if (arguments.seeds == 1) std::fputs(trial.summary().c_str(), stdout);
  print_line(seed, trial.world(), good);
  probes.add(trial.probes());
  if (!good) std::fputs(trial.failure().c_str(), stderr);
  return good;
}

// ---- shrinking

/// A failed assertion ends the process: each run has one of its own, which tells what it broke by a
/// pipe.
std::string judge_in_child(const sim::PlanRequest& request) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    std::signal(SIGABRT, SIG_DFL);
    // Each run of a rule's breaking would print its assertion: shrinking is a hundred of them.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    sim::Trial trial(sim::make_plan(request));
    trial.run();
    const std::string rule = trial.broken_rule();
    _exit(write(ends[1], rule.data(), rule.size()) < 0 ? 1 : 0);
  }
  close(ends[1]);
  std::string rule;
  char bytes[256];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
    rule.append(bytes, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "an assertion failed" : rule;
}

int shrink(const Arguments& arguments) {
  auto shrunk = sim::shrink(arguments.request, judge_in_child);
  if (!shrunk) {
    std::puts("the run is good: nothing to shrink");
    return 0;
  }
  shrunk->request.faults_file = "shrunk-" + std::to_string(shrunk->request.seed) + ".txt";
  std::ofstream(shrunk->request.faults_file) << sim::to_text(*shrunk->request.faults);
  std::printf("broken: %s\n%u runs; %u nodes, %u minutes, %zu faults, in %s:\n%s%s\n",
              shrunk->rule.c_str(), shrunk->runs, shrunk->request.nodes, shrunk->request.minutes,
              shrunk->request.faults->size(), shrunk->request.faults_file.c_str(),
              sim::to_text(*shrunk->request.faults).c_str(),
              sim::replay_command(shrunk->request).c_str());
  return 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) return usage();
  if (arguments->shrink) return shrink(*arguments);
  std::signal(SIGABRT, print_report_and_die);
  const std::uint64_t first = arguments->request.seed;
  sim::Probes probes;
  for (std::uint64_t seed = first; seed < first + arguments->seeds; ++seed) {
    const bool good =
        arguments->pool ? run_pool(*arguments, seed, probes) : run(*arguments, seed, probes);
    if (!good) return 1;
  }
  if (arguments->probes) {
    std::fputs(probes.to_text().c_str(), stdout);
    std::fputs(probes.figures_to_text().c_str(), stdout);
  }
  return 0;
}
