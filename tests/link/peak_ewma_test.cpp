#include "trestle/link/peak_ewma.hpp"

#include "catch.hpp"

using namespace trestle;
using link::PeakEwma;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

}  // namespace

TEST_CASE("a slower answer counts at once") {
  PeakEwma cost;
  cost.add(kStart, 5ms);
  CHECK(cost.value(kStart) == 5ms);
  cost.add(kStart, 80ms);
  CHECK(cost.value(kStart) == 80ms);
}

TEST_CASE("faster answers bring it down within some ten seconds") {
  PeakEwma cost;
  cost.add(kStart, 100ms);
  Instant now = kStart;
  for (; now < kStart + 5s; now += 10ms) cost.add(now, 10ms);
  CHECK(cost.value(now) > 50ms);
  for (; now < kStart + 40s; now += 10ms) cost.add(now, 10ms);
  CHECK(cost.value(now) < 13ms);
  CHECK(cost.value(now) >= 9ms);
}

TEST_CASE("small steps of a busy peer are not rounded away") {
  PeakEwma cost;
  cost.add(kStart, 1ms);
  Instant now = kStart;
  for (; now < kStart + 60s; now += 100us) cost.add(now, 900us);
  CHECK(cost.value(now) < 910us);
}

TEST_CASE("without answers it fades to nothing in ten seconds") {
  PeakEwma cost;
  cost.add(kStart, 100ms);
  CHECK(cost.value(kStart + 5s) == 50ms);
  CHECK(cost.value(kStart + 10s) == 0ms);
  CHECK(cost.value(kStart + 100s) == 0ms);
}

TEST_CASE("an attempt given up can only raise it") {
  PeakEwma cost;
  cost.add_at_least(kStart, 20ms);
  CHECK(cost.value(kStart) == 20ms);
  cost.add_at_least(kStart, 10ms);
  CHECK(cost.value(kStart) == 20ms);
}

TEST_CASE("a peer never measured gets one request to be measured by") {
  PeakEwma unknown;
  PeakEwma known;
  known.add(kStart, 10ms);
  CHECK(link::load_cost(unknown, 0, kStart) < link::load_cost(known, 0, kStart));
  CHECK(link::load_cost(unknown, 1, kStart) > link::load_cost(known, 100, kStart));
}

TEST_CASE("samples without sense are bounded") {
  PeakEwma cost;
  cost.add(kStart, -5s);
  CHECK(cost.value(kStart) == 0s);
  cost.add(kStart, Duration::max());
  CHECK(cost.value(kStart) == 60s);
  cost.add(kStart + 5s, 0s);
  CHECK(cost.value(kStart + 5s) == 30s);
}
