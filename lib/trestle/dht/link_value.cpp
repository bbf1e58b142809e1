#include "trestle/dht/link_value.hpp"

#include <algorithm>
#include <vector>

namespace trestle::dht {

LinkValues::LinkValues(const NodeId& self, std::span<const NodeId> links,
                       const LinkValueOptions& options)
    : self_(self), per_bucket_max_(options.per_bucket_max) {
  for (const NodeId& link : links) ++links_in_bucket_[bucket_of(link)];
  const std::size_t nearest = std::min(options.nearest, links.size());
  if (nearest == 0) return;
  std::vector<NodeId> distances;
  distances.reserve(links.size());
  for (const NodeId& link : links) distances.push_back(distance(self, link));
  const auto last = distances.begin() + static_cast<std::ptrdiff_t>(nearest) - 1;
  std::nth_element(distances.begin(), last, distances.end());
  horizon_ = *last;
}

std::uint64_t LinkValues::of(const NodeId& link) const {
  if (horizon_ && distance(self_, link) <= *horizon_) return kNeighbour;
  const std::uint32_t sharing = std::max<std::uint32_t>(links_in_bucket_[bucket_of(link)], 1);
  const std::uint64_t share = kShared / sharing;
  return sharing > per_bucket_max_ ? share / 2 : share;
}

std::optional<NodeId> link_to_give_up(const NodeId& self, std::span<const NodeId> links,
                                      const NodeId& newcomer, const LinkValueOptions& options) {
  if (links.empty() || newcomer == self) return std::nullopt;
  std::vector<NodeId> all(links.begin(), links.end());
  all.push_back(newcomer);
  const LinkValues values(self, all, options);
  const auto worth_less = [&](const NodeId& left, const NodeId& right) {
    const std::uint64_t one = values.of(left);
    const std::uint64_t other = values.of(right);
    return one != other ? one < other : closer(self, right, left);
  };
  const NodeId least = *std::min_element(links.begin(), links.end(), worth_less);
  const bool pays = 2 * values.of(newcomer) >= 3 * values.of(least);
  return pays ? std::optional(least) : std::nullopt;
}

}  // namespace trestle::dht
