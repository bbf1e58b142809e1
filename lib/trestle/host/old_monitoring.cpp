#include "trestle/host/old_monitoring.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/core.h>

#include "trestle/host/old_monitoring_pages.hpp"
#include "trestle/host/recent_window.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

using wire::json::ArrayWriter;
using wire::json::ObjectWriter;

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// The old system's clock: milliseconds since 1970.
std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }

/// A share in percent with one digit, 0 of nothing.
std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0";
  return fmt::format("{}.{}", part * 100 / whole, part * 1000 / whole % 10);
}

HttpReply json_reply(int status, std::string body) {
  return {status, "application/json", std::move(body), {}};
}

std::uint64_t connected_peers(const node::Status& status) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      status.peers,
      [](const node::PeerStatus& peer) { return peer.role != wire::Role::bootstrap; }));
}

// ---- the bootstrap

/// A bridge that was closed for idleness comes back with the next request: it is not missing.
bool is_available(const node::BridgeSlotStatus& bridge) {
  return bridge.state == "connected" || bridge.phase == "idle";
}

std::string old_bridge(const node::BridgeSlotStatus& bridge, const OldMonitoringFacts& facts) {
  std::string state(bridge.state);
  for (char& letter : state) letter = static_cast<char>(std::toupper(letter));
  const bool is_connected = bridge.state == "connected";
  ObjectWriter object;
  object.text("nodeId", bridge.id.is_zero() ? "" : bridge.id.to_hex());
  object.text("address", bridge.url).boolean("available", is_available(bridge));
  object.text("state", state);
  object.integer(
      "lastActivity",
      is_connected ? milliseconds(facts.now) - milliseconds(bridge.last_request_ago) : 0);
  object.integer("connectAttempts", bridge.dial_attempts);
  return object.take();
}

HttpReply bridge_health(const Snapshot& snapshot, const OldMonitoringFacts& facts) {
  ArrayWriter results;
  ArrayWriter connected;
  std::int64_t available = 0;
  const auto& bridges = snapshot.status.bridges;
  for (const node::BridgeSlotStatus& bridge : bridges) {
    const std::string shown = old_bridge(bridge, facts);
    results.raw(shown);
    if (!is_available(bridge)) continue;
    connected.raw(shown);
    ++available;
  }
  const auto total = static_cast<std::int64_t>(bridges.size());
  const bool is_healthy = available == total && total > 0;
  ObjectWriter availability;
  availability.integer("available", available).integer("unavailable", total - available);
  availability.integer("total", total).raw("results", results.take());
  availability.raw("connectedBridgeNodes", connected.take());
  ObjectWriter object;
  object.boolean("healthy", is_healthy).raw("bridgeAvailability", availability.take());
  object.integer("timestamp", milliseconds(facts.now));
  object.text("message", is_healthy
                             ? "All bridge nodes available"
                             : fmt::format("{} of {} bridge nodes available", available, total));
  return json_reply(is_healthy ? 200 : 503, object.take());
}

struct Joins {
  std::uint64_t attempts = 0;
  std::uint64_t successes = 0;
};

std::string old_connection_type(const Joins& joins) {
  ObjectWriter object;
  object.integer("attempts", number(joins.attempts)).integer("successes", number(joins.successes));
  object.integer("failures", number(joins.attempts - joins.successes));
  object.raw("successRate", percent(joins.successes, joins.attempts));
  return object.take();
}

Joins counted_joins(const node::Status& status) {
  Joins joins;
  for (const char* outcome : {"reception.introduced_total", "reception.genesis_total",
                              "reception.emergency_total", "reception.bridges_total"}) {
    joins.successes += counter_of(status, outcome);
  }
  joins.attempts = joins.successes + counter_of(status, "reception.failed_total") +
                   counter_of(status, "reception.busy_total");
  return joins;
}

/// What browsers report of their connections to each other.
Joins reported_outcomes(const node::Status& status) {
  const std::uint64_t successes = counter_of(status, "legacy.outcomes_succeeded_total");
  return {successes + counter_of(status, "legacy.outcomes_failed_total"), successes};
}

/// Connections that peers report, as ever, and joins, which the old system could not count.
HttpReply bootstrap_metrics(const Snapshot& snapshot, const OldMonitoringFacts& facts) {
  constexpr std::uint64_t kTargetPercent = 95;
  const node::Status& status = snapshot.status;
  const Joins joins = counted_joins(status);
  const Joins reported = reported_outcomes(status);
  const Joins all{joins.attempts + reported.attempts, joins.successes + reported.successes};

  ObjectWriter summary;
  summary.integer("totalAttempts", number(all.attempts));
  summary.integer("totalSuccesses", number(all.successes));
  summary.integer("totalFailures", number(all.attempts - all.successes));
  summary.raw("overallSuccessRate", percent(all.successes, all.attempts));
  summary.integer("targetSuccessRate", kTargetPercent);
  summary.boolean("meetsTarget",
                  all.attempts > 0 && all.successes * 100 >= all.attempts * kTargetPercent);
  ObjectWriter types;
  types.raw("webrtc", old_connection_type(reported)).raw("websocket", old_connection_type(joins));
  types.raw("relay", old_connection_type({}));
  const std::uint64_t recent = snapshot.recent.joins + snapshot.recent.busy;
  ObjectWriter window;
  window.integer("windowSizeMs", milliseconds(std::chrono::minutes(1)));
  window.text("windowSizeHuman", "1 minute").integer("attempts", number(recent));
  window.integer("successes", number(snapshot.recent.joins));
  window.raw("successRate", percent(snapshot.recent.joins, recent)).raw("failureReasons", "{}");

  ObjectWriter object;
  object.raw("summary", summary.take()).raw("byConnectionType", types.take());
  object.raw("byNatPair", "{}").raw("iceCandidateTypes", kNoCandidateTypes);
  object.raw("recentMetrics", window.take()).raw("connectionProfiles", kNoConnectionProfiles);
  object.raw("ipv6Trends", no_ipv6_trends(facts.now));
  object.null("lastUpdated").integer("timestamp", milliseconds(facts.now));
  return json_reply(200, object.take());
}

HttpReply bootstrap_stats(const Snapshot& snapshot, const OldMonitoringFacts& facts) {
  const node::Status& status = snapshot.status;
  ObjectWriter object;
  object.boolean("isStarted", status.state != "draining");
  object.integer("totalPeers", number(counter_of(status, "reception.clients")));
  object.integer("maxPeers", number(facts.connections_max));
  object.integer("totalConnections", number(counter_of(status, "link.connections")));
  object.integer("bridgeNodes", number(counter_of(status, "pool.bridges_usable")));
  object.boolean("createNewDHT", facts.is_genesis_allowed).integer("pendingReconnections", 0);
  object.raw("connectionProfiles", kNoConnectionProfiles).boolean("canRelay", false);
  object.raw("capabilities", "[\"websocket\",\"signaling\"]");
  return json_reply(200, object.take());
}

HttpReply bootstrap_reply(std::string_view path, const Snapshot& snapshot,
                          const OldMonitoringFacts& facts) {
  if (path == "/health") {
    ObjectWriter object;
    object.text("status", snapshot.status.healthy ? "ok" : "unavailable");
    object.integer("peers", number(counter_of(snapshot.status, "reception.clients")));
    return json_reply(snapshot.status.healthy ? 200 : 503, object.take());
  }
  if (path == "/bridge-health") return bridge_health(snapshot, facts);
  if (path == "/metrics") return bootstrap_metrics(snapshot, facts);
  if (path == "/stats") return bootstrap_stats(snapshot, facts);
  if (path == "/" || path == "/info" || path == "/support") {
    return {200, "text/html; charset=utf-8", std::string(kInfoPage), {}};
  }
  if (path == "/install" || path == "/install.sh") {
    return {200, "text/plain; charset=utf-8", std::string(kInstallScript), {}};
  }
  if (path == "/install.ps1") {
    return {200, "text/plain; charset=utf-8", std::string(kInstallPowerShell), {}};
  }
  return {404, "text/plain; charset=utf-8", std::string(kNotFoundText), {}};
}

// ---- bridges

HttpReply bridge_reply(std::string_view path, const Snapshot& snapshot,
                       const OldMonitoringFacts& facts) {
  const node::Status& status = snapshot.status;
  const std::int64_t peers = number(connected_peers(status));
  const std::int64_t uptime = milliseconds(status.uptime);
  const std::int64_t announced = number(counter_of(status, "desk.members"));
  const std::int64_t bootstraps = number(counter_of(status, "desk.bootstraps"));
  ObjectWriter object;
  if (path == "/health") {
    object.boolean("healthy", status.healthy).integer("uptime", uptime);
    object.integer("connectedPeers", peers).integer("timestamp", milliseconds(facts.now));
    object.text("nodeType", "bridge");
    return json_reply(status.healthy ? 200 : 503, object.take());
  }
  if (path == "/metrics") {
    object.integer("uptime", uptime).integer("connectedPeers", peers);
    object.integer("peerAnnouncements", announced).integer("authorizedBootstrap", bootstraps);
    object.integer("timestamp", milliseconds(facts.now));
    return json_reply(200, object.take());
  }
  object.text("nodeType", "bridge").text("nodeId", status.id.to_hex()).integer("uptime", uptime);
  object.integer("connectedPeers", peers).integer("peerAnnouncements", announced);
  object.integer("authorizedBootstrap", bootstraps).integer("bridgePort", facts.port);
  object.integer("metricsPort", facts.port).boolean("isHealthy", status.healthy);
  return json_reply(200, object.take());
}

// ---- nodes

/// The old rule: it has a peer, or has not had a minute to find one. The old system had no disk
/// that could fail.
bool is_healthy_node(const node::Status& status) {
  return status.state != "draining" && counter_of(status, "storage.failed") == 0 &&
         (connected_peers(status) > 0 || status.uptime < std::chrono::seconds(60));
}

HttpReply node_health(const node::Status& status, const OldMonitoringFacts& facts) {
  const bool is_healthy = is_healthy_node(status);
  ObjectWriter object;
  object.boolean("healthy", is_healthy).integer("uptime", milliseconds(status.uptime));
  object.integer("connectedPeers", number(connected_peers(status)));
  object.boolean("bootstrapConnected", false);  // The old one never said anything else.
  object.integer("timestamp", milliseconds(facts.now));
  return json_reply(is_healthy ? 200 : 503, object.take());
}

}  // namespace

HttpReply old_monitoring_reply(std::string_view path, const Snapshot& snapshot,
                               const OldMonitoringFacts& facts) {
  const node::Status& status = snapshot.status;
  if (status.program == "bootstrap-node") {
    HttpReply reply = bootstrap_reply(path, snapshot, facts);
    reply.headers.emplace_back("access-control-allow-origin", "*");
    return reply;
  }
  const bool is_known = path == "/health" || path == "/metrics" || path == "/status";
  if (!is_known) return {426, "text/plain", "Upgrade Required", {}};
  if (status.program == "bridge-node") return bridge_reply(path, snapshot, facts);
  if (path == "/health") return node_health(status, facts);
  const bool is_healthy = is_healthy_node(status);
  return json_reply(200, path == "/metrics" ? old_node_metrics(snapshot, is_healthy)
                                            : old_node_status(snapshot, is_healthy, facts));
}

}  // namespace trestle::host
