// Round trips for neighbour selection (ROUTE-08): off unless asked for.

#include "trestle/dht/dht.hpp"

namespace trestle::dht {

/// Answers to lookups measure most peers by the way; this is for those nobody happens to ask.
/// Linked peers only: a dial would cost more than the knowledge is worth.
void Dht::probe_round_trips(Instant now) {
  if (probe_at_ > now) return;
  probe_at_ = jittered(now, options_.probe_interval);
  for (std::size_t bucket = 0; bucket < table_.bucket_count(); ++bucket) {
    // Never measured before measured longest ago is not known; so by chance among the latter.
    std::vector<PeerIndex> order;
    std::vector<PeerIndex> measured;
    for (const PeerIndex index : table_.by_preference(bucket)) {
      const Peer& peer = table_.at(index);
      if (!peer.connected || table_.is_failed(peer)) continue;
      (peer.round_trip_us == 0 ? order : measured).push_back(index);
    }
    std::size_t unmeasured = order.size();
    order.insert(order.end(), measured.begin(), measured.end());
    for (std::size_t count = 0; count < options_.probes_per_bucket_max && !order.empty(); ++count) {
      const std::size_t drawn = unmeasured > 0 ? rng_.below(unmeasured) : rng_.below(order.size());
      probe(now, table_.at(order[drawn]).contact);
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(drawn));
      if (unmeasured > 0) --unmeasured;
    }
  }
}

void Dht::probe(Instant now, const wire::Contact& peer) {
  if (asks_.size() >= options_.asks_max) return;
  const AskId ask{++last_ask_};
  asks_.insert(
      ask, {.slot = 0, .operation = {}, .peer = peer.id, .issued = now, .kind = AskKind::probe});
  ++counters_.asks;
  ++counters_.probes;
  pace(now, {.ask = ask, .peer = peer, .message = wire::Ping{}, .timeout = options_.probe_timeout});
}

}  // namespace trestle::dht
