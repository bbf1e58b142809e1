#pragma once

#include <cstddef>
#include <list>
#include <string>

#include "trestle/base/flat_map.hpp"

namespace trestle::host {

/// Which of several threads an endpoint (`host:port`) is dialled on: endpoints are dealt out in
/// turn, in the order in which they are first dialled, and keep their thread.
///
/// In turn, since a bootstrap node has two to five bridges: a hash would leave a thread of two
/// without work every other time. They keep it, since what a thread remembers of an endpoint, its
/// TLS session and its addresses, is known there alone.
class DialShards {
 public:
  /// `endpoints_max`: as many as a thread remembers sessions and names of. The one that was dialled
  /// least recently is forgotten first, and dealt out anew.
  explicit DialShards(std::size_t shards, std::size_t endpoints_max = 256)
      : shards_(shards), endpoints_max_(endpoints_max) {}

  /// From 0 to the number of shards less one.
  std::size_t shard_of(const std::string& endpoint);

 private:
  struct Entry {
    std::string endpoint;
    std::size_t shard;
  };

  std::size_t shards_;
  std::size_t endpoints_max_;
  std::size_t dealt_ = 0;
  std::list<Entry> entries_;  ///< Dialled last, first.
  FlatMap<std::string, std::list<Entry>::iterator> by_endpoint_;
};

}  // namespace trestle::host
