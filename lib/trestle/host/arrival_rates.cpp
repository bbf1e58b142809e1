#include "trestle/host/arrival_rates.hpp"

#include <algorithm>

#include "trestle/link/remote_address.hpp"

namespace trestle::host {

ArrivalRates::Account ArrivalRates::account(std::uint32_t per_second) {
  constexpr int kBurstSeconds = 2;
  const Duration second = std::chrono::seconds(1);
  return {second / static_cast<int>(std::max(per_second, 1u)), second * kBurstSeconds};
}

bool ArrivalRates::fits(Instant now, Instant full_at, const Account& account, Instant& full_then) {
  full_then = std::max(full_at, now) + account.cost;
  return full_then <= now + account.capacity;
}

bool ArrivalRates::admits(Instant now, std::string_view address, Counting counting) {
  Instant all_then{};
  if (!fits(now, all_full_at_, account(options_.per_second), all_then)) return false;
  if (counting == Counting::by_address) {
    const std::string key = link::address_key(address);
    const Instant* known = full_at_.find(key);
    Instant then{};
    if (!fits(now, known == nullptr ? now : *known, account(options_.per_address_per_second),
              then)) {
      return false;
    }
    if (known == nullptr && full_at_.size() >= options_.addresses_max) forget_full(now);
    // Only a flood from as many addresses fills the table; then the bound of all is the one that
    // counts.
    if (known != nullptr || full_at_.size() < options_.addresses_max) {
      full_at_.insert_or_assign(key, then);
    }
  }
  all_full_at_ = all_then;
  return true;
}

void ArrivalRates::forget_full(Instant now) {
  full_at_.erase_if([now](const auto& entry) { return entry.second <= now; });
}

}  // namespace trestle::host
