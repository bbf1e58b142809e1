#include "trestle/sim/probes.hpp"

#include <algorithm>

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

}  // namespace

std::string_view sentence(Probe probe) {
  switch (probe) {
    case Probe::crashed_in_a_step:
      return "a process crashed between two of its orders";
    case Probe::resumed_with_frames_waiting:
      return "a stopped process went on and found frames waiting";
    case Probe::dial_refused:
      return "a dial was refused";
    case Probe::dial_timed_out:
      return "a dial ended at its own bound";
    case Probe::dial_opened_late:
      return "an abandoned dial reached its listener";
    case Probe::sender_gave_up:
      return "a sender gave up on bytes that nobody acknowledged";
    case Probe::half_open_found_by_ping:
      return "a half-open connection was found by pings alone";
    case Probe::many_records_in_a_frame:
      return "several askers shared a frame";
    case Probe::request_withdrawn:
      return "a request was withdrawn";
    case Probe::bridge_lost:
      return "a bridge was lost";
    case Probe::bridge_unhealthy:
      return "a bridge missed a ping";
    case Probe::bridge_healthy_again:
      return "a bridge that missed a ping answered again";
    case Probe::bridge_attempt_timed_out:
      return "an attempt at a bridge timed out";
    case Probe::bridge_attempt_lost:
      return "an attempt was lost with its connection";
    case Probe::bridge_busy:
      return "a bridge answered busy";
    case Probe::request_moved:
      return "a request moved to another bridge when its connection was lost";
    case Probe::request_retried:
      return "a request was tried again out of the retry budget";
    case Probe::retry_denied:
      return "the retry budget was used up";
    case Probe::request_saved_elsewhere:
      return "a request that failed at one bridge was answered by another";
    case Probe::late_answer:
      return "an answer came too late";
    case Probe::request_hedged:
      return "a request was put to a second bridge as well";
    case Probe::hedge_won:
      return "the second bridge answered first";
    case Probe::bridge_excluded:
      return "a bridge was left out until a reload";
    case Probe::bridge_ejected:
      return "a bridge was left out for its answers";
    case Probe::bridge_trusted_again:
      return "a bridge that was left out for its answers was taken back";
    case Probe::breaker_opened:
      return "a breaker opened";
    case Probe::breaker_half_open:
      return "a breaker let a probe through";
    case Probe::breaker_half_open_failed:
      return "the probe of a breaker failed";
    case Probe::breaker_closed_again:
      return "a breaker closed again";
    case Probe::joined_as_genesis:
      return "a newcomer was named genesis";
    case Probe::joined_in_an_emergency:
      return "a newcomer was introduced without a bridge";
    case Probe::join_failed:
      return "a join was refused for want of anybody";
    case Probe::reception_without_bridge:
      return "the edge had no bridge left";
    case Probe::bridge_knew_nobody:
      return "a bridge knew no member";
    case Probe::bootstrap_dial_failed:
      return "a member could not reach the edge";
    case Probe::bootstrap_closed_on_joiner:
      return "the edge went away under a joining member";
    case Probe::joiner_gave_up:
      return "a member gave the edge up for a while";
    case Probe::joiner_isolated:
      return "a member lost everybody and joined anew";
    case Probe::links_collided:
      return "two members dialled each other at once";
    case Probe::link_moved:
      return "a link moved to the connection that the rule prefers";
    case Probe::member_isolated:
      return "a member had no link left";
    case Probe::lookup_ask_failed:
      return "a lookup asked somebody in vain";
  }
  return "unknown";
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
  look_at_ = after(world.now(), kBreakerLook);
  for (NodeIndex node = 0; node < world.size(); ++node) {
    if (world.role(node) == wire::Role::bootstrap && world.is_running(node)) {
      look_at_breakers(node, world.node(node).status(world.now()));
    }
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
}

std::vector<std::string_view> Probes::missed() const {
  std::vector<std::string_view> result;
  for (std::size_t index = 0; index < kProbes; ++index) {
    if (counts_[index] == 0) result.push_back(sentence(static_cast<Probe>(index)));
  }
  return result;
}

std::string Probes::to_text() const {
  constexpr std::size_t kWidth = 9;
  std::string out;
  for (std::size_t index = 0; index < kProbes; ++index) {
    const std::string count = std::to_string(counts_[index]);
    out += std::string(kWidth - std::min(kWidth, count.size()), ' ') + count + "  ";
    out += sentence(static_cast<Probe>(index));
    out += '\n';
  }
  return out;
}

}  // namespace trestle::sim
