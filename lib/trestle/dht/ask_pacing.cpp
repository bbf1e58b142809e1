#include "trestle/dht/ask_pacing.hpp"

#include <algorithm>

namespace trestle::dht {

AskPacing::AskPacing(const AskPacingOptions& options) : options_(options), emergency_(1) {}

Result<AskPacing::Verdict, ErrorCode> AskPacing::submit(Instant now, AskId ask, const NodeId& peer,
                                                        Instant deadline, Plight plight) {
  ++stats_.submitted;
  const Instant* rest = rests_.find(peer);
  if (rest == nullptr || *rest <= now) {
    ++stats_.sent;
    return Verdict::send;
  }
  if (plight == Plight::isolated &&
      emergency_.take(now, link::RateKey(), 0, options_.emergency).allowed) {
    ++stats_.sent;
    ++stats_.emergencies;
    return Verdict::send;
  }
  if (*rest >= deadline || waiting_.size() >= options_.waiting_max) {
    ++stats_.rejected;
    return refuse(ErrorCode::rate_limited);
  }
  waiting_.push_back({.ask = ask, .at = *rest});
  ++stats_.queued;
  return Verdict::queued;
}

void AskPacing::on_limited(Instant now, const NodeId& peer, Duration wait) {
  const Instant until = after(now, std::clamp(wait, options_.wait_min, options_.wait_max));
  rests_.erase_if([now](const auto& one) { return one.second <= now; });
  if (Instant* rest = rests_.find(peer)) {
    *rest = std::max(*rest, until);
    return;
  }
  if (rests_.size() >= options_.peers_max) {
    rests_.erase(std::min_element(
        rests_.begin(), rests_.end(),
        [](const auto& left, const auto& right) { return left.second < right.second; }));
  }
  rests_.insert(peer, until);
}

void AskPacing::drop(AskId ask) {
  stats_.dropped += std::erase_if(waiting_, [&](const Waiting& one) { return one.ask == ask; });
}

Instant AskPacing::next_deadline() const {
  Instant next = kNever;
  for (const Waiting& one : waiting_) next = std::min(next, one.at);
  return next;
}

std::optional<AskId> AskPacing::pop_due(Instant now) {
  const auto due = std::find_if(waiting_.begin(), waiting_.end(),
                                [&](const Waiting& one) { return one.at <= now; });
  if (due == waiting_.end()) return std::nullopt;
  const AskId ask = due->ask;
  waiting_.erase(due);
  ++stats_.released;
  return ask;
}

AskPacingStats AskPacing::stats() const {
  AskPacingStats stats = stats_;
  stats.waiting = waiting_.size();
  return stats;
}

}  // namespace trestle::dht
