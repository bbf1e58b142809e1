#include "trestle/host/node_metrics.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "trestle/host/metric_help.hpp"

namespace trestle::host {
namespace {

using node::BridgeSlotStatus;

double number(std::uint64_t value) { return static_cast<double>(value); }
double number(bool value) { return value ? 1 : 0; }
double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// `pool.retries_total` -> `trestle_pool_retries_total`, `reception.join_time` ->
/// `trestle_reception_join_seconds`.
std::string metric_name(std::string_view figure) {
  constexpr std::string_view kTime = "_time";
  std::string name = "trestle_" + std::string(figure);
  std::ranges::replace(name, '.', '_');
  if (!name.ends_with(kTime)) return name;
  name.resize(name.size() - kTime.size());
  return name + "_seconds";
}

MetricFamily& add(MetricFamilies& families, std::string name, std::string_view help,
                  MetricKind kind) {
  return families.emplace_back(MetricFamily{std::move(name), std::string(help), kind, {}, {}});
}

void add_value(MetricFamilies& families, std::string name, std::string_view help, MetricKind kind,
               double value) {
  add(families, std::move(name), help, kind).values.push_back({{}, value});
}

void add_room_figures(const node::Status& status, MetricFamilies& families) {
  for (const auto& [figure, value] : status.counters) {
    const MetricKind kind = figure.ends_with("_total") ? MetricKind::counter : MetricKind::gauge;
    add_value(families, metric_name(figure), help_of(figure), kind, number(value));
  }
  for (const node::NamedHistogram& entry : status.histograms) {
    add(families, metric_name(entry.name), help_of(entry.name), MetricKind::histogram)
        .histograms.push_back({{}, entry.histogram});
  }
}

/// How full what has a bound is, from 0 to 1.
void add_utilisation(const node::Status& status, MetricFamilies& families) {
  struct Filling {
    std::string_view figure;
    std::string_view bound;
    std::string_view label;
  };
  constexpr Filling kFillings[] = {
      {"pool.requests_under_way", "pool.requests_max", "pool"},
      {"desk.in_service", "desk.in_service_max", "desk_service"},
      {"desk.waiting", "desk.waiting_max", "desk_queue"},
  };
  MetricFamily family{
      "trestle_utilisation_ratio", std::string(help_of("utilisation")), MetricKind::gauge, {}, {}};
  for (const Filling& filling : kFillings) {
    std::uint64_t value = 0;
    std::uint64_t bound = 0;
    for (const auto& [figure, count] : status.counters) {
      if (figure == filling.figure) value = count;
      if (figure == filling.bound) bound = count;
    }
    if (bound == 0) continue;
    family.values.push_back(
        {{{"place", std::string(filling.label)}}, number(value) / number(bound)});
  }
  if (!family.values.empty()) families.push_back(std::move(family));
}

/// A bridge and the labels of its series, which no other one has: readers refuse a whole scrape for
/// two series of one name.
struct LabelledBridge {
  const BridgeSlotStatus* slot;
  MetricLabels labels;
};

/// Bridges from the settings differ in their addresses. Attached ones say any address or none, but
/// differ in their ids; one that comes back on a new socket stands beside its old one for a moment,
/// and is shown from then on.
std::vector<LabelledBridge> labelled(const std::vector<BridgeSlotStatus>& bridges) {
  std::vector<LabelledBridge> result;
  for (const BridgeSlotStatus& bridge : bridges) {
    MetricLabels labels{{"bridge", bridge.url}};
    if (bridge.attached) labels.emplace_back("id", bridge.id.to_hex());
    const auto same = std::ranges::find(result, labels, &LabelledBridge::labels);
    if (same == result.end()) {
      result.push_back({&bridge, std::move(labels)});
    } else {
      same->slot = &bridge;
    }
  }
  return result;
}

/// One sample for each state a bridge can be in, 1 for the one it is in.
void add_state_set(const std::vector<LabelledBridge>& bridges, MetricFamilies& families,
                   std::string_view figure, std::initializer_list<std::string_view> states,
                   std::string_view BridgeSlotStatus::* member) {
  MetricFamily& family = add(families, metric_name(figure), help_of(figure), MetricKind::gauge);
  for (const LabelledBridge& bridge : bridges) {
    for (const std::string_view state : states) {
      MetricLabels labels = bridge.labels;
      labels.emplace_back("state", std::string(state));
      family.values.push_back({std::move(labels), number(bridge.slot->*member == state)});
    }
  }
}

template <typename Value>
void add_per_bridge(const std::vector<LabelledBridge>& bridges, MetricFamilies& families,
                    std::string_view figure, Value value) {
  const MetricKind kind = figure.ends_with("_total") ? MetricKind::counter : MetricKind::gauge;
  MetricFamily& family = add(families, metric_name(figure), help_of(figure), kind);
  for (const LabelledBridge& bridge : bridges) {
    family.values.push_back({bridge.labels, value(*bridge.slot)});
  }
}

void add_bridge_times(const std::vector<LabelledBridge>& bridges, MetricFamilies& families,
                      std::string_view figure, Histogram BridgeSlotStatus::* member) {
  MetricFamily& family = add(families, metric_name(figure), help_of(figure), MetricKind::histogram);
  for (const LabelledBridge& bridge : bridges) {
    family.histograms.push_back({bridge.labels, bridge.slot->*member});
  }
}

void add_bridges(const std::vector<BridgeSlotStatus>& slots, MetricFamilies& families) {
  if (slots.empty()) return;
  const std::vector<LabelledBridge> bridges = labelled(slots);
  using Slot = const BridgeSlotStatus&;
  add_state_set(bridges, families, "bridge.state",
                {"connected", "connecting", "disconnected", "failed"}, &BridgeSlotStatus::state);
  add_state_set(bridges, families, "bridge.breaker_state", {"closed", "open", "half-open"},
                &BridgeSlotStatus::breaker);
  const auto each = [&](std::string_view figure, auto value) {
    add_per_bridge(bridges, families, figure, value);
  };
  each("bridge.usable", [](Slot bridge) { return number(bridge.usable); });
  each("bridge.excluded", [](Slot bridge) { return number(bridge.excluded); });
  each("bridge.ejected", [](Slot bridge) { return number(bridge.ejected); });
  each("bridge.in_flight", [](Slot bridge) { return number(std::uint64_t{bridge.in_flight}); });
  each("bridge.connection_age_seconds", [](Slot bridge) { return seconds(bridge.connected_for); });
  each("bridge.connections_opened_total",
       [](Slot bridge) { return number(bridge.connections_opened); });
  each("bridge.requests_total", [](Slot bridge) { return number(bridge.requests); });
  each("bridge.answers_total", [](Slot bridge) { return number(bridge.answers); });
  each("bridge.busy_answers_total", [](Slot bridge) { return number(bridge.busy_answers); });
  each("bridge.timeouts_total", [](Slot bridge) { return number(bridge.timeouts); });
  each("bridge.failures_total", [](Slot bridge) { return number(bridge.failures); });
  each("bridge.breaker_opened_total", [](Slot bridge) { return number(bridge.breaker_opened); });
  each("bridge.retries_total", [](Slot bridge) { return number(bridge.retries); });
  each("bridge.hedges_total", [](Slot bridge) { return number(bridge.hedges); });
  each("bridge.late_answers_total", [](Slot bridge) { return number(bridge.late_answers); });
  each("bridge.invalid_answers_total", [](Slot bridge) { return number(bridge.invalid_answers); });
  add_bridge_times(bridges, families, "bridge.request_time", &BridgeSlotStatus::request_time);
  add_bridge_times(bridges, families, "bridge.dial_time", &BridgeSlotStatus::dial_time);
}

void add_peers(const std::vector<node::PeerStatus>& peers, MetricFamilies& families) {
  if (peers.empty()) return;
  const auto eldest = std::ranges::max_element(peers, {}, &node::PeerStatus::connected_for);
  add_value(families, "trestle_peer_connection_age_max_seconds", help_of("peer.age_max"),
            MetricKind::gauge, seconds(eldest->connected_for));
}

/// Figures that every program has; those of the process under the names that every exporter uses.
void add_process(const Snapshot& snapshot, MetricFamilies& families) {
  const auto gauge = [&](std::string name, std::string_view figure, double value) {
    add_value(families, std::move(name), help_of(figure), MetricKind::gauge, value);
  };
  const auto counter = [&](std::string name, std::string_view figure, double value) {
    add_value(families, std::move(name), help_of(figure), MetricKind::counter, value);
  };
  const node::Status& status = snapshot.status;
  add(families, "trestle_build_info", help_of("build"), MetricKind::gauge)
      .values.push_back({{{"program", std::string(status.program)},
                          {"version", TRESTLE_VERSION},
                          {"compiler", __VERSION__}},
                         1});
  gauge("trestle_uptime_seconds", "uptime", seconds(status.uptime));
  gauge("trestle_healthy", "healthy", number(status.healthy));
  MetricFamily& alerts =
      add(families, "trestle_alert_raised", help_of("alerts"), MetricKind::gauge);
  for (const Alert alert : kAllAlerts) {
    const bool is_raised = std::ranges::find(snapshot.alerts, alert) != snapshot.alerts.end();
    alerts.values.push_back({{{"alert", std::string(name(alert))}}, number(is_raised)});
  }
  add(families, "trestle_loop_turn_seconds", help_of("loop.turn_time"), MetricKind::histogram)
      .histograms.push_back({{}, snapshot.turn_time});
  counter("trestle_log_lines_dropped_total", "log.lines_dropped_total",
          number(snapshot.log_lines_dropped));
  counter("trestle_metrics_scrapes_total", "metrics.scrapes_total", number(snapshot.scrapes));
  counter("trestle_metrics_failures_total", "metrics.failures_total",
          number(snapshot.scrape_failures));
  gauge("process_resident_memory_bytes", "process.memory", number(snapshot.process.resident_bytes));
  gauge("process_open_fds", "process.descriptors", number(snapshot.process.descriptors));
  gauge("process_max_fds", "process.descriptors_max", number(snapshot.process.descriptors_max));
  counter("process_cpu_seconds_total", "process.time", seconds(snapshot.process.processor_time));
}

/// One series for each thread of the transport, counted from 1.
void add_threads(const std::vector<ThreadFigures>& threads, MetricFamilies& families) {
  const auto add_figure = [&](std::string_view figure, auto member) {
    const MetricKind kind = figure.ends_with("_total") ? MetricKind::counter : MetricKind::gauge;
    MetricFamily& family = add(families, metric_name(figure), help_of(figure), kind);
    for (std::size_t index = 0; index < threads.size(); ++index) {
      family.values.push_back(
          {{{"thread", std::to_string(index + 1)}}, number(threads[index].*member)});
    }
  };
  if (threads.empty()) return;
  add_figure("thread.connections", &ThreadFigures::connections);
  add_figure("thread.orders_peak", &ThreadFigures::orders_peak);
  add_figure("thread.order_bytes_peak", &ThreadFigures::order_bytes_peak);
  add_figure("thread.events_peak", &ThreadFigures::events_peak);
  add_figure("thread.event_bytes_peak", &ThreadFigures::event_bytes_peak);
  add_figure("thread.orders_refused_total", &ThreadFigures::orders_refused);
  add_figure("thread.waits_total", &ThreadFigures::waits);
}

}  // namespace

void collect_metrics(const Snapshot& snapshot, MetricFamilies& families) {
  add_process(snapshot, families);
  add_threads(snapshot.threads, families);
  add_utilisation(snapshot.status, families);
  add_bridges(snapshot.status.bridges, families);
  add_peers(snapshot.status.peers, families);
  add_room_figures(snapshot.status, families);
}

}  // namespace trestle::host
