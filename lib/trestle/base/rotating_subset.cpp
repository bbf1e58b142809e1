#include "trestle/base/rotating_subset.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

using Candidate = RotatingSubset::Candidate;

/// The middle one of the first, the last and the one between them, put at the end of the range.
std::uint64_t place_pivot(Candidate* first, Candidate* last) {
  Candidate* const middle = first + (last - first) / 2;
  if (middle->place < first->place) std::swap(*middle, *first);
  if (last->place < first->place) std::swap(*last, *first);
  if (middle->place < last->place) std::swap(*middle, *last);
  return last->place;
}

/// Brings the `count` that stand first to the front, in an order that hangs on the input alone:
/// Hoare's selection (FIND, 1961), for the libraries' own differ in how they leave a range.
void bring_first_to_front(std::vector<Candidate>& candidates, std::size_t count) {
  Candidate* low = candidates.data();
  Candidate* high = low + candidates.size() - 1;
  const Candidate* const wanted = low + count;
  while (low < high) {
    const std::uint64_t pivot = place_pivot(low, high);
    // All before `end` stand before the pivot. No branch hangs on a place, which is random.
    Candidate* end = low;
    for (Candidate* one = low; one < high; ++one) {
      const Candidate moved = *one;
      *one = *end;
      *end = moved;
      end += moved.place < pivot ? 1 : 0;
    }
    std::swap(*end, *high);
    if (end == wanted) return;
    if (end < wanted) {
      low = end + 1;
    } else {
      high = end - 1;
    }
  }
}

}  // namespace

RotatingSubset::RotatingSubset(const RotatingSubsetOptions& options, Rng rng)
    : options_(options), orders_secret_(rng.next()), marks_secret_(rng.next()) {
  TRESTLE_ASSERT(options.size > 0);
  TRESTLE_ASSERT(options.turn > Duration::zero());
}

RotatingSubset::Order RotatingSubset::order(Instant now, const NodeId& asker) const {
  const auto turn = static_cast<std::uint64_t>(now.time_since_epoch() / options_.turn);
  return Order(mixed_with(mixed(orders_secret_ + turn), asker));
}

RotatingSubset::Mark RotatingSubset::mark_of(const NodeId& candidate) const {
  return {mixed_with(marks_secret_, candidate)};
}

void RotatingSubset::draw(std::vector<Candidate>& candidates, std::size_t count, Rng& rng) const {
  const std::size_t few = std::min(candidates.size(), options_.size);
  if (few < candidates.size()) bring_first_to_front(candidates, few);
  const std::size_t drawn = std::min(count, few);
  for (std::size_t place = 0; place < drawn; ++place) {
    std::swap(candidates[place], candidates[place + rng.below(few - place)]);
  }
  candidates.resize(drawn);
}

}  // namespace trestle::inline base
