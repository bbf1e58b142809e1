#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/base/rate_account.hpp"
#include "trestle/base/time.hpp"

namespace trestle::host {

struct ArrivalRateOptions {
  /// New connections a second; twice as many at once after a pause (reliability.md section 10). A
  /// TLS handshake costs a millisecond of processor: all of them take a fifth of a core.
  std::uint32_t per_second = 200;
  /// Of these from one address (of IPv6: from one /64). A household that starts all it has is over
  /// in two seconds.
  std::uint32_t per_address_per_second = 20;
  /// Addresses remembered, each until it might come twice as often again, which takes two seconds:
  /// more than can have come by then.
  std::size_t addresses_max = 1024;
};

/// How fast connections may arrive, in all and from one address: a policy. Whoever is refused costs
/// nobody else anything: refused arrivals take nothing out of the account of all.
class ArrivalRates {
 public:
  explicit ArrivalRates(const ArrivalRateOptions& options);
  /// Other rates from now on; what was taken stays taken.
  void limit(const ArrivalRateOptions& options);

  enum class Counting : std::uint8_t { by_address, in_all_only };
  /// Whether one more may come now.
  bool admits(Instant now, std::string_view address, Counting counting);
  std::size_t addresses() const { return by_address_.size(); }

 private:
  Pace pace_of_all_;
  Pace pace_of_address_;
  RateAccount all_;
  /// Only a flood from as many addresses fills the table; then the bound of all is the one that
  /// counts.
  RateAccounts<std::string> by_address_;
};

}  // namespace trestle::host
