#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "trestle/dht/link_value.hpp"

namespace trestle::node {

/// What kind of machine a node runs on, in three sizes (SMp, ROUTE-11).
///
///             links at most   worth having in one bucket   buckets
///   mobile         20                    2                     8
///   desktop        50                    3                    12
///   server        200                    5                    20
enum class Platform : std::uint8_t { mobile, desktop, server };

struct PlatformLimits {
  std::size_t links_max = 200;
  std::size_t links_per_bucket_max = 5;
  std::size_t buckets_max = 20;
};

constexpr PlatformLimits limits_of(Platform platform) {
  switch (platform) {
    case Platform::mobile:
      return {.links_max = 20, .links_per_bucket_max = 2, .buckets_max = 8};
    case Platform::desktop:
      return {.links_max = 50, .links_per_bucket_max = 3, .buckets_max = 12};
    case Platform::server:
      break;
  }
  return {};
}

/// How links are valued where there are as many as there may be. Half of the links at least are
/// left for the rest of the key space. Of those that nobody uses a small platform keeps fewer than
/// others: 5 and one into each bucket are 13 of 20 in a network of a thousand, and what is left is
/// for those that it dials to ask them something, and for those that come to ask it.
constexpr dht::LinkValueOptions link_values_of(const PlatformLimits& limits) {
  dht::LinkValueOptions values;
  values.nearest = std::min(values.nearest, limits.links_max / 2);
  values.per_bucket_max = limits.links_per_bucket_max;
  values.nearest_when_idle = std::min(values.nearest_when_idle, limits.links_max / 4);
  values.per_bucket_when_idle = std::min(values.per_bucket_when_idle, limits.links_max / 20);
  return values;
}

}  // namespace trestle::node
