#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/host/alerts.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/metrics.hpp"
#include "trestle/host/recent_window.hpp"
#include "trestle/host/snapshot.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/weaker_modes.hpp"
#include "trestle/node/status.hpp"

namespace trestle::host {

struct OverviewOptions {
  MetricsOptions metrics;
  AlertOptions alerts;
  RecentWindowOptions recent;
  /// How often the alerts are looked at.
  Duration look_every = std::chrono::seconds(1);
  /// How often the log says what the program takes (BRIDGE-07): 144 lines a day.
  Duration report_every = std::chrono::minutes(10);
  /// Strangers may ask the public port as often as they like; the figures they are shown are as old
  /// as this, so that each costs them more than us.
  Duration public_view_for = std::chrono::seconds(1);
  /// Whether the public port answers the old system's monitoring, or only `/health`.
  bool serves_legacy = true;
  /// Two facts that the old `/stats` shows.
  std::size_t connections_max = 10'000;
  bool is_genesis_allowed = false;
  /// What protects less than it could (T34).
  std::vector<WeakerMode> weaker;
};

/// Whom the overview asks for the node's snapshot, the transport's figures included.
class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual node::Status status() = 0;
  virtual bool is_healthy() = 0;
  virtual std::vector<node::MemberStatus> members() { return {}; }
  virtual std::vector<ThreadFigures> threads() { return {}; }
};

/// What operators see of a running program: status, metrics, alerts, the page, and the old
/// monitoring. Looks once a second; everything else is made when it is asked for.
class Overview final : private MetricSource {
 public:
  Overview(EventLoop& loop, StatusSource& source, Log& log, const OverviewOptions& options = {});

  void start();
  /// Whatever the admin listener shows or switches; nothing for paths that are not of this kind.
  /// Changing requests have been checked for their content type.
  std::optional<HttpReply> admin_reply(const HttpRequest& request);
  /// The public port's answer to plain HTTP.
  HttpReply public_reply(const HttpRequest& request);
  void set_public_port(std::uint16_t port) { public_port_ = port; }

  /// For figures of an embedding program's own.
  Metrics& metrics() { return metrics_; }
  void set_alert_thresholds(const AlertThresholds& thresholds) {
    alerts_.set_thresholds(thresholds);
  }
  void set_weaker_modes(std::vector<WeakerMode> modes);
  Snapshot snapshot();

 private:
  void collect(MetricFamilies& families) override;
  void look();
  void report(Instant now, const Snapshot& snapshot);
  void say_what_is_over(Instant now);
  AlertFigures figures_of(const Snapshot& snapshot) const;
  HttpReply metrics_reply();
  HttpReply switch_metrics(bool on);
  HttpReply health_reply();
  std::optional<HttpReply> page_reply(std::string_view path);

  EventLoop& loop_;
  StatusSource& source_;
  Log& log_;
  OverviewOptions options_;
  Metrics metrics_;
  Alerts alerts_;
  RecentWindow recent_;
  Timer look_timer_;
  Instant report_at_{};
  Duration processor_time_reported_{};
  std::optional<Snapshot> public_view_;
  Instant public_view_at_{};
  std::uint16_t public_port_ = 0;
  std::string said_over_;  ///< Which weaker modes were said to be over.
};

}  // namespace trestle::host
