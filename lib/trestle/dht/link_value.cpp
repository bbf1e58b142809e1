#include "trestle/dht/link_value.hpp"

#include <algorithm>
#include <vector>

namespace trestle::dht {
namespace {

/// The same judgement of links that nobody uses.
LinkValueOptions when_idle(const LinkValueOptions& options) {
  LinkValueOptions idle = options;
  idle.nearest = std::min(options.nearest, options.nearest_when_idle);
  idle.per_bucket_max = std::min(options.per_bucket_max, options.per_bucket_when_idle);
  return idle;
}

}  // namespace

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
  if (is_neighbour(link)) return kNeighbour;
  const std::uint32_t sharing = std::max<std::uint32_t>(links_in_bucket_[bucket_of(link)], 1);
  const std::uint64_t share = kShared / sharing;
  return sharing > per_bucket_max_ ? share / 2 : share;
}

bool LinkValues::take_surplus(const NodeId& link) {
  std::uint32_t& sharing = links_in_bucket_[bucket_of(link)];
  if (is_neighbour(link) || sharing <= per_bucket_max_) return false;
  --sharing;
  return true;
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

std::vector<NodeId> links_to_spare(const NodeId& self, std::span<const NodeId> links,
                                   std::span<const NodeId> idle, std::size_t count_max,
                                   const LinkValueOptions& options) {
  LinkValues values(self, links, when_idle(options));
  std::vector<NodeId> spared;
  for (const NodeId& link : idle) {
    if (spared.size() == count_max) break;
    if (values.take_surplus(link)) spared.push_back(link);
  }
  return spared;
}

}  // namespace trestle::dht
