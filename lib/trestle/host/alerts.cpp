#include "trestle/host/alerts.hpp"

#include <utility>

#include <fmt/core.h>

namespace trestle::host {

std::string_view name(Alert alert) {
  switch (alert) {
    case Alert::bridges:
      return "bridges";
    case Alert::queue:
      return "queue";
    case Alert::busy:
      return "busy";
    case Alert::slow:
      return "slow";
    case Alert::descriptors:
      return "descriptors";
    case Alert::memory:
      return "memory";
    case Alert::refresh:
      return "refresh";
    case Alert::weaker:
      return "weaker";
  }
  return "";
}

namespace {

/// Wrong is too little, not too much.
bool has_minimum(Alert alert) { return alert == Alert::bridges || alert == Alert::weaker; }

}  // namespace

bool Alerts::is_wrong(Alert alert, std::uint64_t figure) const {
  const std::uint64_t threshold = options_.thresholds[index_of(alert)];
  if (threshold == 0) return false;
  return has_minimum(alert) ? figure < threshold : figure > threshold;
}

bool Alerts::is_right(Alert alert, std::uint64_t figure) const {
  const std::uint64_t threshold = options_.thresholds[index_of(alert)];
  if (threshold == 0) return true;
  if (has_minimum(alert)) return figure >= threshold;
  return figure * 100 <= threshold * (100 - options_.clear_margin_percent);
}

std::vector<Alerts::Change> Alerts::update(Instant now, const AlertFigures& figures) {
  std::vector<Change> changes;
  for (const Alert alert : kAllAlerts) {
    Watch& watch = watches_[index_of(alert)];
    const auto& figure = figures[index_of(alert)];
    const bool speaks_against =
        watch.is_raised ? !figure || is_right(alert, *figure) : figure && is_wrong(alert, *figure);
    if (!speaks_against) {
      watch.since.reset();
      continue;
    }
    if (!watch.since) watch.since = now;
    const Duration needed = watch.is_raised ? options_.clear_after : options_.raise_after;
    if (now - *watch.since < needed) continue;
    watch = {!watch.is_raised, std::nullopt};
    changes.push_back(
        {alert, watch.is_raised, figure.value_or(0), options_.thresholds[index_of(alert)]});
  }
  return changes;
}

std::vector<Alert> Alerts::raised() const {
  std::vector<Alert> raised;
  for (const Alert alert : kAllAlerts) {
    if (is_raised(alert)) raised.push_back(alert);
  }
  return raised;
}

std::string describe(const Alerts::Change& change) {
  const auto sentence = [&](std::string_view what, std::string_view unit) {
    return fmt::format("{}: {}{}, the threshold is {}{}", what, change.figure, unit,
                       change.threshold, unit);
  };
  switch (change.alert) {
    case Alert::bridges:
      return sentence("bridges that can be asked", "");
    case Alert::queue:
      return sentence("a queue is filled", " %");
    case Alert::busy:
      return sentence("requests of the last minute answered BUSY", " %");
    case Alert::slow:
      return sentence("99th percentile of the last minute", " ms");
    case Alert::descriptors:
      return sentence("descriptors in use", " %");
    case Alert::memory:
      return sentence("resident memory", " MiB");
    case Alert::refresh:
      return sentence("records are refreshed late, of the interval", " %");
    case Alert::weaker:
      return sentence("days until a weaker mode is over", "");
  }
  return {};
}

}  // namespace trestle::host
