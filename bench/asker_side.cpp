#include "asker_side.hpp"

#include <algorithm>
#include <utility>

#include "messages.hpp"
#include "nanoseconds.hpp"

namespace trestle::bench {
namespace {

/// More answers than a run of a few seconds can bring, so that the list does not grow meanwhile.
constexpr std::size_t kTimesReserved = 4'000'000;

}  // namespace

AskerSide::AskerSide(const AskerSideOptions& options, const link::LocalPeer& local,
                     crypto::Suite& suite, Rng rng)
    : options_(options),
      bridges_(options.bridges, local, suite, rng),
      neighbours_(options.neighbours_url, options.neighbours, local, suite,
                  rng.fork("neighbours")) {
  if (options_.keeps_times) times_.reserve(kTimesReserved);
}

void AskerSide::begin_counting() {
  answered_ = 0;
  failed_ = 0;
  times_.clear();
}

void AskerSide::on_dialled(Instant now, link::ConnectionId connection) {
  if (is_neighbour(connection)) return neighbours_.on_dialled(now, connection);
  bridges_.on_dialled(now, connection);
}
void AskerSide::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                               std::string_view reason) {
  if (is_neighbour(connection)) return neighbours_.on_dial_failed(now, connection, code, reason);
  bridges_.on_dial_failed(now, connection, code, reason);
}
void AskerSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                         ByteSpan bytes) {
  if (is_neighbour(connection)) return neighbours_.on_frame(now, connection, kind, bytes);
  bridges_.on_frame(now, connection, kind, bytes);
}
void AskerSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  if (is_neighbour(connection)) return neighbours_.on_drained(now, connection, bytes);
  bridges_.on_drained(now, connection, bytes);
}
void AskerSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                          std::string_view reason) {
  if (is_neighbour(connection)) return neighbours_.on_closed(now, connection, status, reason);
  bridges_.on_closed(now, connection, status, reason);
}
void AskerSide::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                          const wire::Signature& signature) {
  if (is_neighbour(connection)) return neighbours_.on_signed(now, connection, ticket, signature);
  bridges_.on_signed(now, connection, ticket, signature);
}
void AskerSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                            bool valid) {
  if (is_neighbour(connection)) return neighbours_.on_verified(now, connection, ticket, valid);
  bridges_.on_verified(now, connection, ticket, valid);
}

void AskerSide::start(Instant now) {
  bridges_.start(now);
  neighbours_.start(now);
}

Instant AskerSide::next_deadline() const {
  return std::min(bridges_.next_deadline(), neighbours_.next_deadline());
}

void AskerSide::on_deadline(Instant now) {
  bridges_.on_deadline(now);
  neighbours_.on_deadline(now);
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
  return neighbours_.poll_effect(now);
}

void AskerSide::ask_more(Instant now) {
  while (is_asking_ && under_way_ < options_.in_flight) {
    wire::IntroduceRequest asked = introduce_request(++asked_);
    asked.budget_ms = options_.budget_ms;
    const auto request = bridges_.submit(now, std::move(asked));
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
