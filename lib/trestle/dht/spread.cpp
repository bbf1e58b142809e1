#include "trestle/dht/spread.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

std::uint32_t holders_among(const wire::Contacts& contacts, std::size_t count) {
  std::uint32_t holders = 0;
  for (const wire::Contact& contact : contacts) {
    if (count-- == 0) break;
    if (contact.role == wire::Role::node && contact.dialect != wire::Dialect::legacy) ++holders;
  }
  return holders;
}

Spread::Spread(wire::Record record, wire::Contacts targets, std::uint32_t holders,
               const SpreadOptions& options)
    : record_(std::move(record)),
      targets_(std::move(targets)),
      options_(options),
      receipt_{.holders = holders} {
  TRESTLE_ASSERT(options.parallel_max >= 1);
}

void Spread::start(Instant now, Here here) {
  TRESTLE_ASSERT(!started_);
  started_ = true;
  here_ = here;
  if (here == Here::kept) ++receipt_.synced;
  if (here == Here::syncing) here_deadline_ = after(now, options_.timeout);
  advance(now);
}

void Spread::on_synced_here(Instant now, ErrorCode code) {
  if (here_ != Here::syncing) return;
  here_deadline_ = kNever;
  here_ = code == ErrorCode::none ? Here::kept : Here::refused;
  if (here_ == Here::kept) {
    ++receipt_.synced;
  } else {
    refusal_ = code;
  }
  advance(now);
}

void Spread::on_kept(Instant now, const NodeId& peer) {
  const auto target = close(peer);
  if (!target) return;
  if (targets_[*target].dialect != wire::Dialect::legacy) ++receipt_.synced;
  kept_by_.push_back(std::move(targets_[*target]));
  advance(now);
}

void Spread::on_refused(Instant now, const NodeId& peer, ErrorCode code) {
  const auto target = close(peer);
  if (!target) return;
  refusal_ = code;
  if (code == ErrorCode::outdated) outdated_.push_back(std::move(targets_[*target]));
  advance(now);
}

std::optional<wire::Contact> Spread::take_outdated() {
  if (outdated_.empty()) return std::nullopt;
  wire::Contact taken = std::move(outdated_.back());
  outdated_.pop_back();
  return taken;
}

/// Ends the question to this peer, if one is open; says which target it was.
std::optional<std::size_t> Spread::close(const NodeId& peer) {
  const auto asked = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return targets_[pending.target].id == peer;
  });
  if (asked == pending_.end()) return std::nullopt;
  const std::size_t target = asked->target;
  pending_.erase(asked);
  return target;
}

void Spread::advance(Instant now) {
  while (pending_.size() < options_.parallel_max && next_target_ < targets_.size()) {
    pending_.push_back({.target = next_target_, .deadline = after(now, options_.timeout)});
    outbox_.push(SpreadAsk{.peer = targets_[next_target_],
                           .message = wire::StoreRequest{record_},
                           .timeout = options_.timeout});
    ++next_target_;
  }
  ended_ = pending_.empty() && here_ != Here::syncing;
}

Instant Spread::next_deadline() const {
  Instant next = here_deadline_;
  for (const Pending& pending : pending_) next = std::min(next, pending.deadline);
  return next;
}

void Spread::on_deadline(Instant now) {
  if (!started_ || ended_) return;
  if (here_deadline_ <= now) on_synced_here(now, ErrorCode::timeout);
  const auto overdue =
      std::erase_if(pending_, [&](const Pending& pending) { return pending.deadline <= now; });
  if (overdue == 0) return;
  refusal_ = ErrorCode::timeout;
  advance(now);
}

}  // namespace trestle::dht
