#include "trestle/host/old_monitoring.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/wire/json/parse.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;
using wire::json::Kind;
using wire::json::Value;

namespace {

constexpr OldMonitoringFacts kFacts{WallTime(1'795'254'806'107ms), 10'000, 18083, true};

/// Members that a reader of the old answer would miss, or find of another kind.
void compare(const Value& recorded, const Value& got, const std::string& where,
             std::vector<std::string>& missed) {
  if (recorded.kind() != got.kind()) return missed.push_back(where + ": another kind");
  if (recorded.kind() == Kind::array) {
    if (recorded.items().empty() || got.items().empty()) return;
    return compare(*recorded.items().begin(), *got.items().begin(), where + "[]", missed);
  }
  for (const auto& member : recorded.members()) {
    const std::string path = where + "." + std::string(member.name);
    // What was stored is not told here, and the table of reasons depends on what went wrong.
    if (path.ends_with(".prefixCounts") || path.ends_with(".failureReasons")) continue;
    const auto found = got.member(member.name);
    if (!found) {
      missed.push_back(path + ": missing");
    } else {
      compare(member.value, *found, path, missed);
    }
  }
}

Snapshot snapshot_of(std::string_view program) {
  Snapshot snapshot;
  node::Status& status = snapshot.status;
  status.program = program;
  status.state = "joined";
  status.id = NodeId(1, 2, 3);
  status.healthy = true;
  status.uptime = 85s;
  status.peers.push_back(
      {NodeId(4, 5, 6), wire::Role::bridge, wire::Dialect::native, "ws://b", true, 7s, 250us});
  if (program != "bootstrap-node") return snapshot;
  for (const char* url : {"ws://127.0.0.1:18084", "ws://127.0.0.1:18083"}) {
    node::BridgeSlotStatus& bridge = status.bridges.emplace_back();
    bridge.url = url;
    bridge.id = NodeId(7, 8, 9);
    bridge.state = bridge.phase = "connected";
  }
  status.counters = {{"reception.clients", 5}};
  return snapshot;
}

std::string_view program_of(std::string_view link) {
  if (link == "http->bootstrap") return "bootstrap-node";
  if (link == "http->bridge metrics port") return "bridge-node";
  return "dht-node";
}

std::string header_of(const HttpReply& reply, std::string_view name) {
  const auto place =
      std::ranges::find(reply.headers, name, &std::pair<std::string, std::string>::first);
  return place == reply.headers.end() ? "" : place->second;
}

}  // namespace

TEST_CASE("the old monitoring's recorded answers keep their paths, statuses, members and types") {
  std::ifstream file(TRESTLE_TEST_DATA "/legacy/http-endpoints.jsonl");
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    const auto recording = wire::json::parse(line);
    REQUIRE(recording);
    const Value root = recording->root();
    const std::string link(*root.member("link")->text());
    const std::string path(*root.member("request")->member("path")->text());
    CAPTURE(link, path);
    const Value response = *root.member("response");
    // The old bootstrap hung on /stats; the node's own 404 gives way to the 426 of its main port.
    if (response.member("status")->kind() == Kind::null) continue;
    if (link == "http->node metrics port" && path == "/nope") continue;

    const HttpReply reply = old_monitoring_reply(path, snapshot_of(program_of(link)), kFacts);
    CHECK(reply.status == response.member("status")->integer());
    if (const auto type = response.member("content_type")) {
      CHECK(reply.content_type.starts_with(*type->text()));
    }
    const Value body = *response.member("body");
    if (body.kind() != Kind::object) continue;
    const auto got = wire::json::parse(reply.body);
    REQUIRE(got);
    std::vector<std::string> missed;
    compare(body, got->root(), "", missed);
    CHECK(missed == std::vector<std::string>{});
    ++compared;
  }
  CHECK(compared == 9);
}

TEST_CASE("a bootstrap's answers may be read by any page, as before") {
  const HttpReply reply = old_monitoring_reply("/health", snapshot_of("bootstrap-node"), kFacts);
  CHECK(reply.body == "{\"status\":\"ok\",\"peers\":5}");
  CHECK(header_of(reply, "access-control-allow-origin") == "*");
  CHECK(header_of(old_monitoring_reply("/health", snapshot_of("bridge-node"), kFacts),
                  "access-control-allow-origin")
            .empty());
}

TEST_CASE("the intended /stats answers, where the old one hung") {
  const HttpReply reply = old_monitoring_reply("/stats", snapshot_of("bootstrap-node"), kFacts);
  const auto body = wire::json::parse(reply.body);
  REQUIRE(body);
  for (const char* name :
       {"isStarted", "totalPeers", "maxPeers", "totalConnections", "bridgeNodes", "createNewDHT",
        "pendingReconnections", "connectionProfiles", "canRelay", "capabilities"}) {
    CAPTURE(name);
    CHECK(body->root().member(name));
  }
}

TEST_CASE("a missing bridge makes /bridge-health 503, an idle one does not") {
  Snapshot snapshot = snapshot_of("bootstrap-node");
  snapshot.status.bridges[0].state = snapshot.status.bridges[0].phase = "disconnected";
  const HttpReply missing = old_monitoring_reply("/bridge-health", snapshot, kFacts);
  CHECK(missing.status == 503);
  CHECK(missing.body.find("\"available\":1,\"unavailable\":1,\"total\":2") != std::string::npos);
  snapshot.status.bridges[0].phase = "idle";
  CHECK(old_monitoring_reply("/bridge-health", snapshot, kFacts).status == 200);
}

TEST_CASE("a node without peers is unhealthy after its first minute") {
  Snapshot snapshot = snapshot_of("dht-node");
  snapshot.status.peers.clear();
  CHECK(old_monitoring_reply("/health", snapshot, kFacts).status == 503);
  snapshot.status.uptime = 59s;
  CHECK(old_monitoring_reply("/health", snapshot, kFacts).status == 200);
  snapshot.status.counters.emplace_back("storage.failed", 1);
  CHECK(old_monitoring_reply("/health", snapshot, kFacts).status == 503);
}

TEST_CASE("whoever pipes the installer into a shell installs nothing and is told so") {
  const HttpReply reply =
      old_monitoring_reply("/install.sh", snapshot_of("bootstrap-node"), kFacts);
  CHECK(reply.body.starts_with("#!/bin/sh\n"));
  CHECK(reply.body.find("exit 1") != std::string::npos);
}
