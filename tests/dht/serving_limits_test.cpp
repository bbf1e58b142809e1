#include "trestle/dht/serving_limits.hpp"

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using Standing = ServingLimits::Standing;
using test::at;

/// How many requests, a millisecond apart, are served within a minute after the burst.
std::uint64_t served_in_a_minute(NetworkState state, Standing standing,
                                 const wire::Message& request) {
  ServingLimits limits({});
  const auto peer = link::RateKey::of_identity(NodeId(1, 2, 3));
  Duration now = 1s;
  while (limits.admit(at(now), peer, standing, request, state).allowed) {
  }
  std::uint64_t served = 0;
  for (const Duration end = now + 60s; now < end; now += 1ms) {
    served += limits.admit(at(now), peer, standing, request, state).allowed ? 1 : 0;
  }
  return served;
}

}  // namespace

TEST_CASE("X32, RATE-04: an interval is 500 ms at the start, 1 s among few, 2 s when stable") {
  const std::pair<NetworkState, std::uint64_t> intervals_a_minute[] = {
      {NetworkState::starting, 120}, {NetworkState::few_peers, 60}, {NetworkState::stable, 30}};
  for (const auto& [state, intervals] : intervals_a_minute) {
    CAPTURE(intervals);
    // Peers that prove nothing keep the very interval, others one for each lookup they may have.
    const std::uint64_t unproven =
        served_in_a_minute(state, Standing::unproven, wire::FindNodeRequest{});
    CHECK(unproven + 1 >= intervals);
    CHECK(unproven <= intervals + 1);
    const std::uint64_t proven =
        served_in_a_minute(state, Standing::proven, wire::FindNodeRequest{});
    CHECK(proven + 64 >= 64 * intervals);
    CHECK(proven <= 64 * intervals + 64);
  }
}

TEST_CASE("RATE-04: the state follows what is known: nothing, up to forty peers, more") {
  const ServingLimits limits({});
  CHECK(limits.state(false, 0) == NetworkState::starting);
  CHECK(limits.state(false, 1000) == NetworkState::starting);
  CHECK(limits.state(true, 1) == NetworkState::few_peers);
  CHECK(limits.state(true, 40) == NetworkState::few_peers);
  CHECK(limits.state(true, 41) == NetworkState::stable);
}

TEST_CASE("RATE-07: whoever asks too much of one thing is limited in that alone") {
  ServingLimits limits({});
  const auto peer = link::RateKey::of_identity(NodeId(1, 2, 3));
  const auto other = link::RateKey::of_identity(NodeId(1, 2, 4));
  const auto admits = [&](const link::RateKey& key, const wire::Message& request) {
    return limits.admit(at(1s), key, Standing::proven, request, NetworkState::stable).allowed;
  };
  while (admits(peer, wire::FindNodeRequest{})) {
  }
  CHECK(admits(peer, wire::FindValueRequest{"key"}));
  CHECK(admits(peer, wire::StoreRequest{}));
  CHECK(admits(peer, wire::ReplicaOffer{}));
  CHECK(admits(other, wire::FindNodeRequest{}));
  CHECK_FALSE(admits(peer, wire::FindNodeRequest{}));
}

TEST_CASE("X30: four questions at a time, k of twenty, twenty copies") {
  const DhtOptions options;
  CHECK(options.lookup.parallel_max == 4);
  CHECK(options.lookup.nearest == 20);
  CHECK(options.table.bucket_peers_max == 20);
  CHECK(options.contacts_per_answer_max == 20);
  CHECK(options.republish.plan.copies == 20);
}

}  // namespace trestle::dht
