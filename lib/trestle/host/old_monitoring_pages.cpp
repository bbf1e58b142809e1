#include "trestle/host/old_monitoring_pages.hpp"

#include <algorithm>
#include <ctime>
#include <vector>

#include <fmt/core.h>
#include <malloc.h>
#include <sys/sysinfo.h>

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

/// A ratio with one digit; 0 of nothing.
std::string tenths(std::uint64_t part, std::uint64_t whole, std::uint64_t scale) {
  if (whole == 0) return "0";
  const std::uint64_t value = part * scale * 10 / whole;
  return fmt::format("{}.{}", value / 10, value % 10);
}

const Histogram* find(const node::Status& status, std::string_view name) {
  const auto place = std::ranges::find(status.histograms, name, &node::NamedHistogram::name);
  return place == status.histograms.end() ? nullptr : &place->histogram;
}

std::uint64_t count_of(const node::Status& status, std::string_view name) {
  const Histogram* histogram = find(status, name);
  return histogram == nullptr ? 0 : histogram->count();
}

struct Percentiles {
  std::int64_t p50 = 0;
  std::int64_t p95 = 0;
  std::int64_t p99 = 0;
};

Percentiles percentiles(const Histogram* histogram) {
  if (histogram == nullptr) return {};
  return {milliseconds(histogram->quantile(500)), milliseconds(histogram->quantile(950)),
          milliseconds(histogram->quantile(990))};
}

/// Of the round trips to all peers.
Percentiles pings(const node::Status& status) {
  Histogram histogram;
  for (const node::PeerStatus& peer : status.peers) {
    if (peer.rtt > Duration::zero()) histogram.add(peer.rtt);
  }
  return percentiles(&histogram);
}

void add_latency(ObjectWriter& object, const std::string& name, const Percentiles& figures) {
  object.integer(name + "_p50", figures.p50).integer(name + "_p95", figures.p95);
  object.integer(name + "_p99", figures.p99);
}

void add_memory(ObjectWriter& object, const Snapshot& snapshot) {
  struct sysinfo machine{};
  const std::uint64_t limit =
      ::sysinfo(&machine) == 0 ? std::uint64_t{machine.totalram} * machine.mem_unit : 0;
  const struct mallinfo2 heap = ::mallinfo2();
  const std::uint64_t resident = snapshot.process.resident_bytes;
  object.integer("memory_used_bytes", number(resident));
  object.integer("memory_limit_bytes", number(limit));
  object.raw("memory_percent", tenths(resident, limit, 100));
  object.integer("memory_heap_used_bytes", number(heap.uordblks + heap.hblkhd));
  object.integer("memory_heap_total_bytes", number(heap.arena + heap.hblkhd));
  object.integer("memory_external_bytes", number(heap.hblkhd));
}

/// Of the old node's tables those that ours has too, by their number of entries.
std::string map_sizes(const node::Status& status) {
  ObjectWriter object;
  object.integer("storage", number(counter_of(status, "dht.records")));
  object.integer("republishQueue", number(counter_of(status, "dht.records")));
  object.integer("pendingRequests", number(counter_of(status, "dht.operations")));
  for (const char* table :
       {"messageQueue", "messageProcessingFlags", "pendingWebSocketRequests", "processedMessages",
        "failedPeerQueries", "peerFailureBackoff", "findNodeRateLimit"}) {
    object.integer(table, 0);
  }
  object.integer("bucketLastActivity", number(counter_of(status, "dht.buckets")));
  object.integer("peerNodes", number(counter_of(status, "mesh.known")));
  for (const char* table : {"unsolicitedResponseCounts", "connectionFailureCount",
                            "failedOfferChecks", "_messageErrorLogTimes", "_findNodeErrorLogTimes",
                            "_getQueryErrorLogTimes", "_sendMessageErrorLogTimes"}) {
    object.integer(table, 0);
  }
  return object.take();
}

/// How many keys there are; which, the owner of the data may ask at the admin listener.
std::string storage_analysis(const node::Status& status) {
  ObjectWriter object;
  object.integer("totalEntries", number(counter_of(status, "dht.records")));
  object.raw("prefixCounts", "{}").raw("oldest5", "[]").raw("newest5", "[]");
  return object.take();
}

std::string short_ids(const node::Status& status) {
  constexpr std::size_t kShortDigits = 8;
  ArrayWriter array;
  for (const node::PeerStatus& peer : status.peers) {
    array.text(peer.id.to_hex().substr(0, kShortDigits));
  }
  return array.take();
}

std::string old_dht(const node::Status& status) {
  const std::string ids = short_ids(status);
  const auto peers = static_cast<std::int64_t>(status.peers.size());
  ObjectWriter object;
  object.integer("connectedPeers", peers);
  object.integer("routingTableSize", number(counter_of(status, "dht.table")));
  object.boolean("active", peers > 0).raw("peerListShort", ids);
  object.raw("routingTableNodesShort", ids).raw("peerNodesMapShort", ids);
  object.integer("uniquePeers", peers).integer("duplicatesInPeerList", 0);
  return object.take();
}

std::string old_stability(const node::Status& status) {
  const std::uint64_t up = counter_of(status, "mesh.links_up_total");
  const std::uint64_t down = counter_of(status, "mesh.links_down_total");
  ObjectWriter object;
  object.integer("currentConnections", static_cast<std::int64_t>(status.peers.size()));
  object.integer("peakConnections", number(up)).integer("connectionsEstablished", number(up));
  object.integer("connectionsLost", number(down));
  object.integer("connectionFailures", number(counter_of(status, "mesh.dials_failed_total")));
  object.integer("churnPerMinute", 0);
  object.text("stabilityRatio", tenths(up - std::min(up, down), up, 100) + "%");
  object.integer("netConnections", number(up) - number(down));
  return object.take();
}

std::string old_metrics_of_status(const Snapshot& snapshot, bool is_healthy, std::int64_t started,
                                  std::int64_t now) {
  const node::Status& status = snapshot.status;
  const std::int64_t links = static_cast<std::int64_t>(status.peers.size());
  const std::int64_t up = number(counter_of(status, "mesh.links_up_total"));
  ObjectWriter object;
  object.integer("startTime", started);
  object.integer("dhtStores", number(count_of(status, "host.put_time")));
  object.integer("dhtGets", number(count_of(status, "host.get_time")));
  object.integer("dhtFindNodes", number(counter_of(status, "dht.lookups_total")));
  object.integer("dhtStoreFails", 0).integer("dhtGetFails", 0).integer("pubsubPublishes", 0);
  object.integer("pubsubSubscribes", 0);
  object.integer("messagesReceived", number(counter_of(status, "host.frames_received_total")));
  object.integer("messagesSent", number(counter_of(status, "host.frames_sent_total")));
  object.integer("bytesReceived", number(counter_of(status, "host.bytes_received_total")));
  object.integer("bytesSent", number(counter_of(status, "host.bytes_sent_total")));
  for (const char* samples : {"dataTransferSamples", "storeLatencies", "getLatencies",
                              "findNodeLatencies", "pingLatencies", "opsLastMinute"}) {
    object.raw(samples, "[]");
  }
  object.integer("currentConnections", links).integer("maxConnections", links);
  object.integer("connectionFailures", number(counter_of(status, "mesh.dials_failed_total")));
  object.integer("connectionsEstablished", up);
  object.integer("connectionsLost", number(counter_of(status, "mesh.links_down_total")));
  object.integer("reconnectionAttempts", number(counter_of(status, "joiner.isolated_total")));
  object.integer("reconnectionSuccesses", 0).integer("peakConnections", up);
  object.raw("connectionChurn", "[]").integer("lastHealthCheck", now);
  object.boolean("isHealthy", is_healthy).integer("healthCheckFailures", 0);
  return object.take();
}

}  // namespace

std::string old_node_metrics(const Snapshot& snapshot, bool is_healthy) {
  const node::Status& status = snapshot.status;
  const auto counter = [&](std::string_view name) { return number(counter_of(status, name)); };
  const std::int64_t peers = static_cast<std::int64_t>(status.peers.size());
  const std::uint64_t seconds =
      static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds(status.uptime), 1));
  ObjectWriter object;
  object.raw("node_uptime_seconds", fmt::format("{}.{:03}", seconds / 1000, seconds % 1000));
  object.integer("node_healthy", is_healthy ? 1 : 0);
  add_memory(object, snapshot);
  object.integer("dht_connected_peers", peers);
  object.integer("dht_routing_table_size", counter("dht.table"));
  object.integer("dht_connection_failures_total", counter("mesh.dials_failed_total"));
  object.integer("dht_store_operations_total", number(count_of(status, "host.put_time")));
  object.integer("dht_get_operations_total", number(count_of(status, "host.get_time")));
  object.integer("dht_findnode_operations_total", counter("dht.lookups_total"));
  object.integer("dht_store_failures_total", counter("host.put_failures_total"));
  object.integer("dht_get_failures_total", counter("host.get_failures_total"));
  for (const char* absent : {"pubsub_publish_operations_total", "pubsub_subscribe_operations_total",
                             "pubsub_messages_received_total", "pubsub_messages_sent_total"}) {
    object.integer(absent, 0);
  }
  const std::uint64_t received = counter_of(status, "host.bytes_received_total");
  const std::uint64_t sent = counter_of(status, "host.bytes_sent_total");
  object.integer("data_bytes_received_total", number(received));
  object.integer("data_bytes_sent_total", number(sent));
  object.raw("data_bytes_received_per_second", tenths(received, seconds, 1000));
  object.raw("data_bytes_sent_per_second", tenths(sent, seconds, 1000));
  add_latency(object, "dht_store_latency", percentiles(find(status, "host.put_time")));
  add_latency(object, "dht_get_latency", percentiles(find(status, "host.get_time")));
  add_latency(object, "ping_latency", pings(status));
  object.raw("operations_per_second",
             tenths(counter_of(status, "dht.operations_total"), seconds, 1000));
  const std::uint64_t up = counter_of(status, "mesh.links_up_total");
  const std::uint64_t down = counter_of(status, "mesh.links_down_total");
  object.integer("connections_established_total", number(up));
  object.integer("connections_lost_total", number(down)).integer("connection_churn_per_minute", 0);
  object.integer("reconnection_attempts_total", counter("joiner.isolated_total"));
  object.integer("reconnection_successes_total", 0).integer("peak_connections", number(up));
  object.text("connection_stability_ratio", tenths(up - std::min(up, down), up, 100));
  object.raw("map_sizes", map_sizes(status)).raw("storage_analysis", storage_analysis(status));
  return object.take();
}

std::string old_node_status(const Snapshot& snapshot, bool is_healthy,
                            const OldMonitoringFacts& facts) {
  const node::Status& status = snapshot.status;
  const std::int64_t now = facts.now.time_since_epoch().count();
  const std::string id = status.id.to_hex();
  constexpr std::size_t kShownDigits = 16;
  ObjectWriter health;
  health.boolean("isHealthy", is_healthy).integer("lastCheck", now);
  ObjectWriter object;
  object.text("nodeId", id.substr(0, kShownDigits) + "...").text("fullNodeId", id);
  object.text("nodeType", "nodejs-active");
  object.raw("capabilities", "[\"websocket\",\"storage\",\"routing\"]");
  object.integer("uptime", milliseconds(status.uptime)).raw("dht", old_dht(status));
  object.raw("pubsub", "{\"activeSubscriptions\":0,\"active\":false}");
  object.raw("connectionStability", old_stability(status));
  object.raw("metrics",
             old_metrics_of_status(snapshot, is_healthy, now - milliseconds(status.uptime), now));
  object.raw("health", health.take());
  return object.take();
}

std::string no_ipv6_trends(WallTime now) {
  const std::int64_t milliseconds_now = now.time_since_epoch().count();
  const auto seconds = static_cast<std::time_t>(milliseconds_now / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const auto term = [](const char* period) {
    return fmt::format(
        "{{\"period\":\"{}\",\"dataPoints\":0,\"trend\":\"insufficient_data\",\"direction\":"
        "\"unknown\",\"changePercentagePoints\":0,\"changeRate\":0,\"startValue\":null,"
        "\"endValue\":null,\"minValue\":null,\"maxValue\":null,\"avgValue\":null}}",
        period);
  };
  ObjectWriter object;
  object.integer("timestamp", milliseconds_now);
  object.text("timestampISO",
              fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                          parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                          parts.tm_sec, milliseconds_now % 1000));
  object.raw("current",
             "{\"totalPeers\":0,\"ipv6Capable\":0,\"ipv6Percentage\":0,\"needsRelay\":0,"
             "\"needsRelayPercentage\":0}");
  object.raw("shortTerm", term("24 hours")).raw("mediumTerm", term("30 days"));
  object.raw("longTerm", term("12 weeks")).raw("platformTrends", "{}");
  object.raw("browserTrends", "{}").raw("insights", "[]");
  object.raw("snapshots", "{\"hourly\":[],\"daily\":[],\"weekly\":[]}");
  return object.take();
}

const std::string_view kNoCandidateTypes =
    "{\"host\":{\"count\":0,\"percentage\":0},\"srflx\":{\"count\":0,\"percentage\":0},"
    "\"prflx\":{\"count\":0,\"percentage\":0},\"relay\":{\"count\":0,\"percentage\":0}}";

const std::string_view kNoConnectionProfiles =
    "{\"totalReports\":0,\"natTypes\":{\"open\":0,\"easy\":0,\"hard\":0,\"unknown\":0},"
    "\"portPatterns\":{\"sequential\":0,\"random\":0,\"unknown\":0},\"ipv6Capable\":0,"
    "\"needsRelay\":0,\"ipv6ByPlatform\":{},\"ipv6ByBrowser\":{},\"ipv6ByCategory\":{}}";

const std::string_view kInfoPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Bootstrap node</title>"
    "<h1>Bootstrap node</h1><p>Peers of this network connect here over WebSocket to be introduced "
    "to each other. There is nothing to see for a browser.</p>"
    "<p>For monitoring: <a href=\"/health\">/health</a>, <a href=\"/bridge-health\">/bridge-health"
    "</a>, <a href=\"/stats\">/stats</a>, <a href=\"/metrics\">/metrics</a>.</p></html>\n";

// Whoever pipes these into a shell gets a sentence, and nothing is changed.
const std::string_view kInstallScript =
    "#!/bin/sh\necho 'This bootstrap node hands out no installer: get the programs where its "
    "operator says.' >&2\nexit 1\n";
const std::string_view kInstallPowerShell =
    "Write-Error 'This bootstrap node hands out no installer: get the programs where its operator "
    "says.'\nexit 1\n";

const std::string_view kNotFoundText =
    "Not Found\n\nAvailable endpoints:\n"
    "  /           - Information\n"
    "  /health     - Health check\n"
    "  /bridge-health - Which bridges are connected\n"
    "  /stats      - Server statistics\n"
    "  /metrics    - Success rate of joins\n";

}  // namespace trestle::host
