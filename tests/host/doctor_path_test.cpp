#include "trestle/host/doctor_path.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/host/http_header.hpp"
#include "trestle/wire/json/parse.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

constexpr std::time_t kNow = 1'790'000'000;

WallTime wall(std::time_t seconds) { return WallTime{} + std::chrono::seconds(seconds); }

/// A walk to a bridge behind a proxy on which everything is well.
PathWalk sound() {
  PathWalk walk;
  walk.stage = DialStage::upgrade;
  walk.is_dialled = true;
  walk.is_opened = true;
  walk.peer.role = wire::Role::bridge;
  walk.upgrade = UpgradeAnswer{101, http_date(kNow), ""};
  walk.certificate_left = 24h * 90;
  wire::IntroduceResponse answer;
  answer.members.emplace_back();
  walk.answer = answer;
  return walk;
}

PathOrder order() {
  PathOrder made{.url = "wss://network.example/bridge1",
                 .role = wire::Role::bootstrap,
                 .network = "main",
                 .bridge_secret = Bytes(32)};
  made.question = wire::IntroduceRequest{};
  return made;
}

const PathExpectation kBridge{.path = "bridge", .role = wire::Role::bridge};

DoctorReport report_of(const PathWalk& walk, const PathExpectation& expectation = kBridge,
                       std::time_t now = kNow) {
  DoctorReport report(false);
  report_path(order(), walk, expectation, wall(now), report);
  return report;
}

/// The step that failed, with its exit code; the last one is it, since a path ends there.
std::string failed(const DoctorReport& report) {
  for (const Finding& finding : report.findings()) {
    if (finding.outcome != Outcome::failed) continue;
    CHECK_FALSE(finding.advice.empty());
    return std::string(finding.step) + " " + std::to_string(static_cast<int>(report.exit_code()));
  }
  return "";
}

}  // namespace

TEST_CASE("a sound path is one line a step") {
  const DoctorReport report = report_of(sound());
  CHECK(report.exit_code() == ExitCode::done);
  std::vector<std::string_view> steps;
  for (const Finding& finding : report.findings()) {
    CHECK(finding.outcome == Outcome::ok);
    CHECK(to_line(finding).find('\n') == std::string::npos);
    steps.push_back(finding.step);
  }
  CHECK(steps == std::vector<std::string_view>{"name", "connect", "tls", "upgrade", "route",
                                               "clock", "hello", "auth", "members"});
}

TEST_CASE("a path ends at the stage at which its dial failed") {
  const struct {
    DialStage stage;
    const char* expected;
  } cases[] = {{DialStage::name, "name 6"},
               {DialStage::connect, "connect 6"},
               {DialStage::tls, "tls 7"},
               {DialStage::upgrade, "upgrade 6"}};
  for (const auto& each : cases) {
    PathWalk walk = sound();
    walk.is_dialled = walk.is_opened = false;
    walk.stage = each.stage;
    walk.reason = "because";
    const DoctorReport report = report_of(walk);
    CHECK(failed(report) == each.expected);
    CHECK(report.findings().back().outcome == Outcome::failed);
  }
}

TEST_CASE("what is wrong behind an open WebSocket is told apart") {
  PathWalk walk = sound();
  SECTION("the prefix arrives") {
    walk.upgrade->arrived_path = "/bridge1";
    CHECK(failed(report_of(walk)) == "route 6");
  }
  SECTION("a clock an hour off, either way") {
    CHECK(failed(report_of(walk, kBridge, kNow + 3600)) == "clock 10");
    CHECK(failed(report_of(walk, kBridge, kNow - 3600)) == "clock 10");
  }
  SECTION("a clock ten seconds off is worth a warning, two are none") {
    CHECK(report_of(walk, kBridge, kNow + 10).findings()[5].outcome == Outcome::warning);
    CHECK(report_of(walk, kBridge, kNow - 2).findings()[5].outcome == Outcome::ok);
  }
  SECTION("no date") {
    walk.upgrade->date.clear();
    CHECK(report_of(walk).findings()[5].outcome == Outcome::skipped);
  }
  SECTION("a certificate that ends soon") {
    walk.certificate_left = 24h * 3;
    CHECK(report_of(walk).findings()[2].outcome == Outcome::warning);
  }
  SECTION("another network") {
    walk.is_opened = false;
    walk.code = ErrorCode::wrong_network;
    CHECK(failed(report_of(walk)) == "hello 8");
  }
  SECTION("another secret") {
    walk.is_opened = false;
    walk.code = ErrorCode::unauthorized;
    CHECK(failed(report_of(walk)) == "auth 8");
  }
  SECTION("another program") {
    walk.peer.role = wire::Role::bootstrap;
    CHECK(failed(report_of(walk)) == "hello 8");
  }
  SECTION("an empty bridge, and one of a network that is to begin") {
    walk.answer = wire::IntroduceResponse{};
    CHECK(failed(report_of(walk)) == "members 11");
    PathExpectation beginning = kBridge;
    beginning.may_be_empty = true;
    CHECK(report_of(walk, beginning).exit_code() == ExitCode::done);
  }
  SECTION("a busy bridge") {
    walk.answer = wire::Failure{ErrorCode::busy, 100, "later"};
    CHECK(report_of(walk).findings().back().outcome == Outcome::warning);
  }
  SECTION("no answer") {
    walk.answer.reset();
    walk.code = ErrorCode::timeout;
    CHECK(failed(report_of(walk)) == "members 11");
  }
  SECTION("somebody else at our own address") {
    PathExpectation own = kBridge;
    own.id = NodeId::from_hex("00112233445566778899aabbccddeeff00112233");
    CHECK(failed(report_of(walk, own)) == "hello 9");
  }
}

TEST_CASE("a report in JSON says the same, whatever peers wrote into it") {
  PathWalk walk = sound();
  walk.is_opened = false;
  walk.code = ErrorCode::refused;
  walk.reason = "\x1b[2J\"quoted\"\n";
  const DoctorReport report = report_of(walk);
  CHECK(to_line(report.findings().back()).find('\x1b') == std::string::npos);
  const std::string json = report.to_json("dht-node", "1");
  const auto document = wire::json::parse(json, {});
  REQUIRE(document);
  CHECK(document->root().member("exit_code")->raw() == "8");
}

TEST_CASE("T5: somebody else than the address names is told from a wrong secret") {
  PathWalk walk = sound();
  walk.is_opened = false;
  walk.code = ErrorCode::unauthorized;
  walk.reason = "node 0a answers where 0b is expected";
  CHECK(failed(report_of(walk)) == "auth 8");
  walk.met_another = true;
  const DoctorReport report = report_of(walk);
  CHECK(failed(report) == "hello 8");
  CHECK(report.findings().back().advice.find("behind the #") != std::string::npos);
}
