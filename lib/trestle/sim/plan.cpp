#include "trestle/sim/plan.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/sim/byzantine_peer.hpp"
#include "trestle/sim/churn.hpp"
#include "trestle/sim/fault_drawing.hpp"
#include "trestle/sim/trace.hpp"

namespace trestle::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::pair<Weather, std::string_view> kWeathers[] = {
    {Weather::calm, "calm"},           {Weather::mobile, "mobile"},
    {Weather::storm, "storm"},         {Weather::datacentre_cut, "datacentre-cut"},
    {Weather::adversary, "adversary"},
};

constexpr std::pair<Mode, std::string_view> kModes[] = {
    {Mode::healing, "healing"},
    {Mode::safety, "safety"},
    {Mode::liveness, "liveness"},
};

/// Members that can turn byzantine in a storm. Few: R1 and R5 are promised to honest majorities.
constexpr std::uint32_t kStormTurncoatsPercent = 10;

LatencyLaw draw_latency(Rng& rng) {
  LatencyLaw law;
  law.kind = static_cast<LatencyKind>(rng.below(3));
  law.low = rng.between(milliseconds(1), milliseconds(40));
  const Duration spread = rng.between(Duration::zero(), milliseconds(400));
  law.high = law.low + spread;
  return law;
}

NetworkOptions draw_network(const PlanRequest& request, const PlanOptions& options, Rng rng) {
  NetworkOptions network;
  network.latency = draw_latency(rng);
  network.segments_max = static_cast<std::uint32_t>(1 + rng.below(4));
  // From a modem-like 64 KiB/s to a fast line; one in four has no bound at all.
  const bool unbounded = rng.chance(1, 4);
  const std::uint64_t bandwidth = std::uint64_t{65'536} << rng.below(8);
  network.bandwidth = unbounded ? 0 : bandwidth;
  network.send_buffer_bytes = std::size_t{4096} << rng.below(6);
  const auto draw_rate = [&rng](std::uint32_t rate_max) {
    return static_cast<std::uint32_t>(rng.below(std::uint64_t{rate_max} + 1));
  };
  const std::uint32_t loss = draw_rate(options.loss_per_million_max);
  const std::uint32_t resets = draw_rate(options.reset_per_million_max);
  const std::uint32_t slow_dials = draw_rate(options.dial_accidents_per_million_max);
  const std::uint32_t lost_dials = draw_rate(options.dial_accidents_per_million_max);
  if (request.plain_network) {
    network = NetworkOptions{};
    network.latency = {LatencyKind::constant, milliseconds(10), milliseconds(10)};
    network.bandwidth = 0;
    network.segments_max = 1;
  } else if (request.weather != Weather::calm) {
    network.loss_per_million = loss;
    network.reset_per_million = resets;
    network.slow_dial_per_million = slow_dials;
    network.lost_dial_per_million = lost_dials;
  }
  if (request.loss_per_million) network.loss_per_million = *request.loss_per_million;
  if (request.bytes) network.carriage = Carriage::bytes;
  return network;
}

NemesisOptions nemesis_options(Weather weather) {
  switch (weather) {
    case Weather::calm:
      return {};
    case Weather::mobile:
      return mobile();
    case Weather::storm:
    case Weather::adversary:
      return storm();
    case Weather::datacentre_cut:
      return datacentre_cut();
  }
  return {};
}

/// The first so many members, wherever in the key space they are.
std::vector<NodeIndex> draw_turncoats(const PlanRequest& request, Rng rng) {
  const std::uint32_t members = request.nodes - request.bridges - 1;
  std::uint32_t percent = 0;
  if (request.weather == Weather::storm) percent = kStormTurncoatsPercent;
  const auto hostile = static_cast<std::uint32_t>(5 + rng.below(26));
  if (request.weather == Weather::adversary) percent = hostile;
  if (request.byzantine_percent) percent = *request.byzantine_percent;
  std::vector<NodeIndex> turncoats;
  for (std::uint32_t member = 0; member < members * percent / 100; ++member) {
    turncoats.push_back(request.bridges + 1 + member);
  }
  return turncoats;
}

/// Of each turncoat one kind of misconduct, from the beginning to the end.
void add_adversaries(const Plan& plan, Rng rng, FaultScript& script) {
  for (const NodeIndex node : plan.turncoats) {
    Fault fault;
    fault.at = plan.settled;
    fault.kind = FaultKind::misconduct;
    fault.lasts = plan.storm_ends - plan.settled;
    fault.node = node;
    fault.number = 1 + rng.below(kMisconducts - 1);
    script.push_back(fault);
  }
}

std::uint32_t churn_of(const PlanRequest& request, Rng rng) {
  if (request.churn_percent) return *request.churn_percent;
  if (request.weather == Weather::calm || !rng.chance(1, 3)) return 0;
  return static_cast<std::uint32_t>(10 + rng.below(91));
}

FaultScript draw_script(const Plan& plan, const Rng& rng) {
  const PlanRequest& request = plan.request;
  if (request.minutes == 0) return {};
  NemesisOptions options = nemesis_options(request.weather);
  options.turncoats = plan.turncoats;
  FaultScript script;
  if (request.weather != Weather::calm) {
    script = draw_faults(options, rng.fork("faults"), request.nodes, plan.settled, plan.storm_ends);
  }
  if (request.weather == Weather::adversary) add_adversaries(plan, rng.fork("enemies"), script);
  ChurnOptions churn;
  churn.percent_per_hour = churn_of(request, rng.fork("churn-rate"));
  const bool is_heavy_tailed = rng.fork("stay").chance(1, 2);
  if (is_heavy_tailed) churn.stay = Stay::heavy_tailed;
  const FaultScript moves =
      draw_churn(churn, rng.fork("churn"), plan.first_member(), request.nodes - plan.first_member(),
                 request.nodes, plan.settled, plan.storm_ends);
  script.insert(script.end(), moves.begin(), moves.end());
  sort_by_time(script);
  return script;
}

std::string in_milliseconds(Duration duration) {
  return std::to_string(duration.count() / 1000) + " ms";
}

}  // namespace

std::string_view name(Weather weather) {
  for (const auto& [one, its_name] : kWeathers) {
    if (one == weather) return its_name;
  }
  return "unknown";
}

std::optional<Weather> weather_from_name(std::string_view text) {
  for (const auto& [weather, its_name] : kWeathers) {
    if (its_name == text) return weather;
  }
  return std::nullopt;
}

std::string_view name(Mode mode) {
  for (const auto& [one, its_name] : kModes) {
    if (one == mode) return its_name;
  }
  return "unknown";
}

std::optional<Mode> mode_from_name(std::string_view text) {
  for (const auto& [mode, its_name] : kModes) {
    if (its_name == text) return mode;
  }
  return std::nullopt;
}

Plan make_plan(const PlanRequest& request, const PlanOptions& options) {
  TRESTLE_ASSERT(request.nodes >= request.bridges + 3);  // two members, one reads from the other
  const Rng rng = Rng(request.seed).fork("plan");
  Plan plan;
  plan.request = request;
  plan.world.seed = request.seed;
  plan.world.network = draw_network(request, options, rng.fork("network"));

  Rng schedule = rng.fork("schedule");
  const Duration spacing = schedule.between(options.start_spacing_min, options.start_spacing_max);
  plan.start_spacing =
      std::min(spacing, options.starts_max / static_cast<Duration::rep>(request.nodes));
  const Duration calm = schedule.between(Duration::zero(), options.calm_before_max);
  plan.workload_spacing = schedule.between(seconds(1), seconds(10));
  plan.settled = Instant(plan.start_spacing * request.nodes + calm);
  plan.storm_ends = plan.settled + std::chrono::minutes(request.minutes);
  plan.ends = plan.storm_ends;
  if (request.mode != Mode::safety) plan.ends += options.convergence;
  plan.turncoats = draw_turncoats(request, rng.fork("turncoats"));
  plan.faults = request.faults ? *request.faults : draw_script(plan, rng);
  plan.seats = request.nodes;
  for (const Fault& fault : plan.faults) {
    if (fault.kind == FaultKind::join) plan.seats = std::max(plan.seats, fault.node + 1);
  }
  plan.world.plan = to_text(plan);
  plan.world.replay = replay_command(request);
  return plan;
}

std::string to_text(const Plan& plan) {
  const PlanRequest& request = plan.request;
  const NetworkOptions& network = plan.world.network;
  std::string out =
      "plan of seed " + std::to_string(request.seed) + ": " + std::to_string(request.nodes) +
      " nodes (1 bootstrap, " + std::to_string(request.bridges) + " bridges), " +
      std::string(name(request.weather)) + ", ends in " + std::string(name(request.mode)) + "\n";
  out += "  latency " + std::string(name(network.latency.kind)) + " " +
         in_milliseconds(network.latency.low) + " to " + in_milliseconds(network.latency.high) +
         ", " + std::to_string(network.bandwidth) + " bytes/s, send buffer " +
         std::to_string(network.send_buffer_bytes) + ", up to " +
         std::to_string(network.segments_max) + " segments a frame" +
         (request.bytes ? ", as bytes\n" : "\n");
  out += "  per million: " + std::to_string(network.loss_per_million) + " frames lost, " +
         std::to_string(network.reset_per_million) + " resets, " +
         std::to_string(network.slow_dial_per_million) + " dials slow, " +
         std::to_string(network.lost_dial_per_million) + " dials lost\n";
  out += "  a start every " + in_milliseconds(plan.start_spacing) + ", an operation every " +
         in_milliseconds(plan.workload_spacing) + "; faults from " + to_text(plan.settled) +
         " to " + to_text(plan.storm_ends) + ", end at " + to_text(plan.ends) + "\n";
  if (!plan.turncoats.empty()) {
    out += "  members up to n" + std::to_string(plan.turncoats.back()) + " can turn byzantine\n";
  }
  out += "  " + std::to_string(plan.faults.size()) + " faults, up to " +
         std::to_string(plan.seats - request.nodes) + " newcomers:\n" + to_text(plan.faults);
  return out;
}

std::string replay_command(const PlanRequest& request) {
  std::string out = "simulate --seed " + std::to_string(request.seed) + " --nodes " +
                    std::to_string(request.nodes) + " --bridges " +
                    std::to_string(request.bridges) + " --minutes " +
                    std::to_string(request.minutes) + " --weather " +
                    std::string(name(request.weather));
  if (request.mode != Mode::healing) out += " --mode " + std::string(name(request.mode));
  if (request.loss_per_million) out += " --loss " + std::to_string(*request.loss_per_million);
  if (request.churn_percent) out += " --churn " + std::to_string(*request.churn_percent);
  if (request.byzantine_percent) {
    out += " --byzantine " + std::to_string(*request.byzantine_percent);
  }
  if (request.operations_max != PlanRequest{}.operations_max) {
    out += " --operations " + std::to_string(request.operations_max);
  }
  if (request.plain_network) out += " --plain-network";
  if (request.strict) out += " --strict";
  if (request.mixed) out += " --mixed";
  if (request.bytes) out += " --bytes";
  if (request.faults) {
    out += " --faults " + (request.faults_file.empty() ? "FILE" : request.faults_file);
  }
  return out;
}

}  // namespace trestle::sim
