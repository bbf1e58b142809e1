#include "trestle/pool/upstream_scaler.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"

namespace trestle::pool {

UpstreamScaler::UpstreamScaler(const UpstreamScalerOptions& options, std::size_t connections)
    : options_(options),
      connections_max_(std::clamp(connections, options.connections_min, options.connections_max)) {
  TRESTLE_ASSERT(options.connections_min > 0);
  TRESTLE_ASSERT(options.connections_min <= options.connections_max);
  TRESTLE_ASSERT(options.grow_percent > 100 && options.shrink_percent < 100);
}

void UpstreamScaler::start(Instant now) {
  since_ = now;
  review_at_ = after(now, options_.review_every);
}

void UpstreamScaler::on_waited(Duration wait) {
  ++given_;
  waited_ += wait;
}

void UpstreamScaler::on_use(Instant now, std::size_t connections, std::size_t busy) {
  add_up(now);
  connections_ = connections;
  busy_ = busy;
}

void UpstreamScaler::add_up(Instant now) {
  const auto passed = static_cast<std::uint64_t>((now - since_).count());
  since_ = now;
  connection_time_ += passed * connections_;
  busy_time_ += passed * busy_;
}

void UpstreamScaler::on_deadline(Instant now) {
  if (now < review_at_) return;
  add_up(now);
  review_at_ = after(now, options_.review_every);
  const bool had_to_wait =
      given_ > 0 && waited_ / static_cast<std::int64_t>(given_) > options_.wait_to_grow;
  const bool stood_idle = busy_time_ * 100 < connection_time_ * options_.use_percent_to_shrink;
  std::size_t wanted = connections_max_;
  if (had_to_wait) {  // upwards, or ten would become twelve and eleven stay eleven
    wanted = (wanted * options_.grow_percent + 99) / 100;
  } else if (stood_idle) {
    wanted = wanted * options_.shrink_percent / 100;
  }
  connections_max_ = std::clamp(wanted, options_.connections_min, options_.connections_max);
  given_ = 0;
  waited_ = {};
  connection_time_ = 0;
  busy_time_ = 0;
}

}  // namespace trestle::pool
