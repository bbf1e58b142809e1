#include "asker_side.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "messages.hpp"

namespace trestle::bench {
namespace {

/// Finer than the core's microseconds: one request in flight takes about fifteen of them.
std::uint64_t nanoseconds() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot).count());
}

/// More answers than a run of a few seconds can bring, so that the list does not grow meanwhile.
constexpr std::size_t kTimesReserved = 4'000'000;

}  // namespace

AskerSide::AskerSide(const AskerSideOptions& options, const link::LocalPeer& local,
                     crypto::Suite& suite, Rng rng)
    : options_(options), bridges_(options.bridges, local, suite, rng) {
  if (options_.keeps_times) times_.reserve(kTimesReserved);
}

void AskerSide::begin_counting() {
  answered_ = 0;
  failed_ = 0;
  times_.clear();
}

void AskerSide::on_dialled(Instant now, link::ConnectionId connection) {
  bridges_.on_dialled(now, connection);
}
void AskerSide::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                               std::string_view reason) {
  bridges_.on_dial_failed(now, connection, code, reason);
}
void AskerSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                         ByteSpan bytes) {
  bridges_.on_frame(now, connection, kind, bytes);
}
void AskerSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  bridges_.on_drained(now, connection, bytes);
}
void AskerSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                          std::string_view reason) {
  bridges_.on_closed(now, connection, status, reason);
}
void AskerSide::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                          const wire::Signature& signature) {
  bridges_.on_signed(now, connection, ticket, signature);
}
void AskerSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                            bool valid) {
  bridges_.on_verified(now, connection, ticket, valid);
}

std::optional<node::Effect> AskerSide::poll_effect(Instant now) {
  while (auto effect = bridges_.poll_effect(now)) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      return as_effect(std::move(*order));
    }
    if (const auto* answered = std::get_if<pool::BridgeSet::Answered>(&*effect)) {
      const bool is_whole = std::holds_alternative<wire::IntroduceResponse>(answered->message);
      on_ended(answered->request, is_whole);
      ask_more(now);
    } else if (const auto* failed = std::get_if<pool::BridgeSet::Failed>(&*effect)) {
      on_ended(failed->request, false);
    } else if (std::holds_alternative<pool::BridgeSet::BridgesChanged>(*effect)) {
      ask_more(now);
    } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
      return node::Effect(std::move(*record));
    }
  }
  return std::nullopt;
}

void AskerSide::ask_more(Instant now) {
  while (is_asking_ && under_way_ < options_.in_flight) {
    const auto request = bridges_.submit(now, introduce_request(++asked_));
    if (!request) return;
    ++under_way_;
    if (options_.keeps_times) began_[request->value % began_.size()] = nanoseconds();
  }
}

void AskerSide::on_ended(pool::PoolRequestId request, bool is_answered) {
  --under_way_;
  ++(is_answered ? answered_ : failed_);
  if (!options_.keeps_times || !is_answered || times_.size() == times_.capacity()) return;
  const std::uint64_t took = nanoseconds() - began_[request.value % began_.size()];
  times_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(took, ~std::uint32_t{0})));
}

}  // namespace trestle::bench
