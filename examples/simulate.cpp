// Runs whole networks of the three real programs in virtual time. One seed decides everything: what
// fails here is printed with the command that has it again.
//
//   simulate --seed 7 --nodes 100 --minutes 10
//       one run: plan, figures, fingerprint
//
//   simulate --seed 7 --seeds 50
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

#include "trestle/sim/trial.hpp"

namespace {

using namespace trestle;

struct Arguments {
  sim::PlanRequest request;
  std::uint64_t seeds = 1;
  bool fingerprints = false;
  bool trace = false;
  bool probes = false;
};

constexpr std::uint64_t kFingerprintSeeds = 5;

int usage() {
  std::fputs(
      "usage: simulate [--seed N] [--seeds COUNT] [--nodes N] [--bridges N] [--minutes N]\n"
      "                [--weather calm|mobile|storm|datacentre-cut|adversary]\n"
      "                [--mode healing|safety|liveness] [--churn PERCENT_PER_HOUR]\n"
      "                [--byzantine PERCENT] [--loss PER_MILLION] [--plain-network]\n"
      "                [--operations N] [--faults FILE] [--trace] [--probes] [--fingerprints]\n",
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

std::optional<Arguments> parse(int argc, char* argv[]) {
  Arguments arguments;
  for (int index = 1; index < argc; ++index) {
    const std::string_view option = argv[index];
    if (option == "--fingerprints") {
      arguments.fingerprints = true;
      arguments.seeds = kFingerprintSeeds;
    } else if (option == "--trace") {
      arguments.trace = true;
    } else if (option == "--probes") {
      arguments.probes = true;
    } else if (option == "--plain-network") {
      arguments.request.plain_network = true;
    } else if (index + 1 >= argc || !take(arguments, option, argv[++index])) {
      return std::nullopt;
    }
  }
  if (arguments.request.nodes < arguments.request.bridges + 3) return std::nullopt;
  return arguments;
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
  running_world = &trial.world();
  const std::clock_t began = std::clock();
  const bool good = trial.run();
  const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  running_world = nullptr;
  if (alone) {
    const double hours =
        std::chrono::duration<double, std::ratio<3600>>(trial.world().now().time_since_epoch())
            .count() *
        request.nodes;
    std::fputs(trial.summary().c_str(), stdout);
    std::printf("  %.1f node-hours in %.2f s of processor time: %.0f a second\n", hours, seconds,
                seconds > 0 ? hours / seconds : 0);
  }
  std::printf(
      "seed %llu fingerprint %016llx events %llu %s\n", static_cast<unsigned long long>(seed),
      static_cast<unsigned long long>(trial.world().fingerprint()),
      static_cast<unsigned long long>(trial.world().stats().events), good ? "good" : "FAILED");
  std::fflush(stdout);
  probes.add(trial.probes());
  if (!good) std::fputs(trial.failure().c_str(), stderr);
  return good;
}

}  // namespace

int main(int argc, char* argv[]) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) return usage();
  std::signal(SIGABRT, print_report_and_die);
  const std::uint64_t first = arguments->request.seed;
  sim::Probes probes;
  for (std::uint64_t seed = first; seed < first + arguments->seeds; ++seed) {
    if (!run(*arguments, seed, probes)) return 1;
  }
  if (arguments->probes) std::fputs(probes.to_text().c_str(), stdout);
  return 0;
}
