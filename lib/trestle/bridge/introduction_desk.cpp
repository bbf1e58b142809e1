#include "trestle/bridge/introduction_desk.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::bridge {

namespace {

/// What a policy's text is cut to; the wire carries more, a person reads less.
constexpr std::size_t kTextBytesMax = 200;

/// Saturating: a policy may say "in a year".
std::uint32_t to_milliseconds(Duration wait) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(milliseconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

TurnOrderOptions turn_options(const IntroductionDeskOptions& options) {
  return {.slots = options.in_service_max + options.waiting_max,
          .overtakes_max = options.overtakes_max,
          .class_places_kept = options.class_places_kept};
}

/// Before the character (UTF-8) that would be cut in two.
void cut(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  while (bytes_max > 0 && (static_cast<std::uint8_t>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  text.resize(bytes_max);
}

}  // namespace

IntroductionDesk::IntroductionDesk(wire::Contact self, const IntroductionDeskOptions& options,
                                   Rng rng, AdmissionPolicy* policy)
    : self_(std::move(self)),
      options_(options),
      rng_(rng.fork("desk")),
      policy_(policy),
      members_(options.members_max, options.heard_fresh, options.named, rng.fork("members")),
      turns_(turn_options(options)) {
  TRESTLE_ASSERT(options_.in_service_max > 0);
  TRESTLE_ASSERT(options_.contacts_max > 0);
  const std::size_t slots = options_.in_service_max + options_.waiting_max;
  requests_.resize(slots);
  open_.reserve(slots);
  unused_.reserve(slots);
  serving_.reserve(options_.in_service_max);
  for (std::size_t slot = slots; slot > 0; --slot) unused_.push_back(static_cast<Slot>(slot - 1));
}

IntroductionDesk::~IntroductionDesk() = default;

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
  Verdict verdict = judge(now, source, request.newcomer);
  if (verdict.kind != Verdict::Kind::admit) {
    return turn_away(source, request_id, request.newcomer.id, std::move(verdict));
  }
  if (!make_room(verdict.priority, source)) {
    note_full();
    ++stats_.busy;
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
  turns_.add(verdict.priority, source, slot);
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

Verdict IntroductionDesk::judge(Instant now, link::ConnectionId source,
                                const wire::Contact& newcomer) {
  if (policy_ == nullptr) return Verdict::admit();
  return policy_->judge(now, {.source = source, .contact = newcomer},
                        {.in_service = stats_.in_service,
                         .in_service_max = options_.in_service_max,
                         .waiting = turns_.waiting(),
                         .waiting_max = options_.waiting_max,
                         .waiting_of_source = turns_.waiting_of(source),
                         .members = members_.size()});
}

void IntroductionDesk::turn_away(link::ConnectionId source, wire::RequestId request_id,
                                 const NodeId& newcomer, Verdict&& verdict) {
  ++stats_.turned_away;
  wire::Failure failure{.code = ErrorCode::refused, .text = std::move(verdict.text)};
  if (verdict.kind == Verdict::Kind::defer) {
    failure.code = ErrorCode::rate_limited;
    failure.retry_after_ms = to_milliseconds(verdict.retry_after);
  }
  cut(failure.text, kTextBytesMax);
  outbox_.push(LogRecord{.level = LogLevel::debug,
                         .event = "bridge.turned_away",
                         .code = failure.code,
                         .peer = newcomer,
                         .detail = failure.text});
  answer_failure(source, request_id, std::move(failure));
}

bool IntroductionDesk::make_room(Priority priority, link::ConnectionId source) {
  if (!unused_.empty()) return true;
  const auto displaced = turns_.displaced_by(priority, source);
  if (!displaced) return false;
  refuse_busy(*displaced);
  return true;
}

void IntroductionDesk::refuse_busy(Slot slot) {
  const Request& request = requests_[slot];
  note_full();
  ++stats_.busy;
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
    serving_.push_back(*slot);
    ++stats_.in_service;
    start(now, *slot);
  }
  note_room();
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
  members_.order_stale(now, request.newcomer, request.stale);
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
  for (std::size_t place = 0; place < serving_.size();) {
    const Slot slot = serving_[place];
    Request& request = requests_[slot];
    const auto asked = std::find(request.probing.begin(), request.probing.end(), member);
    if (asked != request.probing.end()) {
      request.probing.erase(asked);
      if (alive && contact != nullptr) request.found.push_back(*contact);
      advance(now, slot);
    }
    // A request that ended has left the row, and the next one stands in its place.
    if (place < serving_.size() && serving_[place] == slot) ++place;
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
    turns_.remove(slot);
  } else {
    serving_.erase(std::find(serving_.begin(), serving_.end(), slot));
    --stats_.in_service;
  }
  for (const NodeId& member : request.probing) {
    std::size_t* waiters = probes_.find(member);
    if (--*waiters == 0) probes_.erase(member);
  }
  deadlines_.erase(slot);
  open_.erase({request.source, request.request_id});
  // Member by member: the lists keep their storage for the next request in this slot.
  request.phase = Phase::unused;
  request.found.clear();
  request.probing.clear();
  request.stale.clear();
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
  return to_milliseconds(rng_.between(options_.retry_after_min, options_.retry_after_max));
}

void IntroductionDesk::answer_failure(link::ConnectionId source, wire::RequestId request_id,
                                      wire::Failure failure) {
  outbox_.push(Answer{source, request_id, std::move(failure)});
}

/// One line when the queue fills up, one when it is half empty again (BRIDGE-07).
void IntroductionDesk::note_full() {
  if (full_since_busy_) return;
  full_since_busy_ = stats_.busy;
  outbox_.push(LogRecord{.level = LogLevel::warning,
                         .event = "bridge.queue_full",
                         .code = ErrorCode::busy,
                         .detail = std::to_string(turns_.waiting()) +
                                   " requests wait; further ones are answered BUSY"});
}

void IntroductionDesk::note_room() {
  if (!full_since_busy_ || turns_.waiting() > options_.waiting_max / 2) return;
  outbox_.push(LogRecord{.level = LogLevel::info,
                         .event = "bridge.queue_has_room",
                         .detail = std::to_string(stats_.busy - *full_since_busy_) +
                                   " requests heard BUSY while the queue was full"});
  full_since_busy_.reset();
}

/// One line when nobody can be named, and one when somebody can be again.
void IntroductionDesk::note_nobody(bool nobody) {
  if (std::exchange(nobody_logged_, nobody) == nobody) return;
  outbox_.push(LogRecord{.level = nobody ? LogLevel::warning : LogLevel::info,
                         .event = nobody ? "bridge.knows_nobody" : "bridge.knows_members",
                         .detail = nobody ? "no live member to introduce; naming other bridges"
                                          : "live members can be introduced"});
}

std::optional<DeskEffect> IntroductionDesk::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::bridge
