#include "trestle/sim/probes.hpp"

#include <algorithm>
#include <utility>

namespace trestle::sim {
namespace {

/// A log record whose event says it all.
struct LogProbe {
  std::string_view event;
  Probe probe;
};

constexpr LogProbe kLogProbes[] = {
    {"bridge.lost", Probe::bridge_lost},
    {"bridge.unhealthy", Probe::bridge_unhealthy},
    {"bridge.healthy", Probe::bridge_healthy_again},
    {"bridge.excluded", Probe::bridge_excluded},
    {"bridge.ejected", Probe::bridge_ejected},
    {"bridge.trusted", Probe::bridge_trusted_again},
    {"bridge.breaker_open", Probe::breaker_opened},
    {"bridge.breaker_closed", Probe::breaker_closed_again},
    {"bridge.knows_nobody", Probe::bridge_knew_nobody},
    {"reception.no_bridge", Probe::reception_without_bridge},
    {"reception.join_failed", Probe::join_failed},
    {"join.bootstrap_failed", Probe::bootstrap_dial_failed},
    {"join.bootstrap_closed", Probe::bootstrap_closed_on_joiner},
    {"join.gave_up", Probe::joiner_gave_up},
    {"join.isolated", Probe::joiner_isolated},
    {"mesh.link_moved", Probe::link_moved},
    {"mesh.isolated", Probe::member_isolated},
};

/// A figure of a node's status that only grows; read when the node's life ends.
struct FigureProbe {
  std::string_view counter;
  Probe probe;
};

constexpr FigureProbe kFigureProbes[] = {
    {"mesh.collisions_total", Probe::links_collided},
    {"dht.asks_failed_total", Probe::lookup_ask_failed},
    {"reception.genesis_total", Probe::joined_as_genesis},
    {"reception.emergency_total", Probe::joined_in_an_emergency},
    {"pool.moved_total", Probe::request_moved},
    {"pool.retried_total", Probe::request_retried},
    {"pool.retries_denied_total", Probe::retry_denied},
    {"pool.saved_total", Probe::request_saved_elsewhere},
    {"pool.hedged_total", Probe::request_hedged},
    {"pool.hedges_won_total", Probe::hedge_won},
};

/// More records than a conversation of two has at once: several askers shared a write.
constexpr std::size_t kManyRecords = 4;

/// What a channel closes with whose peer went silent.
constexpr std::string_view kPingsUnanswered = "pings were not answered";

/// Breakers stay open for a second at least.
constexpr Duration kBreakerLook = std::chrono::milliseconds(250);

/// In the order of the enumeration.
constexpr std::array<std::pair<Probe, std::string_view>, kProbes> kSentences = {{
    {Probe::crashed_in_a_step, "a process crashed between two of its orders"},
    {Probe::resumed_with_frames_waiting, "a stopped process went on and found frames waiting"},
    {Probe::dial_refused, "a dial was refused"},
    {Probe::dial_timed_out, "a dial ended at its own bound"},
    {Probe::dial_opened_late, "an abandoned dial reached its listener"},
    {Probe::sender_gave_up, "a sender gave up on bytes that nobody acknowledged"},
    {Probe::half_open_found_by_ping, "a half-open connection was found by pings alone"},
    {Probe::many_records_in_a_frame, "several askers shared a frame"},
    {Probe::request_withdrawn, "a request was withdrawn"},
    {Probe::bridge_lost, "a bridge was lost"},
    {Probe::bridge_unhealthy, "a bridge missed a ping"},
    {Probe::bridge_healthy_again, "a bridge that missed a ping answered again"},
    {Probe::bridge_attempt_timed_out, "an attempt at a bridge timed out"},
    {Probe::bridge_attempt_lost, "an attempt was lost with its connection"},
    {Probe::bridge_busy, "a bridge answered busy"},
    {Probe::request_moved, "a request moved to another bridge when its connection was lost"},
    {Probe::request_retried, "a request was tried again out of the retry budget"},
    {Probe::retry_denied, "the retry budget was used up"},
    {Probe::request_saved_elsewhere, "a request that failed at one bridge was answered by another"},
    {Probe::late_answer, "an answer came too late"},
    {Probe::request_hedged, "a request was put to a second bridge as well"},
    {Probe::hedge_won, "the second bridge answered first"},
    {Probe::bridge_excluded, "a bridge was left out until a reload"},
    {Probe::bridge_ejected, "a bridge was left out for its answers"},
    {Probe::bridge_trusted_again, "a bridge that was left out for its answers was taken back"},
    {Probe::breaker_opened, "a breaker opened"},
    {Probe::breaker_half_open, "a breaker let a probe through"},
    {Probe::breaker_half_open_failed, "the probe of a breaker failed"},
    {Probe::breaker_closed_again, "a breaker closed again"},
    {Probe::joined_as_genesis, "a newcomer was named genesis"},
    {Probe::joined_in_an_emergency, "a newcomer was introduced without a bridge"},
    {Probe::join_failed, "a join was refused for want of anybody"},
    {Probe::reception_without_bridge, "the edge had no bridge left"},
    {Probe::bridge_knew_nobody, "a bridge knew no member"},
    {Probe::bootstrap_dial_failed, "a member could not reach the edge"},
    {Probe::bootstrap_closed_on_joiner, "the edge went away under a joining member"},
    {Probe::joiner_gave_up, "a member gave the edge up for a while"},
    {Probe::joiner_isolated, "a member lost everybody and joined anew"},
    {Probe::links_collided, "two members dialled each other at once"},
    {Probe::link_moved, "a link moved to the connection that the rule prefers"},
    {Probe::member_isolated, "a member had no link left"},
    {Probe::lookup_ask_failed, "a lookup asked somebody in vain"},
}};

std::string line(std::uint64_t count, const std::string& what) {
  constexpr std::size_t kWidth = 9;
  const std::string number = std::to_string(count);
  return std::string(kWidth - std::min(kWidth, number.size()), ' ') + number + "  " + what + "\n";
}

constexpr bool is_in_order() {
  for (std::size_t index = 0; index < kProbes; ++index) {
    if (kSentences[index].first != static_cast<Probe>(index)) return false;
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

std::string_view sentence(Probe probe) {
  return kSentences[static_cast<std::size_t>(probe)].second;
}

void Probes::observe(World& world, const Happening& happening) {
  switch (happening.kind) {
    case HappeningKind::logged:
      return observe_log(happening);
    case HappeningKind::killed:
      if (!happening.text.empty()) reached(Probe::crashed_in_a_step);
      return read_figures(world.node(happening.node).status(world.now()));
    case HappeningKind::stopped:
      return read_figures(world.node(happening.node).status(world.now()));
    case HappeningKind::dial_failed:
      if (happening.code == ErrorCode::refused) reached(Probe::dial_refused);
      if (happening.code == ErrorCode::timeout) reached(Probe::dial_timed_out);
      return;
    case HappeningKind::frame_ordered:
      if (happening.records.size() >= kManyRecords) reached(Probe::many_records_in_a_frame);
      return;
    case HappeningKind::frame_delivered:
      if (world.resumed_at(happening.node) == happening.at && happening.at != Instant{}) {
        reached(Probe::resumed_with_frames_waiting);
      }
      for (const RecordHead& record : happening.records) {
        if (record.part == RecordPart::withdrawal) reached(Probe::request_withdrawn);
      }
      return;
    case HappeningKind::close_ordered: {
      const NodeIndex* believer = half_open_.find(happening.connection);
      if (believer != nullptr && *believer == happening.node &&
          happening.text == kPingsUnanswered) {
        reached(Probe::half_open_found_by_ping);
      }
      half_open_.erase(happening.connection);
      return;
    }
    case HappeningKind::fault:
      if (happening.text == "half-open") half_open_.insert(happening.connection, happening.node);
      return;
    default:
      return;
  }
}

void Probes::observe_log(const Happening& happening) {
  for (const LogProbe& log : kLogProbes) {
    if (log.event == happening.text) reached(log.probe);
  }
}

void Probes::read_figures(const node::Status& status) {
  for (const auto& [name, value] : status.counters) {
    figures_[{status.program, name}] += value;
    for (const FigureProbe& figure : kFigureProbes) {
      if (figure.counter == name) reached(figure.probe, value);
    }
  }
  for (const node::BridgeSlotStatus& bridge : status.bridges) {
    reached(Probe::bridge_attempt_timed_out, bridge.timeouts);
    reached(Probe::bridge_attempt_lost, bridge.failures);
    reached(Probe::bridge_busy, bridge.busy_answers);
    reached(Probe::late_answer, bridge.late_answers);
  }
}

void Probes::after_event(World& world) {
  if (world.now() < look_at_) return;
  const Instant looked_at = std::exchange(looked_at_, world.now());
  look_at_ = after(world.now(), kBreakerLook);
  for (; nodes_seen_ < world.size(); ++nodes_seen_) {
    if (world.role(nodes_seen_) == wire::Role::bootstrap) edges_.push_back(nodes_seen_);
  }
  // A closed breaker stays closed until something happens to its node; the others know the time.
  const bool all_are_closed =
      std::ranges::all_of(breakers_, [](const auto& seen) { return seen.second == "closed"; });
  for (const NodeIndex node : edges_) {
    if (!world.is_running(node) || (all_are_closed && world.touched_at(node) < looked_at)) continue;
    look_at_breakers(node, world.node(node).status(world.now()));
  }
}

void Probes::look_at_breakers(NodeIndex node, const node::Status& status) {
  for (std::size_t index = 0; index < status.bridges.size(); ++index) {
    const std::string_view seen = status.bridges[index].breaker;
    std::string_view& last = *breakers_.insert({node, index}, "closed").first;
    if (seen == last) continue;
    if (seen == "half-open") reached(Probe::breaker_half_open);
    if (seen == "open" && last == "half-open") reached(Probe::breaker_half_open_failed);
    last = seen;
  }
}

void Probes::finish(World& world) {
  for (NodeIndex node = 0; node < world.size(); ++node) {
    if (world.is_running(node)) read_figures(world.node(node).status(world.now()));
  }
  const NetworkStats& network = world.network().stats();
  reached(Probe::dial_opened_late, network.late_opens);
  reached(Probe::sender_gave_up, network.stalls_given_up);
}

void Probes::add(const Probes& other) {
  for (std::size_t index = 0; index < kProbes; ++index) counts_[index] += other.counts_[index];
  for (const auto& [figure, value] : other.figures_) figures_[figure] += value;
}

std::vector<std::string_view> Probes::missed() const {
  std::vector<std::string_view> result;
  for (std::size_t index = 0; index < kProbes; ++index) {
    if (counts_[index] == 0) result.push_back(sentence(static_cast<Probe>(index)));
  }
  return result;
}

std::string Probes::to_text() const {
  std::string out;
  for (std::size_t index = 0; index < kProbes; ++index) {
    out += line(counts_[index], std::string(sentence(static_cast<Probe>(index))));
  }
  return out;
}

std::string Probes::figures_to_text() const {
  std::string out;
  for (const auto& [figure, value] : figures_) {
    out += line(value, std::string(figure.first) + " " + std::string(figure.second));
  }
  return out;
}

}  // namespace trestle::sim
