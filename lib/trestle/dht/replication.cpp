#include "trestle/dht/replication.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

Replication::Replication(wire::Record record, wire::Contacts targets,
                         const ReplicationOptions& options)
    : record_(std::move(record)), targets_(std::move(targets)), options_(options) {
  TRESTLE_ASSERT(options.parallel_max >= 1);
}

void Replication::start(Instant now) {
  TRESTLE_ASSERT(!started_);
  started_ = true;
  advance(now);
}

void Replication::on_stored(Instant now, const NodeId& peer) {
  const auto target = close(peer);
  if (!target) return;
  kept_by_.push_back(std::move(targets_[*target]));
  advance(now);
}

void Replication::on_refused(Instant now, const NodeId& peer, ErrorCode code) {
  if (!close(peer)) return;
  refusal_ = code;
  advance(now);
}

/// Ends the question to this peer, if one is open; says which target it was.
std::optional<std::size_t> Replication::close(const NodeId& peer) {
  const auto asked = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return targets_[pending.target].id == peer;
  });
  if (asked == pending_.end()) return std::nullopt;
  const std::size_t target = asked->target;
  pending_.erase(asked);
  return target;
}

void Replication::advance(Instant now) {
  while (pending_.size() < options_.parallel_max && next_target_ < targets_.size()) {
    pending_.push_back({.target = next_target_, .deadline = after(now, options_.timeout)});
    outbox_.push(ReplicationAsk{.peer = targets_[next_target_],
                                .message = wire::StoreRequest{record_},
                                .timeout = options_.timeout});
    ++next_target_;
  }
  ended_ = pending_.empty();
}

std::optional<ReplicationEffect> Replication::poll_effect() {
  if (auto ask = outbox_.poll()) return std::move(*ask);
  if (!ended_ || end_told_) return std::nullopt;
  end_told_ = true;
  const ErrorCode code = kept_by_.empty() ? refusal_ : ErrorCode::none;
  return ReplicationEnded{.kept_by = std::move(kept_by_), .code = code};
}

Instant Replication::next_deadline() const {
  Instant next = kNever;
  for (const Pending& pending : pending_) next = std::min(next, pending.deadline);
  return next;
}

void Replication::on_deadline(Instant now) {
  if (!started_ || ended_) return;
  const auto overdue =
      std::erase_if(pending_, [&](const Pending& pending) { return pending.deadline <= now; });
  if (overdue == 0) return;
  refusal_ = ErrorCode::timeout;
  advance(now);
}

}  // namespace trestle::dht
