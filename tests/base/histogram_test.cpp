#include "trestle/base/histogram.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::seconds;

TEST_CASE("an empty histogram has no quantile") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.quantile(500) == Duration::zero());
}

TEST_CASE("upper bounds grow from bucket to bucket") {
  for (std::size_t index = 2; index < Histogram::kBuckets; ++index) {
    CHECK(Histogram::upper_bound(index) >= Histogram::upper_bound(index - 1));
  }
  CHECK(Histogram::upper_bound(Histogram::kBuckets - 1) == Duration::max());
}

TEST_CASE("negative, tiny and huge samples are counted at the ends") {
  Histogram histogram;
  histogram.add(microseconds(-5));
  histogram.add(Duration::zero());
  histogram.add(seconds(1000));
  CHECK(histogram.bucket(0) == 2);
  CHECK(histogram.bucket(Histogram::kBuckets - 1) == 1);
  CHECK(histogram.sum() == seconds(1000));
}

TEST_CASE("a quantile is never below the true one and at most a quarter above it") {
  Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    Histogram histogram;
    std::vector<Duration> samples;
    const std::uint64_t size = 1 + rng.below(200);
    for (std::uint64_t sample = 0; sample < size; ++sample) {
      const auto magnitude = rng.below(25);
      samples.push_back(microseconds(4 + rng.below(std::uint64_t{1} << magnitude)));
      histogram.add(samples.back());
    }
    std::ranges::sort(samples);
    for (const std::uint32_t permille : {1u, 500u, 900u, 990u, 1000u}) {
      const std::size_t rank = (samples.size() * permille + 999) / 1000;
      const Duration truth = samples[rank - 1];
      const Duration told = histogram.quantile(permille);
      CHECK(told > truth);
      CHECK(told <= truth + truth / 4 + microseconds(1));
    }
  }
}

TEST_CASE("what was added since an earlier state is a distribution of its own") {
  Histogram histogram;
  histogram.add(1s);
  const Histogram earlier = histogram;
  CHECK(histogram.since(earlier).count() == 0);
  histogram.add(2ms);
  const Histogram added = histogram.since(earlier);
  CHECK(added.count() == 1);
  CHECK(added.sum() == 2ms);
  CHECK(added.quantile(1000) < 3ms);
}

TEST_CASE("since another distribution than an earlier state counts the whole") {
  Histogram other;
  other.add(1s);
  Histogram histogram;
  histogram.add(2ms);
  CHECK(histogram.since(other).count() == 1);
}
