#include "trestle/link/hedge_delay.hpp"

namespace trestle::link {

void HedgeDelay::add(Instant now, Duration answer_time) {
  if (now >= after(turned_at_, kHalf)) {
    previous_ = now >= after(turned_at_, 2 * kHalf) ? Histogram{} : current_;
    current_ = {};
    turned_at_ = now;
    look();
  }
  current_.add(answer_time);
  const std::uint64_t count = current_.count();
  if (count == kSamplesMin || count % kSamplesPerLook == 0) look();
}

void HedgeDelay::look() {
  constexpr std::uint32_t kPermille = 950;
  if (current_.count() >= kSamplesMin) {
    delay_ = current_.quantile(kPermille);
  } else if (previous_.count() >= kSamplesMin) {
    delay_ = previous_.quantile(kPermille);
  } else {
    delay_.reset();
  }
}

}  // namespace trestle::link
