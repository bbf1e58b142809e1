#include "trestle/host/address_counts.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::host {

bool AddressCounts::admits(std::string_view address, std::size_t per_address_max) const {
  if (link::is_loopback(address)) return true;
  const auto place = counts_.find(link::address_key(address));
  return place == counts_.end() || place->second < per_address_max;
}

void AddressCounts::add(std::string_view address) {
  if (!link::is_loopback(address)) ++counts_[link::address_key(address)];
}

void AddressCounts::remove(std::string_view address) {
  if (link::is_loopback(address)) return;
  const auto place = counts_.find(link::address_key(address));
  TRESTLE_ASSERT(place != counts_.end());
  if (--place->second == 0) counts_.erase(place);
}

}  // namespace trestle::host
