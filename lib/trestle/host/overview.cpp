#include "trestle/host/overview.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/node_metrics.hpp"
#include "trestle/host/old_monitoring.hpp"
#include "trestle/host/status_json.hpp"
#include "trestle/host/status_page.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

/// What counts as a join, as one refused, and as the time it took: at a bootstrap node, then at a
/// bridge. The other program's counters are not there and count as zero.
constexpr std::string_view kJoins[] = {"reception.introduced_total", "reception.genesis_total",
                                       "reception.emergency_total", "reception.bridges_total",
                                       "desk.answered_total"};
constexpr std::string_view kBusy[] = {"reception.busy_total", "desk.busy_total"};
constexpr std::string_view kTimes[] = {"reception.join_time", "desk.service_time"};

/// Below so many results a share or a percentile says more about chance than about the node.
constexpr std::uint64_t kResultsMin = 20;
constexpr std::uint64_t kMebibyte = 1024 * 1024;

HttpReply json_reply(int status, std::string body) {
  body.push_back('\n');
  return {status, "application/json", std::move(body), {}};
}

std::optional<std::uint64_t> percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return part * 100 / whole;
}

}  // namespace

Overview::Overview(EventLoop& loop, StatusSource& source, Log& log, const OverviewOptions& options)
    : loop_(loop),
      source_(source),
      log_(log),
      options_(options),
      metrics_(options.metrics),
      alerts_(options.alerts),
      recent_(options.recent),
      look_timer_(loop.loop(), [this] { look(); }) {
  metrics_.add(*this);
}

void Overview::start() {
  report_at_ = after(steady_now(), options_.report_every);
  look();
}

// ---- looking

Snapshot Overview::snapshot() {
  Snapshot snapshot;
  snapshot.status = source_.status();
  const node::Status& status = snapshot.status;
  snapshot.recent.span = recent_.span(steady_now());
  for (const std::string_view name : kJoins)
    snapshot.recent.joins += recent_.increase(status, name);
  for (const std::string_view name : kBusy) snapshot.recent.busy += recent_.increase(status, name);
  for (const std::string_view name : kTimes) {
    const Histogram time = recent_.recent(status, name);
    if (time.count() > 0) snapshot.recent.time = time;
  }
  for (const node::BridgeSlotStatus& bridge : status.bridges) {
    snapshot.recent.bridges.push_back(recent_.recent_requests(bridge));
  }
  snapshot.process = read_process_figures();
  snapshot.turn_time = loop_.turn_time();
  snapshot.threads = source_.threads();
  snapshot.log_lines_dropped = log_.lines_dropped();
  snapshot.alerts = alerts_.raised();
  snapshot.thresholds = alerts_.thresholds();
  snapshot.weaker = options_.weaker;
  snapshot.are_metrics_on = metrics_.is_on();
  snapshot.scrapes = metrics_.stats().scrapes;
  snapshot.scrape_failures = metrics_.stats().failures;
  return snapshot;
}

void Overview::look() {
  look_timer_.start(options_.look_every);
  log_.flush();
  const Instant now = steady_now();
  const Snapshot seen = snapshot();
  recent_.sample(now, seen.status);
  if (now >= report_at_) report(now, seen);
  say_what_is_over(now);
  for (const Alerts::Change& change : alerts_.update(now, figures_of(seen))) {
    log_.write(now, {change.is_raised ? LogLevel::warning : LogLevel::info,
                     change.is_raised ? "alert.raised" : "alert.cleared",
                     ErrorCode::none,
                     {},
                     std::string(name(change.alert)) + ": " + describe(change)});
  }
}

void Overview::set_weaker_modes(std::vector<WeakerMode> modes) {
  options_.weaker = std::move(modes);
}

/// Once: the program goes on with them, but it would not be started again.
void Overview::say_what_is_over(Instant now) {
  std::string over = options_over(options_.weaker, wall_now());
  if (over == said_over_) return;
  said_over_ = std::move(over);
  if (said_over_.empty()) return;
  log_.write(now, {LogLevel::error,
                   "host.weaker_over",
                   ErrorCode::none,
                   {},
                   "the time of " + said_over_ +
                       " is over, and the next start will be refused: take it out, or give a "
                       "later date and reload"});
}

void Overview::report(Instant now, const Snapshot& snapshot) {
  const ProcessFigures& process = snapshot.process;
  const Duration since = now - report_at_ + options_.report_every;
  const Duration used = process.processor_time - processor_time_reported_;
  processor_time_reported_ = process.processor_time;
  report_at_ = after(now, options_.report_every);
  log_.write(
      now,
      {LogLevel::info,
       "host.resources",
       ErrorCode::none,
       {},
       fmt::format("{} MiB resident, {} of {} descriptors, {} WebSockets, {} % of a processor",
                   process.resident_bytes / kMebibyte, process.descriptors, process.descriptors_max,
                   counter_of(snapshot.status, "host.connections"), 100 * used / since)});
}

AlertFigures Overview::figures_of(const Snapshot& snapshot) const {
  const node::Status& status = snapshot.status;
  AlertFigures figures;
  if (!status.bridges.empty()) {
    // One that was closed for idleness is dialled with the next request.
    figures[index_of(Alert::bridges)] = static_cast<std::uint64_t>(
        std::ranges::count_if(status.bridges, [](const node::BridgeSlotStatus& bridge) {
          return bridge.usable || bridge.phase == "idle";
        }));
  }
  const auto filling = [&](std::string_view figure, std::string_view bound) {
    return percent(counter_of(status, figure), counter_of(status, bound));
  };
  const auto pool = filling("pool.requests_under_way", "pool.requests_max");
  const auto desk = filling("desk.waiting", "desk.waiting_max");
  figures[index_of(Alert::queue)] = pool ? pool : desk;
  const std::uint64_t results = snapshot.recent.joins + snapshot.recent.busy;
  if (results >= kResultsMin) {
    figures[index_of(Alert::busy)] = percent(snapshot.recent.busy, results);
  }
  if (snapshot.recent.time.count() >= kResultsMin) {
    constexpr std::uint32_t kNinetyNine = 990;
    figures[index_of(Alert::slow)] =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       snapshot.recent.time.quantile(kNinetyNine))
                                       .count());
  }
  figures[index_of(Alert::descriptors)] =
      percent(snapshot.process.descriptors, snapshot.process.descriptors_max);
  figures[index_of(Alert::memory)] = snapshot.process.resident_bytes / kMebibyte;
  if (counter_of(status, "dht.records") > 0) {
    figures[index_of(Alert::refresh)] = counter_of(status, "dht.refresh_lag_percent");
  }
  figures[index_of(Alert::weaker)] = days_left(options_.weaker, wall_now());
  return figures;
}

// ---- the admin listener

std::optional<HttpReply> Overview::admin_reply(const HttpRequest& request) {
  if (request.method == HttpMethod::post) {
    if (request.path == "/metrics/on") return switch_metrics(true);
    if (request.path == "/metrics/off") return switch_metrics(false);
    return std::nullopt;
  }
  if (request.path == "/status") return json_reply(200, to_json(snapshot()));
  if (request.path == "/peers") return json_reply(200, peers_to_json(source_.status()));
  if (request.path == "/members") return json_reply(200, members_to_json(source_.members()));
  if (request.path == "/health") return health_reply();
  if (request.path == "/metrics") return metrics_reply();
  return page_reply(request.path);
}

std::optional<HttpReply> Overview::page_reply(std::string_view path) {
  if (path == "/") return status_page(snapshot());
  if (path == "/overview") return status_page_part(snapshot());
  return status_page_file(path);
}

HttpReply Overview::health_reply() {
  const Snapshot seen = snapshot();
  const bool is_healthy = source_.is_healthy();
  wire::json::ObjectWriter object;
  object.text("status", is_healthy ? "ok" : "unavailable");
  object.raw("alerts", alerts_to_json(seen.alerts));
  return json_reply(is_healthy ? 200 : 503, object.take());
}

void Overview::collect(MetricFamilies& families) { collect_metrics(snapshot(), families); }

HttpReply Overview::metrics_reply() {
  const bool was_on = metrics_.is_on();
  auto text = metrics_.scrape();
  if (text) return {200, kPrometheusContentType, std::move(*text), {}};
  if (text.error() == Metrics::Refusal::off) {
    return json_reply(
        503, code_to_json(ErrorCode::unsupported, "the metrics are off; POST /metrics/on"));
  }
  const Instant now = steady_now();
  log_.write(
      now,
      {LogLevel::warning, "metrics.failed", ErrorCode::none, {}, metrics_.stats().last_failure});
  if (was_on && !metrics_.is_on()) {
    log_.write(now, {LogLevel::error,
                     "metrics.off",
                     ErrorCode::none,
                     {},
                     "too many failures in a row; POST /metrics/on switches them on again"});
  }
  return json_reply(500, code_to_json(ErrorCode::refused, "the metrics could not be collected"));
}

HttpReply Overview::switch_metrics(bool on) {
  if (metrics_.is_on() != on) {
    log_.write(
        steady_now(),
        {LogLevel::info, on ? "metrics.on" : "metrics.off", ErrorCode::none, {}, "by command"});
  }
  metrics_.switch_to(on);
  return json_reply(200,
                    std::string("{\"code\":\"NONE\",\"metrics\":\"") + (on ? "on" : "off") + "\"}");
}

// ---- the public port

HttpReply Overview::public_reply(const HttpRequest& request) {
  const bool is_get = request.method == HttpMethod::get;
  if (!options_.serves_legacy) {
    if (!is_get || request.path != "/health") return json_reply(404, "{\"status\":\"not found\"}");
    const bool is_healthy = source_.is_healthy();
    return json_reply(is_healthy ? 200 : 503,
                      is_healthy ? "{\"status\":\"ok\"}" : "{\"status\":\"unavailable\"}");
  }
  const Instant now = steady_now();
  if (!public_view_ || now - public_view_at_ >= options_.public_view_for) {
    public_view_ = snapshot();
    public_view_at_ = now;
  }
  public_view_->status.healthy = source_.is_healthy();
  return old_monitoring_reply(is_get ? std::string_view(request.path) : "no such path",
                              *public_view_,
                              {.now = wall_now(),
                               .connections_max = options_.connections_max,
                               .port = public_port_,
                               .is_genesis_allowed = options_.is_genesis_allowed});
}

}  // namespace trestle::host
