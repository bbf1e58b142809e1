#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/time.hpp"
#include "trestle/sim/fault_script.hpp"
#include "trestle/sim/nemesis.hpp"
#include "trestle/sim/world_options.hpp"

namespace trestle::sim {

/// How much goes wrong.
enum class Weather : std::uint8_t {
  calm,            ///< A network without accidents: latency and nothing else.
  mobile,          ///< Phones: connections that break, turn half-open, come late.
  storm,           ///< Losses, resets, slow dials, and every class of fault.
  datacentre_cut,  ///< Parts of the network cut off from each other, machines without power.
  adversary,       ///< A storm, and 5 to 30 % of the members are byzantine all along.
};

/// How a run ends (reliability.md 7.5).
enum class Mode : std::uint8_t {
  healing,   ///< Everything heals, and everybody must be whole again.
  safety,    ///< The weather lasts to the end: nothing wrong may have happened.
  liveness,  ///< A part drawn at random heals, what is outside is broken for ever: the part must be
             ///< whole.
};

std::string_view name(Weather weather);
std::optional<Weather> weather_from_name(std::string_view text);
std::string_view name(Mode mode);
std::optional<Mode> mode_from_name(std::string_view text);

/// What a person decides about a run. Everything else follows from the seed.
struct PlanRequest {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 100;  ///< One bootstrap node, the bridges, the rest members: two at least.
  std::uint32_t bridges = 2;
  std::uint32_t minutes = 10;  ///< Of weather, after everybody was started.
  Weather weather = Weather::storm;
  Mode mode = Mode::healing;
  /// Of the members, how many leave in an hour and are followed by new ones; drawn from the seed if
  /// not given (none in calm weather).
  std::optional<std::uint32_t> churn_percent;
  /// Of the members, how many can turn byzantine; as the weather has it if not given.
  std::optional<std::uint32_t> byzantine_percent;
  /// Whatever was acknowledged must be found by every read, at all times. For calm weather: parts
  /// of a network that were cut off cannot find what the others hold.
  bool strict = false;
  /// Members on machines of all sizes, with every setting that an operator can choose and addresses
  /// of every kind, and in safety mode some with the smallest limits; users who do everything.
  bool mixed = false;
  /// Operations of users, at most.
  std::uint64_t operations_max = std::numeric_limits<std::uint64_t>::max();
  /// Constant latency and nothing else of the network's laws: what is left of a failure then has
  /// nothing to do with them.
  bool plain_network = false;
  /// Streams carry the bytes of the WebSocket codec, cut into segments, instead of frames.
  bool bytes = false;
  /// Per million frames; drawn from the seed if not given.
  std::optional<std::uint32_t> loss_per_million;
  /// Instead of the faults the seed would draw; the rest of the run still follows the seed.
  std::optional<FaultScript> faults;
  /// The name by which a person gives that script again.
  std::string faults_file;
};

/// One run, decided to the last detail before it begins.
///
/// Nodes that come later (churn) have their seats from the beginning, and stay away until then.
///
///     0        starts          settled                storm_ends           ends
///     |--------|---------------|----------------------|--------------------|
///      bootstrap, bridges,      faults and workload     healed: must converge
///      then members one by one
struct Plan {
  PlanRequest request;
  WorldOptions world;
  Duration start_spacing{};
  Instant settled{};
  Instant storm_ends{};
  Instant ends{};
  Duration workload_spacing{};
  /// Longer than any run but those of days: what was stored must still be there at the end.
  Duration value_life = std::chrono::hours(24);
  /// Nodes there ever are, those that come later included.
  std::uint32_t seats = 0;
  /// The members that can turn byzantine.
  std::vector<NodeIndex> turncoats;
  FaultScript faults;

  NodeIndex first_member() const { return request.bridges + 1; }
};

struct PlanOptions {
  Duration start_spacing_min = std::chrono::milliseconds(20);  ///< A join storm: 50 a second.
  Duration start_spacing_max = std::chrono::milliseconds(500);
  /// Of all starts, at most: large networks start faster.
  Duration starts_max = std::chrono::minutes(20);
  /// From the last start to the first fault: some runs begin while peers still join.
  Duration calm_before_max = std::chrono::seconds(60);
  /// Healed networks must be whole again within this: 60 s to rejoin (RECOV-03) and the longest
  /// wait between two tries, twice.
  Duration convergence = std::chrono::minutes(3);
  std::uint32_t loss_per_million_max = 20'000;  ///< 2 %: a bad mobile link.
  std::uint32_t reset_per_million_max = 200;
  std::uint32_t dial_accidents_per_million_max = 50'000;
};

/// Expands a request. The same request gives the same plan everywhere.
Plan make_plan(const PlanRequest& request, const PlanOptions& options = {});

/// The plan for people, several lines, the fault script included.
std::string to_text(const Plan& plan);

/// The command that runs exactly this again.
std::string replay_command(const PlanRequest& request);

}  // namespace trestle::sim
