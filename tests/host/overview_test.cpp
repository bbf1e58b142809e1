#include "trestle/host/overview.hpp"

#include <string>

#include "captured_errors.hpp"
#include "catch.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/status_json.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

struct Source final : StatusSource {
  node::Status status() override { return shown; }
  bool is_healthy() override { return true; }
  node::Status shown;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

/// An overview that looks every 5 ms, and what it wrote to the log.
struct World {
  explicit World(OverviewOptions options) : loop(std::move(*EventLoop::create({}))) {
    options.look_every = 5ms;
    options.alerts.raise_after = 20ms;
    options.alerts.clear_after = 20ms;
    overview.emplace(*loop, source, log, options);
  }
  void pass(std::chrono::milliseconds time) {
    for (const Instant end = steady_now() + time; steady_now() < end; ::usleep(500)) loop->turn();
  }

  /// Until the log says so, at most for a while.
  bool wait_for(const std::string& part) {
    const Instant end = steady_now() + 5s;
    while (count(errors.text(), part) == 0 && steady_now() < end) pass(5ms);
    return count(errors.text(), part) > 0;
  }

  TemporaryFolder folder;
  CapturedErrors errors{folder.file("log")};
  std::unique_ptr<EventLoop> loop;
  Log log;
  Source source;
  std::optional<Overview> overview;
};

}  // namespace

TEST_CASE("an alert is one line when it is raised and one when it is cleared") {
  World world({});
  node::BridgeSlotStatus& bridge = world.source.shown.bridges.emplace_back();
  bridge.phase = "disconnected";
  world.overview->start();
  CHECK(world.wait_for("alert.raised"));
  world.pass(100ms);
  bridge.usable = true;
  CHECK(world.wait_for("alert.cleared"));
  world.pass(100ms);
  const std::string log = world.errors.text();
  CHECK(count(log, "alert.raised: bridges: bridges that can be asked: 0, the threshold is 1\n") ==
        1);
  CHECK(count(log, "alert.cleared: bridges") == 1);
  CHECK(count(log, "\n") == 2);
}

TEST_CASE("a bridge that is closed for idleness is not missed") {
  World world({});
  world.source.shown.bridges.emplace_back().phase = "idle";
  world.overview->start();
  world.pass(200ms);
  CHECK(world.errors.text().empty());
}

TEST_CASE("the log says from time to time what the program takes") {
  OverviewOptions options;
  options.report_every = 50ms;
  World world(options);
  const Instant begun = steady_now();
  world.overview->start();
  CHECK(world.wait_for("host.resources: "));
  world.pass(200ms);
  const std::string log = world.errors.text();
  const auto reports = count(log, "host.resources: ");
  CHECK(reports >= 2);
  CHECK(reports * options.report_every <= steady_now() - begun);
  CHECK(count(log, "descriptors, 0 WebSockets, ") == reports);
}

TEST_CASE("strangers who ask often see figures of a second ago") {
  OverviewOptions options;
  options.public_view_for = 10s;
  World world(options);
  world.source.shown.program = "bootstrap-node";
  world.source.shown.counters = {{"reception.clients", 5}};
  HttpRequest request;
  request.method = HttpMethod::get;
  request.path = "/health";
  const std::string first = world.overview->public_reply(request).body;
  world.source.shown.counters[0].second = 6;
  CHECK(world.overview->public_reply(request).body == first);
}

TEST_CASE("T34: a running program says that a weaker mode is over, once") {
  OverviewOptions options;
  options.weaker = {{"legacy", "--legacy on", "", wall_now() + 150ms, "soon"},
                    {"open-admission", "--admission open", "", WallTime::max(), ""}};
  World world(options);
  world.overview->start();
  CHECK(world.wait_for("alert.raised: weaker"));
  CHECK(world.wait_for("host.weaker_over: the time of --legacy on is over"));
  world.pass(100ms);
  CHECK(count(world.errors.text(), "host.weaker_over") == 1);
  const std::string shown = to_json(world.overview->snapshot());
  CHECK(shown.find(R"("weaker_modes":[{"mode":"legacy","until":"soon"},)"
                   R"({"mode":"open-admission","until":""}])") != std::string::npos);
  INFO("a later date, taken over by a reload");
  options.weaker.front().end = WallTime::max();
  world.overview->set_weaker_modes(options.weaker);
  CHECK(world.wait_for("alert.cleared: weaker"));
  CHECK(count(world.errors.text(), "host.weaker_over") == 1);
}
