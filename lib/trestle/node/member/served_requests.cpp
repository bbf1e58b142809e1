#include "trestle/node/member/served_requests.hpp"

namespace trestle::node {

std::optional<dht::RequestToken> ServedRequests::add(const Place& place) {
  if (places_.size() >= requests_max_) return std::nullopt;
  places_.insert(++last_, place);
  return dht::RequestToken{last_};
}

std::optional<ServedRequests::Place> ServedRequests::take(dht::RequestToken token) {
  const Place* known = places_.find(token.value);
  if (known == nullptr) return std::nullopt;
  const Place place = *known;
  places_.erase(token.value);
  return place;
}

void ServedRequests::on_closed(link::ConnectionId connection) {
  for (auto entry = places_.begin(); entry != places_.end();) {
    entry = entry->second.connection == connection ? places_.erase(entry) : entry + 1;
  }
}

}  // namespace trestle::node
