// Whom a lookup asks next, when it is over, and what it tells of itself.
#include <algorithm>
#include <utility>

#include "trestle/dht/lookup.hpp"

namespace trestle::dht {
namespace {

/// For so many rounds a search for a value asks few at a time: the nearest we know, and those whom
/// they name.
constexpr std::size_t kNarrowRounds = 2;

}  // namespace

void Lookup::advance(Instant now) {
  if (!started_ || ended_) return;
  bool done = true;
  for (Path path = 0; path < options_.paths; ++path) {
    ask_while_allowed(now, path, Belief::believed);
    Verdict state = verdict(path);
    if (state == Verdict::doubtful_left) {
      ask_while_allowed(now, path, Belief::all);
      state = Verdict::waiting;
    }
    done = done && state == Verdict::done;
  }
  hedges_due_ = 0;
  stand_ins_due_ = 0;
  if (!done) return;
  const bool found = kind_ == LookupKind::find_node ? stats_.answers > 0 : records_found_ > 0;
  end(found ? ErrorCode::none : code_of_failure());
}

/// Who had no room for us is like a straggler: unless enough of the others have denied it, what is
/// sought may lie there. To say that it does not exist would be a guess.
ErrorCode Lookup::code_of_failure() const {
  std::size_t answers = 0;
  std::size_t denials = 0;
  std::size_t busy = 0;
  for (const Index index : order_) {
    const Entry& entry = entries_[index];
    if (entry.state == State::failed && entry.code == ErrorCode::busy) ++busy;
    if (entry.state != State::answered) continue;
    if (entry.candidate.contact.role != wire::Role::bridge) ++denials;
    if (++answers == options_.nearest) break;
  }
  if (denials < busy * options_.denials_per_straggler) return ErrorCode::busy;
  return answers == 0 ? ErrorCode::unreachable : ErrorCode::not_found;
}

/// What a path gets of a number that is meant for the whole lookup.
std::size_t Lookup::share(std::size_t whole) const {
  return (whole + options_.paths - 1) / options_.paths;
}

/// How many questions of one path may be under way. A search for a value begins with few, as long
/// as all goes well: the first of them mostly lead to somebody who has it, and what else was asked
/// meanwhile was asked in vain.
std::size_t Lookup::width() const {
  const std::size_t at_first = std::max(options_.parallel_at_first, options_.quorum);
  const bool goes_well = stats_.failures + stats_.hedges == 0;
  const bool is_early = stats_.answers < kNarrowRounds * at_first;
  const bool is_narrow = kind_ == LookupKind::find_value && goes_well && is_early;
  return share(is_narrow ? std::min(at_first, options_.parallel_max) : options_.parallel_max);
}

void Lookup::ask_while_allowed(Instant now, Path path, Belief belief) {
  auto busy = static_cast<std::size_t>(
      std::count_if(in_flight_.begin(), in_flight_.end(), [&](Index index) {
        const Entry& entry = entries_[index];
        return entry.path == path && entry.state == State::asked && !entry.hedged;
      }));
  for (; busy < width(); ++busy) {
    const Choice choice = choose(path, belief);
    if (choice.entry == nullptr) return;
    ask(now, path, choice);
  }
}

/// Whether this path may ever ask this candidate: it heard of it, and nobody else was quicker.
bool Lookup::may_ask(const Entry& entry, Path path) const {
  if (entry.state != State::fresh || (entry.paths >> path & 1u) == 0) return false;
  return !entry.candidate.through || through_out_of_reach_ < options_.asks_through_max;
}

/// Among the nearest candidates that may still answer: the first distance class with somebody to
/// ask, in it the connected before the others, the quicker before the slower, and the nearer before
/// the farther.
Lookup::Choice Lookup::choose(Path path, Belief belief) {
  if (stats_.asks >= options_.asks_max) return {};
  Entry* nearest = nullptr;
  Entry* chosen = nullptr;
  std::size_t seen = 0;
  for (const Index index : order_) {
    Entry& entry = entries_[index];
    if (entry.state == State::fresh) {
      if (!may_ask(entry, path)) continue;
      if (belief == Belief::believed && is_doubtful(entry)) continue;
      if (nearest == nullptr) {
        nearest = chosen = &entry;
      } else if (common_prefix_bits(target_, entry.candidate.contact.id) !=
                 common_prefix_bits(target_, nearest->candidate.contact.id)) {
        break;
      } else if (entry.candidate.connected != chosen->candidate.connected) {
        if (entry.candidate.connected) chosen = &entry;
      } else if (entry.candidate.round_trip < chosen->candidate.round_trip) {
        chosen = &entry;
      }
    } else if (entry.path != path || entry.state == State::failed ||
               entry.state == State::straggler) {
      continue;
    }
    if (++seen == share(options_.nearest)) break;
  }
  if (chosen == nullptr) return {};
  if (chosen == nearest) return {chosen, AskReason::nearest};
  const bool linked = chosen->candidate.connected && !nearest->candidate.connected;
  return {chosen, linked ? AskReason::connected : AskReason::quicker};
}

void Lookup::ask(Instant now, Path path, const Choice& choice) {
  Entry& entry = *choice.entry;
  const Candidate& candidate = entry.candidate;
  Duration timeout = options_.timeout_unconnected;
  if (candidate.connected) {
    timeout = candidate.inactive ? options_.timeout_inactive : options_.timeout_connected;
  }
  entry.state = State::asked;
  entry.path = path;
  entry.asked_at = now;
  entry.deadline = after(now, timeout);
  entry.hedge_at = kNever;
  if (candidate.patience > Duration::zero()) {
    entry.hedge_at = after(now, std::max(candidate.patience, options_.hedge_after_min));
  } else if (kind_ == LookupKind::find_value) {
    const Duration dial = candidate.round_trip * options_.dial_round_trips;
    entry.hedge_at = after(now, std::max(dial, options_.hedge_after_min));
  }
  entry.linked_when_asked = candidate.connected;
  entry.reason = choice.reason;
  if (hedges_due_ > 0) {
    --hedges_due_;
    entry.reason = AskReason::hedge;
  } else if (stand_ins_due_ > 0) {
    --stand_ins_due_;
    entry.reason = AskReason::stand_in;
  }
  in_flight_.push_back(static_cast<Index>(&entry - entries_.data()));
  entry.question = static_cast<std::uint16_t>(++stats_.asks);
  if (candidate.through) {
    ++stats_.asks_through;
    ++through_out_of_reach_;
  }
  outbox_.push(LookupAsk{.peer = candidate.contact,
                         .message = question_to(candidate.contact.role),
                         .timeout = timeout,
                         .through = candidate.through});
}

/// A bridge refuses to be asked for values; it knows the way all the same (BRIDGE-11).
wire::Message Lookup::question_to(wire::Role role) const {
  if (kind_ == LookupKind::find_value && role != wire::Role::bridge) {
    return wire::FindValueRequest{key_};
  }
  return wire::FindNodeRequest{target_};
}

Lookup::Verdict Lookup::verdict(Path path) const {
  const bool asks_left = stats_.asks < options_.asks_max;
  std::size_t answers = 0;
  std::size_t denials = 0;
  std::size_t stragglers = 0;
  bool doubtful = false;
  bool passed_over = false;
  for (const Index index : order_) {
    const Entry& entry = entries_[index];
    if (entry.state == State::fresh) {
      if (!asks_left || !may_ask(entry, path)) continue;
      if (!is_doubtful(entry)) return Verdict::waiting;
      doubtful = true;
      passed_over = passed_over || entry.candidate.silent;
      continue;
    }
    if (entry.path != path || entry.state == State::failed) continue;
    if (entry.state == State::asked) return Verdict::waiting;
    if (entry.state == State::straggler) {
      ++stragglers;
      continue;
    }
    // A bridge keeps nothing, so its answer denies nothing.
    if (entry.candidate.contact.role != wire::Role::bridge) ++denials;
    if (++answers == share(options_.nearest)) {
      if (passed_over) return Verdict::doubtful_left;
      return may_leave_stragglers(answers, denials, stragglers) ? Verdict::done : Verdict::waiting;
    }
  }
  if (!may_leave_stragglers(answers, denials, stragglers)) return Verdict::waiting;
  return doubtful ? Verdict::doubtful_left : Verdict::done;
}

/// The last of the slow holds nobody up. How sure one must be without it depends on what is sought.
bool Lookup::may_leave_stragglers(std::size_t answers, std::size_t denials,
                                  std::size_t stragglers) const {
  if (stragglers == 0) return true;
  if (kind_ == LookupKind::find_node) return answers >= stragglers * options_.answers_per_straggler;
  return denials >= stragglers * options_.denials_per_straggler;
}

void Lookup::end(ErrorCode code) {
  ended_ = true;
  LookupEnded ended{.code = code,
                    .answered = {},
                    .answered_through = {},
                    .record = std::move(record_),
                    .found_at = found_at_,
                    .stats = stats_,
                    .steps = {}};
  for (const Index index : order_) {
    const Entry& entry = entries_[index];
    if (entry.state != State::answered) continue;
    ended.answered.push_back(entry.candidate.contact);
    if (entry.candidate.through) ended.answered_through.push_back(entry.candidate.contact.id);
  }
  if (options_.steps == StepReport::told) ended.steps = steps();
  outbox_.push(std::move(ended));
}

// ---- what is told

LookupStep Lookup::step(const Entry& entry) const {
  LookupStep step{.peer = entry.candidate.contact.id,
                  .named_by = {},
                  .reason = entry.reason,
                  .connected = entry.linked_when_asked,
                  .through = entry.candidate.through,
                  .asked_after = entry.asked_at - started_at_,
                  .took = {},
                  .code = entry.code,
                  .contacts = entry.contacts,
                  .hop = entry.hops};
  if (entry.source) step.named_by = entries_[*entry.source].candidate.contact.id;
  const bool over = entry.state == State::answered || entry.state == State::failed;
  if (over) step.took = entry.ended_at - entry.asked_at;
  return step;
}

std::optional<LookupStep> Lookup::step_of(const NodeId& peer) const {
  const Entry* entry = entry_of(peer);
  if (entry == nullptr || entry->question == 0) return std::nullopt;
  return step(*entry);
}

std::vector<LookupStep> Lookup::steps() const {
  std::vector<const Entry*> asked;
  for (const Index index : order_) {
    if (entries_[index].question > 0) asked.push_back(&entries_[index]);
  }
  std::sort(asked.begin(), asked.end(),
            [](const Entry* left, const Entry* right) { return left->question < right->question; });
  std::vector<LookupStep> told;
  told.reserve(asked.size());
  for (const Entry* entry : asked) told.push_back(step(*entry));
  return told;
}

}  // namespace trestle::dht
