#include "trestle/host/arrival_rates.hpp"

#include "trestle/link/remote_address.hpp"

namespace trestle::host {
namespace {

/// Two seconds' worth at once.
Pace pace(std::uint32_t per_second) { return Pace::per_second(per_second, 2 * per_second); }

}  // namespace

ArrivalRates::ArrivalRates(const ArrivalRateOptions& options)
    : pace_of_all_(pace(options.per_second)),
      pace_of_address_(pace(options.per_address_per_second)),
      by_address_(options.addresses_max) {}

void ArrivalRates::limit(const ArrivalRateOptions& options) {
  pace_of_all_ = pace(options.per_second);
  pace_of_address_ = pace(options.per_address_per_second);
}

bool ArrivalRates::admits(Instant now, std::string_view address, Counting counting) {
  if (!all_.has_one(now, pace_of_all_)) return false;
  if (counting == Counting::by_address &&
      !by_address_.take(now, link::address_key(address), pace_of_address_)) {
    return false;
  }
  all_.charge(now, pace_of_all_);
  return true;
}

}  // namespace trestle::host
