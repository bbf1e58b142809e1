#include "trestle/link/multiplexer.hpp"

#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::link {
namespace {

/// Requests and their answers stand side by side in `Message`.
std::size_t answer_index_of(const wire::Message& request) {
  TRESTLE_ASSERT(wire::is_request(request));
  return request.index() + 1;
}

}  // namespace

Multiplexer::Multiplexer(const MultiplexerOptions& options)
    : slots_max_(options.in_flight_max),
      slot_bits_(static_cast<std::uint32_t>(std::countr_zero(options.in_flight_max))) {
  TRESTLE_ASSERT(std::has_single_bit(options.in_flight_max) && slot_bits_ <= 16);
}

Result<wire::RequestId, Multiplexer::Refusal> Multiplexer::open(Instant now,
                                                                const wire::Message& request,
                                                                Instant deadline, Token token) {
  if (closed_) return refuse(Refusal::closed);
  if (free_.empty()) {
    if (entries_.size() == slots_max_) return refuse(Refusal::full);
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Entry& entry = entries_[slot];
  entry.id = {++last_serial_ << slot_bits_ | slot};
  entry.token = token;
  entry.opened_at = now;
  entry.answer_index = answer_index_of(request);
  deadlines_.set(slot, deadline);
  ++stats_.opened;
  ++stats_.in_flight;
  return entry.id;
}

std::optional<Multiplexer::Matched> Multiplexer::on_answer(Instant now, wire::RequestId id,
                                                           const wire::Message& answer) {
  Entry* entry = find(id);
  if (entry == nullptr) {
    ++stats_.unmatched_answers;
    return std::nullopt;
  }
  const bool fits =
      answer.index() == entry->answer_index || std::holds_alternative<wire::Failure>(answer);
  const Matched matched{entry->token, now - entry->opened_at, fits};
  ++stats_.answered;
  release(*entry);
  return matched;
}

bool Multiplexer::cancel(wire::RequestId id) {
  Entry* entry = find(id);
  if (entry == nullptr) return false;
  ++stats_.cancelled;
  fail(*entry, ErrorCode::cancelled);
  return true;
}

void Multiplexer::close(ErrorCode code) {
  closed_ = true;
  for (Entry& entry : entries_) {
    if (entry.id.value == 0) continue;
    ++stats_.dropped;
    fail(entry, code);
  }
}

void Multiplexer::on_deadline(Instant now) {
  while (const auto slot = deadlines_.pop_due(now)) {
    ++stats_.timed_out;
    fail(entries_[*slot], ErrorCode::timeout);
  }
}

Multiplexer::Entry* Multiplexer::find(wire::RequestId id) {
  const std::uint64_t slot = id.value & (slots_max_ - 1);
  if (id.value == 0 || slot >= entries_.size() || entries_[slot].id != id) return nullptr;
  return &entries_[slot];
}

void Multiplexer::release(Entry& entry) {
  const auto slot = static_cast<std::uint32_t>(&entry - entries_.data());
  deadlines_.erase(slot);
  entry = {};
  free_.push_back(slot);
  --stats_.in_flight;
}

void Multiplexer::fail(Entry& entry, ErrorCode code) {
  outbox_.push({entry.id, entry.token, code, entry.opened_at});
  release(entry);
}

}  // namespace trestle::link
