// 1,000 clients lose a bridge at the same moment (T33).

#include "trestle/sim/bridge_loss_study.hpp"

#include <cstdio>

#include "catch.hpp"
#include "seeds.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

void check_goals(const BridgeLossResult& result) {
  std::fprintf(stderr, "  %s\n", result.to_text().c_str());
  INFO(result.to_text());
  INFO(result.violation);
  CHECK(result.violation.empty());
  CHECK(result.dials > 1000);
  CHECK(result.peak_percent() <= 300);
  CHECK(result.amplification_percent() <= 110);
  CHECK(result.connected_after > 0s);
  CHECK(result.connected_after <= 35s);
  CHECK(result.requests == result.answered + result.failed);
  CHECK(result.without_end == 0);
  CHECK(result.ended_wrongly == 0);
  CHECK(result.refused == 0);
  CHECK(result.failed == 0);
}

TEST_CASE("1,000 clients lose one of three bridges: no dial storm, no retry storm, nothing lost") {
  for (std::uint64_t seed = 1; seed <= seeds_or(1); ++seed) {
    BridgeLossOptions options;
    options.seed = seed;
    for (const Duration outage : {Duration(30s), Duration(60s)}) {
      options.outage = outage;
      const BridgeLossResult result = study_bridge_loss(options);
      check_goals(result);
      CHECK(result.whole_after > 0s);
      CHECK(result.whole_after <= 35s);
    }
  }
}

TEST_CASE("1,000 clients lose one of two bridges, whose machine went silent") {
  for (std::uint64_t seed = 1; seed <= seeds_or(1); ++seed) {
    BridgeLossOptions options;
    options.seed = seed;
    options.bridges = 2;
    options.kill = KillKind::power;
    options.outage = 180s;  // noticed by pings alone, over two minutes
    const BridgeLossResult result = study_bridge_loss(options);
    check_goals(result);
    // Attempts timed out before the silence was noticed, so breakers opened: they close with the
    // second request after the return, and a client asks each bridge every 10 s.
    CHECK(result.whole_after > 0s);
    CHECK(result.whole_after <= 60s);
  }
}

}  // namespace
}  // namespace trestle::sim::test
