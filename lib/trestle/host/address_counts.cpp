#include "trestle/host/address_counts.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::host {

std::string AddressCounts::key_of(std::string_view address) const {
  return by_ == By::address ? link::address_key(address) : link::address_prefix_key(address);
}

bool AddressCounts::admits(std::string_view address, std::size_t max) const {
  const auto place = counts_.find(key_of(address));
  return (place == counts_.end() ? 0 : place->second) < max;
}

void AddressCounts::add(std::string_view address) { ++counts_[key_of(address)]; }

void AddressCounts::remove(std::string_view address) {
  const auto place = counts_.find(key_of(address));
  TRESTLE_ASSERT(place != counts_.end());
  if (--place->second == 0) counts_.erase(place);
}

}  // namespace trestle::host
