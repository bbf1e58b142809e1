#include "trestle/sim/plan.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/sim/trace.hpp"

namespace trestle::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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
  if (request.weather == Weather::storm) {
    network.loss_per_million = loss;
    network.reset_per_million = resets;
    network.slow_dial_per_million = slow_dials;
    network.lost_dial_per_million = lost_dials;
  }
  if (request.loss_per_million) network.loss_per_million = *request.loss_per_million;
  return network;
}

std::string in_milliseconds(Duration duration) {
  return std::to_string(duration.count() / 1000) + " ms";
}

}  // namespace

std::string_view name(Weather weather) { return weather == Weather::calm ? "calm" : "storm"; }

std::optional<Weather> weather_from_name(std::string_view text) {
  if (text == "calm") return Weather::calm;
  if (text == "storm") return Weather::storm;
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
  plan.start_spacing = schedule.between(options.start_spacing_min, options.start_spacing_max);
  const Duration calm = schedule.between(Duration::zero(), options.calm_before_max);
  plan.workload_spacing = schedule.between(seconds(1), seconds(10));
  plan.settled = Instant(plan.start_spacing * request.nodes + calm);
  plan.storm_ends = plan.settled + std::chrono::minutes(request.minutes);
  plan.ends = plan.storm_ends + options.convergence;
  if (request.faults) {
    plan.faults = *request.faults;
  } else if (request.weather == Weather::storm && request.minutes > 0) {
    plan.faults =
        draw_faults(storm(), rng.fork("faults"), request.nodes, plan.settled, plan.storm_ends);
  }
  plan.world.plan = to_text(plan);
  plan.world.replay = replay_command(request);
  return plan;
}

std::string to_text(const Plan& plan) {
  const PlanRequest& request = plan.request;
  const NetworkOptions& network = plan.world.network;
  std::string out = "plan of seed " + std::to_string(request.seed) + ": " +
                    std::to_string(request.nodes) + " nodes (1 bootstrap, " +
                    std::to_string(request.bridges) + " bridges), " +
                    std::string(name(request.weather)) + "\n";
  out += "  latency " + std::string(name(network.latency.kind)) + " " +
         in_milliseconds(network.latency.low) + " to " + in_milliseconds(network.latency.high) +
         ", " + std::to_string(network.bandwidth) + " bytes/s, send buffer " +
         std::to_string(network.send_buffer_bytes) + ", up to " +
         std::to_string(network.segments_max) + " segments a frame\n";
  out += "  per million: " + std::to_string(network.loss_per_million) + " frames lost, " +
         std::to_string(network.reset_per_million) + " resets, " +
         std::to_string(network.slow_dial_per_million) + " dials slow, " +
         std::to_string(network.lost_dial_per_million) + " dials lost\n";
  out += "  a start every " + in_milliseconds(plan.start_spacing) + ", an operation every " +
         in_milliseconds(plan.workload_spacing) + "; faults from " + to_text(plan.settled) +
         " to " + to_text(plan.storm_ends) + ", end at " + to_text(plan.ends) + "\n";
  out += "  " + std::to_string(plan.faults.size()) + " faults:\n" + to_text(plan.faults);
  return out;
}

std::string replay_command(const PlanRequest& request) {
  std::string out = "simulate --seed " + std::to_string(request.seed) + " --nodes " +
                    std::to_string(request.nodes) + " --bridges " +
                    std::to_string(request.bridges) + " --minutes " +
                    std::to_string(request.minutes) + " --weather " +
                    std::string(name(request.weather));
  if (request.loss_per_million) out += " --loss " + std::to_string(*request.loss_per_million);
  if (request.faults) {
    out += " --faults " + (request.faults_file.empty() ? "FILE" : request.faults_file);
  }
  return out;
}

}  // namespace trestle::sim
