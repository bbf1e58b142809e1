#include "trestle/host/metrics.hpp"

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "trestle/host/node_metrics.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

struct Source final : MetricSource {
  void collect(MetricFamilies& families) override {
    if (is_failing) throw std::runtime_error("no figures today");
    families.push_back({"some_total", "Some.", MetricKind::counter, {{{{"a", "x\"y"}}, 3}}, {}});
  }
  bool is_failing = false;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Snapshot two_bridges() {
  Snapshot snapshot;
  snapshot.status.program = "bootstrap-node";
  for (const char* url : {"ws://a", "ws://b"}) {
    node::BridgeSlotStatus& bridge = snapshot.status.bridges.emplace_back();
    bridge.url = url;
    bridge.state = "connected";
    bridge.breaker = "closed";
    bridge.usable = true;
    bridge.connected_for = 90s;
    bridge.request_time.add(3ms);
    bridge.request_time.add(200ms);
  }
  snapshot.status.bridges[1].state = "failed";
  snapshot.status.counters = {{"pool.requests_under_way", 125},
                              {"pool.requests_max", 500},
                              {"reception.joins_total", 7},
                              {"brand.new_figure", 1}};
  snapshot.status.histograms.push_back({"reception.join_time", {}});
  snapshot.alerts = {Alert::queue};
  return snapshot;
}

}  // namespace

TEST_CASE("figures become the exposition format of Prometheus") {
  Metrics metrics;
  Source source;
  metrics.add(source);
  const auto text = metrics.scrape();
  REQUIRE(text);
  CHECK(*text ==
        "# HELP some_total Some.\n# TYPE some_total counter\nsome_total{a=\"x\\\"y\"} 3\n");
}

TEST_CASE("a failure costs one scrape, and the tenth in a row switches the metrics off") {
  Metrics metrics;
  Source source;
  metrics.add(source);
  source.is_failing = true;
  for (int failure = 1; failure <= 9; ++failure) {
    CHECK(metrics.scrape().error() == Metrics::Refusal::failed);
  }
  CHECK(metrics.is_on());
  source.is_failing = false;
  CHECK(metrics.scrape());
  CHECK(metrics.stats().failures == 9);
  CHECK(metrics.stats().last_failure == "no figures today");

  source.is_failing = true;
  for (int failure = 1; failure <= 10; ++failure) {
    CHECK(metrics.scrape().error() == Metrics::Refusal::failed);
  }
  CHECK_FALSE(metrics.is_on());
  source.is_failing = false;
  CHECK(metrics.scrape().error() == Metrics::Refusal::off);
  metrics.switch_to(true);
  CHECK(metrics.scrape());
}

TEST_CASE("what throws no exception object is swallowed too") {
  struct Rude final : MetricSource {
    void collect(MetricFamilies&) override { throw 42; }
  } rude;
  Metrics metrics;
  metrics.add(rude);
  CHECK(metrics.scrape().error() == Metrics::Refusal::failed);
}

TEST_CASE("too long a text is a failure, not a larger buffer") {
  Metrics metrics({.text_bytes_max = 20});
  Source source;
  metrics.add(source);
  CHECK(metrics.scrape().error() == Metrics::Refusal::failed);
}

TEST_CASE("while they are off nobody is asked for figures") {
  Metrics metrics({.is_on = false});
  Source source;
  source.is_failing = true;
  metrics.add(source);
  CHECK(metrics.scrape().error() == Metrics::Refusal::off);
  CHECK(metrics.stats().failures == 0);
}

TEST_CASE("a snapshot becomes metrics with units in their names") {
  MetricFamilies families;
  collect_metrics(two_bridges(), families);
  const std::string text = to_prometheus_text(families);
  for (const char* line :
       {"trestle_bridge_state{bridge=\"ws://a\",state=\"connected\"} 1\n",
        "trestle_bridge_state{bridge=\"ws://a\",state=\"failed\"} 0\n",
        "trestle_bridge_state{bridge=\"ws://b\",state=\"failed\"} 1\n",
        "trestle_bridge_breaker_state{bridge=\"ws://b\",state=\"closed\"} 1\n",
        "trestle_bridge_connection_age_seconds{bridge=\"ws://a\"} 90\n",
        "trestle_bridge_request_seconds_count{bridge=\"ws://a\"} 2\n",
        "trestle_bridge_request_seconds_sum{bridge=\"ws://a\"} 0.203",
        "trestle_bridge_request_seconds_bucket{bridge=\"ws://a\",le=\"+Inf\"} 2\n",
        "trestle_utilisation_ratio{place=\"pool\"} 0.25\n",
        "# TYPE trestle_reception_joins_total counter\n", "trestle_reception_joins_total 7\n",
        "# TYPE trestle_reception_join_seconds histogram\n",
        "trestle_alert_raised{alert=\"queue\"} 1\n", "trestle_alert_raised{alert=\"slow\"} 0\n",
        "trestle_brand_new_figure 1\n", "# TYPE process_resident_memory_bytes gauge\n"}) {
    CAPTURE(line);
    CHECK(contains(text, line));
  }
}

TEST_CASE("no two bridges share a series, though attached ones say the same address or none") {
  Snapshot snapshot = two_bridges();
  for (const std::uint32_t id : {1, 2, 2}) {
    node::BridgeSlotStatus& bridge = snapshot.status.bridges.emplace_back();
    bridge.attached = true;
    bridge.id = NodeId(0, 0, id);
    bridge.requests = snapshot.status.bridges.size();
  }
  MetricFamilies families;
  collect_metrics(snapshot, families);
  std::set<std::string> series;
  std::istringstream lines(to_prometheus_text(families));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    CAPTURE(line);
    CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
  }
  const std::string requests = "trestle_bridge_requests_total{bridge=\"";
  CHECK(series.contains(requests + "ws://a\"}"));
  const std::string id = NodeId(0, 0, 2).to_hex();
  CHECK(contains(to_prometheus_text(families), requests + "\",id=\"" + id + "\"} 5\n"));
}

TEST_CASE("the buckets are cumulative and hold what their bounds say") {
  Histogram histogram;
  histogram.add(1ms);
  histogram.add(100ms);
  const std::string text =
      to_prometheus_text({{"x_seconds", "X.", MetricKind::histogram, {}, {{{}, histogram}}}});
  CHECK(contains(text, "x_seconds_bucket{le=\"0.000512\"} 0\n"));
  CHECK(contains(text, "x_seconds_bucket{le=\"0.001024\"} 1\n"));
  CHECK(contains(text, "x_seconds_bucket{le=\"0.065536\"} 1\n"));
  CHECK(contains(text, "x_seconds_bucket{le=\"0.131072\"} 2\n"));
}
