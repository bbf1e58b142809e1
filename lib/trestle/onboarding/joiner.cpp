#include "trestle/onboarding/joiner.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::onboarding {
namespace {

/// The least wait, so that a draw of zero does not make a timer fire twice at one instant.
constexpr Duration kTick = Duration(1);

/// Our own side ended the ask; the bootstrap node has not shown that it works.
bool is_local(ErrorCode code) {
  return code == ErrorCode::timeout || code == ErrorCode::connection_lost ||
         code == ErrorCode::cancelled;
}

/// The network may have changed in two seconds; a refusal of ourselves will not have.
bool passes_soon(ErrorCode code) {
  return is_local(code) || code == ErrorCode::bridge_unavailable || code == ErrorCode::busy ||
         code == ErrorCode::rate_limited;
}

}  // namespace

Joiner::Joiner(JoinerOptions options, Rng rng)
    : options_(std::move(options)),
      rng_(rng.fork("joiner")),
      backoff_(options_.redial, rng.fork("redial")) {
  TRESTLE_ASSERT(options_.attempts_max > 0);
  TRESTLE_ASSERT(options_.links_enough > 0);
  TRESTLE_ASSERT(options_.jitter_divisor > 0);
  for (const std::string& url : options_.bootstrap_urls) {
    endpoints_.push_back({url, wire::Dialect::unknown, Instant::min()});
  }
}

Joiner::~Joiner() = default;

void Joiner::start(Instant now, Start kind) {
  if (phase_ != Phase::stopped) return;
  joining_since_ = now;
  outcome_.reset();
  introduced_by_ = {};
  begin_operation();
  if (!endpoints_.empty()) url_index_ = rng_.below(endpoints_.size());
  if (links_ > 0) become_joined(now);
  if (kind == Start::fresh) return open(now);
  joined_before_ = true;
  enter(Phase::waiting);
  phase_due_ = after(now, kTick + rng_.between(Duration::zero(), options_.return_spread));
}

void Joiner::stop(Instant) {
  if (phase_ == Phase::open || phase_ == Phase::opening) {
    outbox_.push(CloseBootstrap{ErrorCode::shutting_down});
  }
  enter(Phase::stopped);
}

// ---- the registration connection

void Joiner::begin_operation() {
  attempts_ = 0;
  backoff_.reset();
}

void Joiner::open(Instant now) {
  if (endpoints_.empty()) return enter(Phase::closed);
  if (attempts_ == 0) ++stats_.operations;
  ++attempts_;
  ++stats_.dials;
  last_dial_ = now;
  enter(Phase::opening);
  phase_due_ = after(now, options_.patience);
  Endpoint& endpoint = endpoints_[url_index_];
  const bool is_old = endpoint.dialect == wire::Dialect::legacy &&
                      now < after(endpoint.native_tried, options_.native_again_after);
  if (!is_old) endpoint.native_tried = now;
  const wire::Dialect dialect = is_old ? wire::Dialect::legacy : wire::Dialect::native;
  dialled_in_ = dialect;
  outbox_.push(OpenBootstrap{endpoint.url, dialect});
}

void Joiner::on_bootstrap_opened(Instant now) {
  if (phase_ != Phase::opening) return;
  endpoints_[url_index_].dialect = dialled_in_;
  opened_at_ = now;
  enter(Phase::open);
  settle(now);
}

void Joiner::on_bootstrap_failed(Instant now, ErrorCode code, std::string_view reason) {
  if (phase_ != Phase::opening) return;
  ++stats_.dials_failed;
  std::string detail = endpoint().url;
  detail.append(": ").append(reason);
  log(LogLevel::warning, "join.bootstrap_failed", code, std::move(detail));
  fail_attempt(now);
}

/// Costs no attempt: the node is there.
void Joiner::on_bootstrap_misunderstood(Instant now) {
  if (phase_ != Phase::opening) return;
  if (!options_.old_dialect || dialled_in_ == wire::Dialect::legacy) {
    return on_bootstrap_failed(now, ErrorCode::protocol_error, "it does not understand us");
  }
  log(LogLevel::info, "join.old_bootstrap", ErrorCode::none, endpoint().url);
  endpoints_[url_index_].dialect = wire::Dialect::legacy;
  --attempts_;
  open(now);
}

void Joiner::on_bootstrap_closed(Instant now, ErrorCode code) {
  if (phase_ == Phase::opening) return on_bootstrap_failed(now, code, "closed while opening");
  if (phase_ != Phase::open) return;
  if (ask_in_flight_) ++stats_.ask_failures;
  log(LogLevel::info, "join.bootstrap_closed", code, endpoint().url);
  const bool was_stable = after(opened_at_, options_.stable_after) <= now;
  const bool is_isolated = joined_before_ && links_ == 0;
  if (was_stable && (is_to_be_held(endpoint()) || is_isolated)) begin_operation();
  fail_attempt(now);
  // Whoever lost it with all its links has nobody else to turn to (P-CR-16).
  if (was_stable && is_isolated && phase_ == Phase::waiting) {
    phase_due_ = after(now, kTick + rng_.between(Duration::zero(), options_.urgent_spread));
  }
}

void Joiner::fail_attempt(Instant now) {
  rotate();
  if (has_enough() && !seek_held()) return enter(Phase::closed);
  enter(Phase::waiting);
  if (attempts_ < options_.attempts_max) {
    const Duration wait = backoff_.next().value_or(options_.redial.cap);
    phase_due_ = after(now, std::max(wait, kTick));
    return;
  }
  ++stats_.gave_up;
  log(LogLevel::error, "join.gave_up", ErrorCode::bootstrap_failed,
      "no bootstrap node could be used; trying again by itself, check --bootstrap");
  outbox_.push(GaveUp{.code = ErrorCode::bootstrap_failed, .attempts = attempts_});
  begin_operation();
  phase_due_ = after(now, std::max(lengthen(options_.redial.cap), kTick));
}

void Joiner::rotate() { url_index_ = (url_index_ + 1) % endpoints_.size(); }

bool Joiner::seek_held() {
  for (std::size_t tried = 0; tried < endpoints_.size(); ++tried) {
    if (is_to_be_held(endpoint())) return true;
    rotate();
  }
  return false;
}

// ---- asking

void Joiner::ask(Instant now) {
  ask_in_flight_ = true;
  last_ask_ = now;
  ask_due_ = after(now, options_.patience);
  ++stats_.asks;
  outbox_.push(AskJoin{{.contacts_max = options_.contacts_max, .rejoining = joined_before_}});
}

void Joiner::schedule_ask(Instant now, Duration wait) {
  // An old bootstrap has a bridge look for a helper at every question, and its own clients ask
  // every 10 s (section 2 of its protocol).
  if (endpoint().dialect == wire::Dialect::legacy) wait = std::max(wait, options_.ask_again);
  ask_due_ = std::max(after(now, std::max(lengthen(wait), kTick)), not_before_);
}

void Joiner::on_join_response(Instant now, const wire::JoinResponse& response) {
  if (phase_ != Phase::open || !ask_in_flight_) return;
  ask_in_flight_ = false;
  asks_failed_in_row_ = 0;
  begin_operation();  // this one did its work: the next loss starts with fresh attempts
  ++stats_.answers;
  stats_.contacts += response.contacts.size();
  outcome_ = response.outcome;
  introduced_by_ = response.introduced_by;
  const bool is_sparse = response.contacts.size() < options_.links_enough ||
                         response.outcome == wire::JoinOutcome::genesis ||
                         response.outcome == wire::JoinOutcome::emergency;
  schedule_ask(now, is_sparse ? options_.ask_again_sparse : options_.ask_again);
  if (!response.contacts.empty()) outbox_.push(Candidates{response.contacts});
  settle(now);
}

void Joiner::on_join_failed(Instant now, const wire::Failure& failure) {
  if (phase_ != Phase::open || !ask_in_flight_) return;
  ask_in_flight_ = false;
  ++asks_failed_in_row_;
  ++stats_.ask_failures;
  if (!is_local(failure.code)) begin_operation();
  const Duration stated = std::chrono::milliseconds(failure.retry_after_ms);
  not_before_ = after(now, lengthen(std::min(stated, options_.retry_after_max)));
  log(LogLevel::warning, "join.refused", failure.code, failure.text);
  if (asks_failed_in_row_ >= options_.ask_failures_max && endpoints_.size() > 1) {
    // Another bootstrap node may have bridges, or know somebody (BOOT-05).
    asks_failed_in_row_ = 0;
    not_before_ = now;
    outbox_.push(CloseBootstrap{ErrorCode::idle});
    return fail_attempt(now);
  }
  schedule_ask(now, passes_soon(failure.code) ? options_.ask_again_sparse : options_.ask_again);
  settle(now);
}

// ---- links

void Joiner::on_links(Instant now, std::size_t live_links) {
  const std::size_t before = std::exchange(links_, live_links);
  if (phase_ == Phase::stopped) return;
  if (before == 0 && live_links > 0) become_joined(now);
  if (before > 0 && live_links == 0) become_isolated(now);
  settle(now);
}

void Joiner::become_joined(Instant now) {
  ++stats_.joined;
  outbox_.push(Joined{.outcome = outcome_,
                      .introduced_by = introduced_by_,
                      .took = now - joining_since_,
                      .again = joined_before_});
  joined_before_ = true;
}

/// Bootstrap first, and almost at once (P-CR-16, RECOV-03).
void Joiner::become_isolated(Instant now) {
  ++stats_.isolated;
  joining_since_ = now;
  outcome_.reset();
  introduced_by_ = {};
  log(LogLevel::warning, "join.isolated", ErrorCode::none,
      endpoints_.empty() ? "no link is left; waiting to be dialled"
                         : "no link is left; asking the bootstrap");
  const Instant soon = after(now, kTick + rng_.between(Duration::zero(), options_.urgent_spread));
  if (phase_ == Phase::open && !ask_in_flight_) {
    ask_due_ = std::max({soon, not_before_, last_ask_ + options_.urgent_gap});
  } else if (phase_ == Phase::waiting || phase_ == Phase::closed) {
    if (phase_ == Phase::closed) begin_operation();
    enter(Phase::waiting);
    phase_due_ = std::max(soon, last_dial_ + options_.urgent_gap);
  }
}

void Joiner::settle(Instant now) {
  if (phase_ == Phase::waiting && has_enough() && !seek_held()) enter(Phase::closed);
  if (phase_ == Phase::closed) {
    if (has_enough() || endpoints_.empty()) {
      phase_due_ = kNever;
    } else if (phase_due_ == kNever) {
      phase_due_ = after(now, lengthen(options_.ask_again));
    }
  }
  if (phase_ != Phase::open) return;
  if (!has_enough()) {
    hold_until_ = kNever;
    if (ask_due_ == kNever) {
      ask_due_ = std::max({now, not_before_, last_ask_ + options_.ask_again_sparse});
    }
    if (!ask_in_flight_ && ask_due_ <= now) ask(now);
    return;
  }
  if (!ask_in_flight_) ask_due_ = kNever;
  if (is_to_be_held(endpoint())) return;
  if (hold_until_ == kNever) hold_until_ = after(now, options_.hold_after_enough);
  if (hold_until_ <= now) release(now);
}

void Joiner::release(Instant now) {
  outbox_.push(CloseBootstrap{ErrorCode::idle});
  enter(Phase::closed);
  if (!seek_held()) return;
  begin_operation();
  enter(Phase::waiting);
  phase_due_ = after(now, kTick);
}

// ---- time

Instant Joiner::next_deadline() const {
  if (phase_ == Phase::stopped) return kNever;
  return phase_ == Phase::open ? std::min(ask_due_, hold_until_) : phase_due_;
}

void Joiner::on_deadline(Instant now) {
  if (next_deadline() > now) return;
  switch (phase_) {
    case Phase::stopped:
      break;
    case Phase::closed:
      begin_operation();
      open(now);
      break;
    case Phase::waiting:
      open(now);
      break;
    case Phase::opening:
      outbox_.push(CloseBootstrap{ErrorCode::timeout});
      on_bootstrap_failed(now, ErrorCode::timeout, "nothing was heard of the dial");
      break;
    case Phase::open:
      if (hold_until_ <= now) {
        release(now);
      } else if (ask_in_flight_) {
        on_join_failed(now, {.code = ErrorCode::timeout, .text = "no answer came"});
      } else {
        ask(now);
      }
      break;
  }
}

void Joiner::enter(Phase phase) {
  phase_ = phase;
  phase_due_ = kNever;
  ask_due_ = kNever;
  hold_until_ = kNever;
  ask_in_flight_ = false;
}

Duration Joiner::lengthen(Duration wait) {
  return wait + rng_.between(Duration::zero(), wait / options_.jitter_divisor);
}

void Joiner::log(LogLevel level, std::string_view event, ErrorCode code, std::string detail) {
  outbox_.push(
      LogRecord{.level = level, .event = event, .code = code, .detail = std::move(detail)});
}

std::optional<JoinerEffect> Joiner::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::onboarding
