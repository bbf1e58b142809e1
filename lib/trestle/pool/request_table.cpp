#include "trestle/pool/request_table.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::pool {

RequestTable::RequestTable(std::size_t requests_max) : requests_max_(requests_max) {
  TRESTLE_ASSERT(requests_max <= kPlaceMask + 1);
}

PoolRequest& RequestTable::open() {
  TRESTLE_ASSERT(!is_full());
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  PoolRequest& request = places_[place];
  request.id = {++last_serial_ << kPlaceBits | place};
  ++size_;
  return request;
}

void RequestTable::close(PoolRequest& request) {
  stop_waiting(request);
  const std::uint32_t place = place_of(request.id);
  timers_.erase(place);
  request = {};
  free_.push_back(place);
  --size_;
}

PoolRequest* RequestTable::find(PoolRequestId id) {
  const std::uint32_t place = place_of(id);
  if (id.value == 0 || place >= places_.size() || places_[place].id != id) return nullptr;
  return &places_[place];
}

PoolRequest* RequestTable::at_or_after(std::uint32_t place) {
  while (place < places_.size() && places_[place].id.value == 0) ++place;
  return place < places_.size() ? &places_[place] : nullptr;
}

void RequestTable::wait(PoolRequest& request, Instant until) {
  TRESTLE_ASSERT(until != kNever);
  if (!request.waits()) {
    const std::uint32_t place = place_of(request.id);
    request.waits_before = last_;
    if (PoolRequest* before = at(last_)) before->waits_after = place;
    if (first_ == PoolRequest::kNobody) first_ = place;
    last_ = place;
    ++waiting_;
  }
  request.wait_until = until;
  arm(request, until);
}

void RequestTable::stop_waiting(PoolRequest& request) {
  if (!request.waits()) return;
  request.wait_until = kNever;
  arm(request, kNever);
  PoolRequest* before = at(request.waits_before);
  PoolRequest* behind = at(request.waits_after);
  (before != nullptr ? before->waits_after : first_) = request.waits_after;
  (behind != nullptr ? behind->waits_before : last_) = request.waits_before;
  request.waits_before = PoolRequest::kNobody;
  request.waits_after = PoolRequest::kNobody;
  --waiting_;
}

PoolRequest* RequestTable::pop_due(Instant now) {
  const auto place = timers_.pop_due(now);
  return place ? &places_[*place] : nullptr;
}

}  // namespace trestle::pool
