#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trestle/base/flat_map.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

/// Requests of peers that the DHT works on: which of them is meant by the token of an answer. A
/// policy. Numbers are never used again, so an answer that comes after its link has gone finds
/// nobody.
class ServedRequests {
 public:
  struct Place {
    link::ConnectionId connection;
    wire::RequestId id;
  };

  explicit ServedRequests(std::size_t requests_max) : requests_max_(requests_max) {}

  /// Nothing when full.
  std::optional<dht::RequestToken> add(const Place& place);
  std::optional<Place> take(dht::RequestToken token);
  void on_closed(link::ConnectionId connection);
  std::size_t size() const { return places_.size(); }

 private:
  std::size_t requests_max_;
  /// In the order of their numbers, so in the order they came.
  FlatMap<std::uint64_t, Place> places_;
  std::uint64_t last_ = 0;
};

}  // namespace trestle::node
