#include "trestle/dht/holder_floor.hpp"

namespace trestle::dht {

void HolderFloor::note(Instant now, std::uint32_t holders) {
  std::erase_if(seen_, [&](const Seen& seen) {
    return seen.holders <= holders || after(seen.at, kWindow) <= now;
  });
  seen_.push_back({.at = now, .holders = holders});
}

std::uint32_t HolderFloor::at(Instant now) const {
  for (const Seen& seen : seen_) {
    if (after(seen.at, kWindow) > now) return seen.holders;
  }
  return 0;
}

}  // namespace trestle::dht
