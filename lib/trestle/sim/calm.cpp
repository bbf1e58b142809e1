#include "trestle/sim/calm.hpp"

#include <algorithm>
#include <string_view>

namespace trestle::sim {
namespace {

constexpr std::string_view kNothingFails = "I16: where nothing goes wrong nothing fails: ";
constexpr std::string_view kNobodyCopies = "L7: where nobody writes nobody copies: ";

/// Figures that grow when something fails, is refused, is late, or is done a second time for it.
constexpr std::string_view kFailures[] = {
    "link.refused_total",
    "mesh.links_broken_total",
    "mesh.links_given_up_total",
    "mesh.dials_failed_total",
    "mesh.isolated_total",
    "mesh.lost",
    "mesh.lost_probed_total",
    "mesh.announcements_refused_total",
    "dht.asks_limited_total",
    "dht.asks_through_total",
    "dht.deaf_total",
    "dht.requests_limited_total",
    "dht.data_refused_total",
    "dht.stores_busy_total",
    "dht.storage_failures_total",
    "dht.writes_weak_total",
    "dht.spreads_cut_total",
    "dht.refreshes_failed_total",
    "verify.forged_total",
    "verify.refused_total",
    "carrier.refused_total",
    "joiner.dials_failed_total",
    "joiner.gave_up_total",
    "joiner.ask_failures_total",
    "joiner.isolated_total",
    "reception.failed_total",
    "reception.busy_total",
    "reception.limited_total",
    "reception.turned_away_total",
    "reception.emergency_total",
    "desk.busy_total",
    "desk.turned_away_total",
    "desk.expired_total",
    "desk.cancelled_total",
    "pool.moved_total",
    "pool.retried_total",
    "pool.retries_denied_total",
    "pool.hedges_denied_total",
    "pool.saved_total",
    "pool.foreign_answers_total",
};

constexpr std::string_view kCopies[] = {"dht.copies_sent_total", "dht.gifts_sent_total",
                                        "dht.offered_needed_total"};

/// Figures that grow now and then all the same: a question that meets the goodbye of a link that
/// was idle.
constexpr std::string_view kCrossings[] = {"dht.asks_failed_total"};
constexpr std::uint64_t kCrossingsMax = 5;

std::string name_of(NodeIndex node) { return "n" + std::to_string(node); }

}  // namespace

bool Calm::counts(std::string_view name) const {
  return rooms_.empty() || std::ranges::any_of(rooms_, [name](std::string_view room) {
           return name.starts_with(room);
         });
}

bool Calm::is_one_of_them(std::string_view name) const {
  if (figures_ == Figures::copies) return std::ranges::find(kCopies, name) != std::end(kCopies);
  return std::ranges::find(kFailures, name) != std::end(kFailures);
}

std::map<Calm::Figure, std::uint64_t> Calm::read(const World& world) const {
  std::map<Figure, std::uint64_t> figures;
  for (NodeIndex node = 0; node < world.size(); ++node) {
    if (!world.is_running(node)) continue;
    const node::Status status = world.node(node).status(world.now());
    for (const auto& [name, value] : status.counters) {
      if (!counts(name)) continue;
      const bool is_crossing = std::ranges::find(kCrossings, name) != std::end(kCrossings);
      if (is_one_of_them(name) || (is_crossing && value > kCrossingsMax)) {
        figures[{node, std::string(name)}] = value;
      }
    }
    if (figures_ != Figures::failures) continue;
    for (const node::BridgeSlotStatus& slot : status.bridges) {
      figures[{node, "at its bridge " + slot.url}] =
          slot.busy_answers + slot.timeouts + slot.failures + slot.late_answers +
          slot.invalid_answers + slot.breaker_opened + (slot.excluded ? 1 : 0) +
          (slot.ejected ? 1 : 0);
    }
  }
  return figures;
}

void Calm::begin(const World& world) {
  since_ = world.now();
  before_ = read(world);
}

std::vector<std::string> Calm::failures(const World& world) const {
  const std::string rule(figures_ == Figures::failures ? kNothingFails : kNobodyCopies);
  std::vector<std::string> found;
  for (const auto& [figure, value] : read(world)) {
    const auto before = before_.find(figure);
    if (value <= (before == before_.end() ? 0 : before->second)) continue;
    found.push_back(rule + name_of(figure.first) + ", " + figure.second + " is " +
                    std::to_string(value));
  }
  if (figures_ != Figures::failures) return found;
  for (const LogNews& news : world.logs()) {
    if (news.at < since_ || news.record.level < LogLevel::warning) continue;
    if (!counts(news.record.event)) continue;
    found.push_back(rule + name_of(news.node) + " logs " + std::string(news.record.event) + ", " +
                    news.record.detail);
  }
  return found;
}

}  // namespace trestle::sim
