#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// Rare branches that a simulation has to have taken before a green run means anything ("sometimes"
/// of reliability.md 7.6). Declared in probes.cpp, named by a sentence, derived from what the world
/// can see of any node: its log records, its figures, its frames. The core needs no marks.
enum class Probe : std::uint8_t {
  // what the simulator did
  crashed_in_a_step,
  resumed_with_frames_waiting,
  dial_refused,
  dial_timed_out,
  dial_opened_late,
  sender_gave_up,
  half_open_found_by_ping,
  // frames
  many_records_in_a_frame,
  request_withdrawn,
  // the bridge set
  bridge_lost,
  bridge_unhealthy,
  bridge_healthy_again,
  bridge_attempt_timed_out,
  bridge_attempt_lost,
  bridge_busy,
  request_moved,
  request_retried,
  retry_denied,
  request_saved_elsewhere,
  late_answer,
  request_hedged,
  hedge_won,
  bridge_excluded,
  bridge_ejected,
  bridge_trusted_again,
  breaker_opened,
  breaker_half_open,
  breaker_half_open_failed,
  breaker_closed_again,
  // the edge and the bridges
  joined_as_genesis,
  joined_in_an_emergency,
  join_failed,
  reception_without_bridge,
  bridge_knew_nobody,
  // members
  bootstrap_dial_failed,
  bootstrap_closed_on_joiner,
  joiner_gave_up,
  joiner_isolated,
  links_collided,
  link_moved,
  member_isolated,
  lookup_ask_failed,
};

inline constexpr std::size_t kProbes = static_cast<std::size_t>(Probe::lookup_ask_failed) + 1;

/// What it means that it was reached.
std::string_view sentence(Probe probe);

/// How often each probe was reached in one world; `finish` reads the figures of the nodes that
/// still run at its end.
class Probes : public Observer {
 public:
  Interest interest() const override {
    return Interest::in(
        {HappeningKind::logged, HappeningKind::killed, HappeningKind::stopped,
         HappeningKind::dial_failed, HappeningKind::frame_ordered, HappeningKind::frame_delivered,
         HappeningKind::close_ordered, HappeningKind::fault},
        Interest::Events::every);
  }
  void observe(World& world, const Happening& happening) override;
  void after_event(World& world) override;
  void finish(World& world);
  /// Takes over what was counted in another world.
  void add(const Probes& other);

  std::uint64_t count(Probe probe) const { return counts_[static_cast<std::size_t>(probe)]; }
  /// The sentences of those never reached.
  std::vector<std::string_view> missed() const;
  /// One line a probe: how often, and its sentence.
  std::string to_text() const;
  /// The same of every figure that a node of either program tells of: in all lives together.
  std::string figures_to_text() const;

 private:
  void reached(Probe probe, std::uint64_t times = 1) {
    counts_[static_cast<std::size_t>(probe)] += times;
  }
  void observe_log(const Happening& happening);
  void read_figures(const node::Status& status);
  void look_at_breakers(NodeIndex node, const node::Status& status);

  std::array<std::uint64_t, kProbes> counts_{};
  /// By program and name, both of static storage.
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> figures_;
  FlatMap<ConnectionSerial, NodeIndex> half_open_;  ///< Who still believes in it.
  Instant look_at_{};
  Instant looked_at_{};
  NodeIndex nodes_seen_ = 0;
  std::vector<NodeIndex> edges_;  ///< The bootstrap nodes among them.
  /// By bootstrap node and place in its set: as last seen. A restart is seen as closed again.
  FlatMap<std::pair<NodeIndex, std::size_t>, std::string_view> breakers_;
};

}  // namespace trestle::sim
