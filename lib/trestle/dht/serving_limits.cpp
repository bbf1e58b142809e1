#include "trestle/dht/serving_limits.hpp"

#include <algorithm>

namespace trestle::dht {

ServingLimits::ServingLimits(const ServingLimitsOptions& options)
    : options_(options), limiter_(options.peers_max) {}

link::RateVerdict ServingLimits::admit(Instant now, const link::RateKey& peer, Standing standing,
                                       const wire::Message& request, NetworkState state) {
  const Budget budget = budget_of(request);
  const Allowance& allowance = allowance_of(budget, standing);
  Duration interval = options_.interval_stable;
  if (state == NetworkState::starting) interval = options_.interval_starting;
  if (state == NetworkState::few_peers) interval = options_.interval_few_peers;
  return limiter_.take(now, peer, static_cast<std::size_t>(budget),
                       {.interval = interval,
                        .per_interval = allowance.per_interval,
                        .burst = std::max(allowance.burst, allowance.per_interval)});
}

NetworkState ServingLimits::state(bool neighbourhood_known, std::size_t peers) const {
  if (!neighbourhood_known) return NetworkState::starting;
  return peers <= options_.few_peers_max ? NetworkState::few_peers : NetworkState::stable;
}

ServingLimits::Budget ServingLimits::budget_of(const wire::Message& request) {
  if (std::holds_alternative<wire::FindNodeRequest>(request)) return Budget::find;
  if (std::holds_alternative<wire::FindValueRequest>(request)) return Budget::value;
  if (std::holds_alternative<wire::StoreRequest>(request)) return Budget::store;
  if (std::holds_alternative<wire::ReplicaOffer>(request)) return Budget::replica;
  return Budget::forward;
}

const Allowance& ServingLimits::allowance_of(Budget budget, Standing standing) const {
  if (standing == Standing::unproven) return options_.unproven;
  switch (budget) {
    case Budget::find:
      return options_.finds;
    case Budget::value:
      return options_.values;
    case Budget::store:
      return options_.stores;
    case Budget::replica:
      return options_.replicas;
    case Budget::forward:
      break;
  }
  return options_.forwards;
}

}  // namespace trestle::dht
