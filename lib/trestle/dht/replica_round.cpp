#include "trestle/dht/replica_round.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

ReplicaRound::ReplicaRound(std::vector<KeptRecord> records, std::vector<ReplicaTask> tasks,
                           const ReplicaRoundOptions& options)
    : records_(std::move(records)), tasks_(std::move(tasks)), options_(options) {
  TRESTLE_ASSERT(options.offers_parallel_max >= 1 && options.copies_parallel_max >= 1);
  TRESTLE_ASSERT(options.summaries_per_offer_max >= 1 && options.copies_waiting_max >= 1);
  outcome_.outcomes.resize(records_.size());
}

void ReplicaRound::start(Instant now) {
  TRESTLE_ASSERT(!started_);
  started_ = true;
  for (std::uint32_t task = 0; task < tasks_.size(); ++task) {
    if (tasks_[task].kind != ReplicaTask::Kind::gift) continue;
    for (const std::uint32_t record : tasks_[task].records) {
      copies_.push_back({.task = task, .record = record});
    }
  }
  advance(now);
}

// ---- inputs

void ReplicaRound::on_answer(Instant now, RoundExchange exchange,
                             std::span<const wire::ReplicaState> states) {
  const auto pending = close(exchange);
  if (!pending || pending->summaries == 0) return advance(now);
  if (states.size() != pending->summaries) {
    ++stats_.answers_senseless;
    outcome_.silent.push_back(tasks_[pending->task].peer.id);
    return advance(now);
  }
  const ReplicaTask& task = tasks_[pending->task];
  for (std::uint32_t position = 0; position < pending->summaries; ++position) {
    const std::uint32_t record = task.records[pending->first + position];
    switch (states[position]) {
      case wire::ReplicaState::have:
        ++outcome_.outcomes[record].copies;
        break;
      case wire::ReplicaState::need:
      case wire::ReplicaState::mismatch:
        copies_.push_back({.task = pending->task, .record = record});
        break;
      case wire::ReplicaState::newer:
        outcome_.outcomes[record].outdated = true;
        break;
      case wire::ReplicaState::refused:
        break;
    }
  }
  advance(now);
}

void ReplicaRound::on_stored(Instant now, RoundExchange exchange) {
  const auto pending = close(exchange);
  if (pending && pending->summaries == 0 && tasks_[pending->task].kind != ReplicaTask::Kind::gift) {
    ++outcome_.outcomes[pending->first].copies;
  }
  advance(now);
}

void ReplicaRound::on_failed(Instant now, RoundExchange exchange, ErrorCode code) {
  const auto pending = close(exchange);
  // Who wants to be asked later is there, and so is who let an idle link go.
  const bool is_there =
      code == ErrorCode::rate_limited || code == ErrorCode::busy || code == ErrorCode::idle;
  if (pending && pending->summaries > 0 && !is_there) {
    outcome_.silent.push_back(tasks_[pending->task].peer.id);
  } else if (pending && code == ErrorCode::outdated) {
    outcome_.outcomes[pending->first].outdated = true;
  }
  advance(now);
}

std::optional<ReplicaRound::Pending> ReplicaRound::close(RoundExchange exchange) {
  const Pending* found = pending_.find(exchange);
  if (found == nullptr) return std::nullopt;
  const Pending pending = *found;
  pending_.erase(exchange);
  if (pending.summaries > 0) --offers_pending_;
  return pending;
}

// ---- sending

void ReplicaRound::advance(Instant now) {
  if (!started_ || ended_) return;
  while (next_copy_ < copies_.size() &&
         pending_.size() - offers_pending_ < options_.copies_parallel_max) {
    send_copy(now, copies_[next_copy_++]);
  }
  if (next_copy_ == copies_.size()) {
    copies_.clear();
    next_copy_ = 0;
  }
  skip_gifts();
  while (next_task_ < tasks_.size() && offers_pending_ < options_.offers_parallel_max &&
         copies_.size() - next_copy_ < options_.copies_waiting_max) {
    send_offer(now);
    skip_gifts();
  }
  if (!pending_.empty() || next_copy_ < copies_.size() || next_task_ < tasks_.size()) return;
  ended_ = true;
  outbox_.push(std::move(outcome_));
}

void ReplicaRound::skip_gifts() {
  while (next_task_ < tasks_.size() && tasks_[next_task_].kind == ReplicaTask::Kind::gift) {
    ++next_task_;
  }
}

void ReplicaRound::send_offer(Instant now) {
  const ReplicaTask& task = tasks_[next_task_];
  const auto task_number = static_cast<std::uint32_t>(next_task_);
  const auto first = static_cast<std::uint32_t>(next_position_);
  const std::size_t end =
      std::min(task.records.size(), next_position_ + options_.summaries_per_offer_max);
  wire::ReplicaOffer offer{.records = {}, .delegated = task.kind == ReplicaTask::Kind::delegate};
  offer.records.reserve(end - next_position_);
  for (; next_position_ < end; ++next_position_) {
    offer.records.push_back(records_[task.records[next_position_]].summary(now));
  }
  if (next_position_ == task.records.size()) {
    ++next_task_;
    next_position_ = 0;
  }
  const auto summaries = static_cast<std::uint32_t>(offer.records.size());
  if (summaries == 0) return;
  ++stats_.offers;
  stats_.summaries += summaries;
  ++offers_pending_;
  const RoundExchange exchange = enter(now, task_number, first, summaries);
  outbox_.push(RoundOffer{.exchange = exchange,
                          .peer = task.peer,
                          .offer = std::move(offer),
                          .timeout = options_.timeout});
}

void ReplicaRound::send_copy(Instant now, const Copy& copy) {
  const ReplicaTask& task = tasks_[copy.task];
  const KeptRecord& record = records_[copy.record];
  ++(task.kind == ReplicaTask::Kind::gift ? stats_.gifts : stats_.copies);
  const RoundExchange exchange = enter(now, copy.task, copy.record, 0);
  outbox_.push(RoundCopy{.exchange = exchange,
                         .peer = task.peer,
                         .place = record.place,
                         .digest = record.digest,
                         .timeout = options_.timeout});
}

RoundExchange ReplicaRound::enter(Instant now, std::uint32_t task, std::uint32_t first,
                                  std::uint32_t summaries) {
  const RoundExchange exchange{++last_exchange_};
  pending_.insert(exchange, {.task = task,
                             .first = first,
                             .summaries = summaries,
                             .deadline = after(now, options_.timeout)});
  return exchange;
}

// ---- time, drain

Instant ReplicaRound::next_deadline() const {
  // All have the same timeout and were entered in the order of their numbers.
  return pending_.empty() ? kNever : pending_.at_index(0).second.deadline;
}

void ReplicaRound::on_deadline(Instant now) {
  while (!pending_.empty() && pending_.at_index(0).second.deadline <= now) {
    const RoundExchange overdue = pending_.at_index(0).first;
    on_failed(now, overdue, ErrorCode::timeout);
  }
}

std::optional<RoundEffect> ReplicaRound::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::dht
