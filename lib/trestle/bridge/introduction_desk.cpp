#include "trestle/bridge/introduction_desk.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::bridge {

IntroductionDesk::IntroductionDesk(wire::Contact self, const IntroductionDeskOptions& options,
                                   Rng rng)
    : self_(std::move(self)),
      options_(options),
      rng_(rng.fork("desk")),
      members_(options.members_max, options.heard_fresh, rng.fork("members")) {
  TRESTLE_ASSERT(options_.in_service_max > 0);
  TRESTLE_ASSERT(options_.contacts_max > 0);
  const std::size_t slots = options_.in_service_max + options_.waiting_max;
  requests_.resize(slots);
  open_.reserve(slots);
  unused_.reserve(slots);
  for (std::size_t slot = slots; slot > 0; --slot) unused_.push_back(static_cast<Slot>(slot - 1));
}

// ---- requests

void IntroductionDesk::on_request(Instant now, link::ConnectionId source,
                                  wire::RequestId request_id,
                                  const wire::IntroduceRequest& request) {
  ++stats_.received;
  if (request_id.value == 0 || open_.contains({source, request_id})) {
    ++stats_.ignored;
    return;
  }
  const Duration budget = std::chrono::milliseconds(request.budget_ms);
  const Instant expires = after(now, std::min(budget, options_.sweep_after));
  if (expires <= now) {
    ++stats_.expired;
    answer_failure(source, request_id,
                   {.code = ErrorCode::timeout, .text = "the request stated no time to answer in"});
    return;
  }
  if (!make_room(source)) {
    ++stats_.busy;
    note_full();
    answer_failure(source, request_id,
                   {.code = ErrorCode::busy,
                    .retry_after_ms = draw_retry_after_ms(),
                    .text = "this bridge has its queue full; ask again later or another bridge"});
    return;
  }
  const Slot slot = unused_.back();
  unused_.pop_back();
  Request& entry = requests_[slot];
  entry.phase = Phase::waiting;
  entry.source = source;
  entry.request_id = request_id;
  entry.newcomer = request.newcomer.id;
  entry.wanted = std::clamp<std::size_t>(request.contacts_max, 1, options_.contacts_max);
  entry.expires = expires;
  entry.arrived = now;
  open_.insert({source, request_id}, slot);
  turns_.add(source, slot);
  deadlines_.set(slot, expires);
  start_waiting(now);
  stats_.waiting_peak = std::max<std::uint64_t>(stats_.waiting_peak, turns_.waiting());
}

void IntroductionDesk::on_cancelled(Instant now, link::ConnectionId source,
                                    wire::RequestId request_id) {
  const Slot* slot = open_.find({source, request_id});
  if (slot == nullptr) return;
  ++stats_.cancelled;
  release(*slot);
  start_waiting(now);
}

void IntroductionDesk::on_source_closed(Instant now, link::ConnectionId source) {
  std::vector<Slot> ended;
  for (const auto& [key, slot] : open_) {
    if (key.source == source) ended.push_back(slot);
  }
  for (const Slot slot : ended) {
    ++stats_.cancelled;
    release(slot);
  }
  start_waiting(now);
}

bool IntroductionDesk::make_room(link::ConnectionId source) {
  if (!unused_.empty()) return true;
  const auto longest = turns_.longest();
  // One place more is no advantage: taking it would only swap the roles.
  if (!longest || longest->waiting <= turns_.waiting_of(source) + 1) return false;
  refuse_busy(longest->newest);
  return true;
}

void IntroductionDesk::refuse_busy(Slot slot) {
  const Request& request = requests_[slot];
  ++stats_.busy;
  note_full();
  answer_failure(request.source, request.request_id,
                 {.code = ErrorCode::busy,
                  .retry_after_ms = draw_retry_after_ms(),
                  .text = "this bridge gave the place in its queue to another asker; ask again "
                          "later or another bridge"});
  release(slot);
}

// ---- service

void IntroductionDesk::start_waiting(Instant now) {
  while (stats_.in_service < options_.in_service_max) {
    const auto slot = turns_.take_next();
    if (!slot) break;
    requests_[*slot].phase = Phase::in_service;
    ++stats_.in_service;
    start(now, *slot);
  }
  if (turns_.waiting() <= options_.waiting_max / 2) full_logged_ = false;
}

void IntroductionDesk::start(Instant now, Slot slot) {
  Request& request = requests_[slot];
  if (now >= request.expires) return expire(slot);
  request.started = now;
  stats_.waiting_time.add(now - request.arrived);
  request.found = members_.choose_fresh(now, request.newcomer, request.wanted);
  if (request.found.size() == request.wanted) return finish(now, slot);
  const Instant answer_by =
      std::min(after(now, options_.probe_wait), request.expires - options_.reply_margin);
  if (answer_by <= now) return finish(now, slot);
  request.stale = members_.shuffle_stale(now, request.newcomer);
  deadlines_.set(slot, answer_by);
  advance(now, slot);
}

void IntroductionDesk::advance(Instant now, Slot slot) {
  Request& request = requests_[slot];
  while (request.found.size() + request.probing.size() < request.wanted && !request.stale.empty()) {
    const NodeId id = request.stale.back();
    request.stale.pop_back();
    if (!members_.is_worth_asking(id)) continue;
    if (members_.is_fresh(now, id)) {
      request.found.push_back(*members_.find(id));
      continue;
    }
    request.probing.push_back(id);
    const auto [waiters, is_new] = probes_.insert(id, 0);
    ++*waiters;
    if (!is_new) continue;
    ++stats_.probes;
    outbox_.push(Probe{id});
  }
  if (request.probing.empty()) finish(now, slot);
}

void IntroductionDesk::settle_probe(Instant now, const NodeId& member, bool alive) {
  if (!probes_.contains(member)) return;
  probes_.erase(member);
  const wire::Contact* contact = members_.find(member);
  for (Slot slot = 0; slot < requests_.size(); ++slot) {
    Request& request = requests_[slot];
    const auto place = std::find(request.probing.begin(), request.probing.end(), member);
    if (place == request.probing.end()) continue;
    request.probing.erase(place);
    if (alive && contact != nullptr) request.found.push_back(*contact);
    advance(now, slot);
  }
  start_waiting(now);
}

void IntroductionDesk::finish(Instant now, Slot slot) {
  Request& request = requests_[slot];
  if (now >= request.expires) return expire(slot);
  wire::IntroduceResponse response;
  response.members = std::move(request.found);
  if (response.members.empty()) {
    // We are alive by definition and route for everybody: the last way in (P-CC-2).
    const bool name_self = !self_.address.empty() && self_.id != request.newcomer;
    response.alternatives =
        members_.choose_bridges(now, request.newcomer, options_.contacts_max - (name_self ? 1 : 0));
    if (name_self) response.alternatives.push_back(self_);
    ++stats_.answered_nobody;
  }
  note_nobody(response.members.empty());
  ++stats_.answered;
  stats_.service_time.add(now - request.started);
  outbox_.push(Answer{request.source, request.request_id, std::move(response)});
  release(slot);
}

void IntroductionDesk::expire(Slot slot) {
  const Request& request = requests_[slot];
  ++stats_.expired;
  answer_failure(request.source, request.request_id,
                 {.code = ErrorCode::timeout,
                  .text = "the time stated in the request ran out before its turn came"});
  release(slot);
}

void IntroductionDesk::release(Slot slot) {
  Request& request = requests_[slot];
  TRESTLE_ASSERT(request.phase != Phase::unused);
  if (request.phase == Phase::waiting) {
    turns_.remove(request.source, slot);
  } else {
    --stats_.in_service;
  }
  for (const NodeId& member : request.probing) {
    std::size_t* waiters = probes_.find(member);
    if (--*waiters == 0) probes_.erase(member);
  }
  deadlines_.erase(slot);
  open_.erase({request.source, request.request_id});
  request = Request{};
  unused_.push_back(slot);
}

// ---- members

void IntroductionDesk::on_member_up(Instant now, const wire::Contact& contact) {
  if (contact.id == self_.id) return;
  const bool kept = members_.up(now, contact);
  settle_probe(now, contact.id, kept);
}

void IntroductionDesk::on_member_heard(Instant now, const NodeId& member) {
  members_.heard(now, member);
  settle_probe(now, member, true);
}

void IntroductionDesk::on_member_down(Instant now, const NodeId& member) {
  members_.down(member);
  settle_probe(now, member, false);
}

void IntroductionDesk::on_probe_result(Instant now, const NodeId& member, bool alive) {
  if (alive) return on_member_heard(now, member);
  if (!probes_.contains(member)) return;
  members_.silent(member);
  settle_probe(now, member, false);
}

// ---- time, look

void IntroductionDesk::on_deadline(Instant now) {
  while (const auto slot = deadlines_.pop_due(now)) {
    if (requests_[*slot].phase == Phase::waiting) {
      expire(*slot);
    } else {
      finish(now, *slot);
    }
  }
  start_waiting(now);
}

DeskStats IntroductionDesk::stats() const {
  DeskStats stats = stats_;
  stats.waiting = turns_.waiting();
  stats.members = members_.size();
  stats.in_service_max = options_.in_service_max;
  stats.waiting_max = options_.waiting_max;
  return stats;
}

std::uint32_t IntroductionDesk::draw_retry_after_ms() {
  const Duration wait = rng_.between(options_.retry_after_min, options_.retry_after_max);
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(wait).count());
}

void IntroductionDesk::answer_failure(link::ConnectionId source, wire::RequestId request_id,
                                      wire::Failure failure) {
  outbox_.push(Answer{source, request_id, std::move(failure)});
}

/// One line when the queue fills up, the next one only after it was half empty again.
void IntroductionDesk::note_full() {
  if (std::exchange(full_logged_, true)) return;
  outbox_.push(LogRecord{.level = LogLevel::warning,
                         .event = "bridge.queue_full",
                         .code = ErrorCode::busy,
                         .detail = std::to_string(turns_.waiting()) +
                                   " requests wait; further ones are answered BUSY"});
}

/// One line when nobody can be named, and one when somebody can be again.
void IntroductionDesk::note_nobody(bool nobody) {
  if (std::exchange(nobody_logged_, nobody) == nobody) return;
  outbox_.push(LogRecord{.level = nobody ? LogLevel::warning : LogLevel::info,
                         .event = nobody ? "bridge.knows_nobody" : "bridge.knows_members",
                         .detail = nobody ? "no live member to introduce; naming other bridges"
                                          : "live members can be introduced"});
}

}  // namespace trestle::bridge
