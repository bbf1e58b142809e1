#include "trestle/host/dial_shards.hpp"

namespace trestle::host {

std::size_t DialShards::shard_of(const std::string& endpoint) {
  if (const auto* place = by_endpoint_.find(endpoint)) {
    entries_.splice(entries_.begin(), entries_, *place);
    return (*place)->shard;
  }
  if (entries_.size() >= endpoints_max_) {
    by_endpoint_.erase(entries_.back().endpoint);
    entries_.pop_back();
  }
  entries_.push_front({endpoint, dealt_++ % shards_});
  by_endpoint_.insert(endpoint, entries_.begin());
  return entries_.front().shard;
}

}  // namespace trestle::host
