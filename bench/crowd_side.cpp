#include "crowd_side.hpp"

#include <utility>

#include "messages.hpp"
#include "nanoseconds.hpp"

namespace trestle::bench {
namespace {

/// A token is the source's number above these bits and the request's below.
constexpr unsigned kNumberBits = 32;
/// More requests than are ever in flight together.
constexpr std::size_t kBeganPlaces = 1 << 16;
constexpr Duration kPatience = std::chrono::seconds(5);

}  // namespace

CrowdSide::CrowdSide(std::string url, const std::vector<SourceOptions>& sources,
                     const link::LocalPeer& local, crypto::Suite& suite, Rng rng)
    : url_(std::move(url)),
      channels_(link::ConnectionOwner::node, local, suite, {}, rng),
      began_(kBeganPlaces) {
  for (const SourceOptions& options : sources) sources_.emplace_back().options = options;
}

void CrowdSide::start(Instant now) {
  for (Source& source : sources_) source.connection = channels_.dial(now, url_);
}

void CrowdSide::begin_counting() {
  for (Source& source : sources_) source.outcome = {};
}

void CrowdSide::ask_due(Instant now) {
  for (std::size_t index = 0; index < sources_.size(); ++index) {
    Source& source = sources_[index];
    if (!source.is_open) continue;
    const Duration passed = now - std::exchange(source.asked_until, now);
    source.owed += source.options.per_second * static_cast<double>(passed.count()) / 1e6;
    for (; source.owed >= 1; source.owed -= 1) {
      if (!ask(now, index)) ++source.outcome.withheld;
    }
    while (source.under_way < source.options.in_flight && ask(now, index)) {
    }
  }
}

bool CrowdSide::ask(Instant now, std::size_t index) {
  Source& source = sources_[index];
  const std::uint64_t number = ++asked_;
  wire::IntroduceRequest request = introduce_request(number);
  request.contacts_max = 1;
  const auto id = channels_.request(now, source.connection, request, after(now, kPatience),
                                    std::uint64_t{index} << kNumberBits | number % kBeganPlaces);
  if (!id) return false;
  began_[number % kBeganPlaces] = nanoseconds();
  ++source.under_way;
  return true;
}

void CrowdSide::on_dialled(Instant now, link::ConnectionId connection) {
  channels_.on_dialled(now, connection);
}
void CrowdSide::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                               std::string_view reason) {
  channels_.on_dial_failed(now, connection, code, reason);
}
void CrowdSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                         ByteSpan bytes) {
  channels_.on_frame(now, connection, kind, bytes);
}
void CrowdSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}
void CrowdSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                          std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
}
void CrowdSide::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                          const wire::Signature& signature) {
  channels_.on_signed(now, connection, ticket, signature);
}
void CrowdSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                            bool valid) {
  channels_.on_verified(now, connection, ticket, valid);
}

std::optional<node::Effect> CrowdSide::poll_effect(Instant now) {
  while (auto effect = channels_.poll_effect()) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      return as_effect(std::move(*order));
    }
    on_news(now, std::move(std::get<link::ChannelSet::News>(*effect)));
  }
  return std::nullopt;
}

void CrowdSide::on_news(Instant now, link::ChannelSet::News&& news) {
  if (const auto* answered = std::get_if<link::Channel::Answered>(&news.news)) {
    on_ended(answered->token, &answered->message);
    Source& source = sources_[answered->token >> kNumberBits];
    if (source.under_way < source.options.in_flight) {
      ask(now, answered->token >> kNumberBits);
    }
  } else if (const auto* failed = std::get_if<link::Channel::RequestFailed>(&news.news)) {
    on_ended(failed->token, nullptr);
  } else if (std::holds_alternative<link::Channel::Opened>(news.news)) {
    for (Source& source : sources_) {
      if (source.connection != news.connection) continue;
      source.is_open = true;
      source.asked_until = now;
    }
  } else if (std::holds_alternative<link::Channel::Closed>(news.news)) {
    for (Source& source : sources_) {
      if (source.connection != news.connection) continue;
      source.is_open = false;
      ++source.outcome.failed;
    }
  }
}

void CrowdSide::on_ended(link::Channel::Token token, const wire::Message* answer) {
  Source& source = sources_[token >> kNumberBits];
  --source.under_way;
  const auto took = static_cast<std::uint32_t>(nanoseconds() - began_[token & (kBeganPlaces - 1)]);
  const auto* failure = answer != nullptr ? std::get_if<wire::Failure>(answer) : nullptr;
  if (answer == nullptr || (failure != nullptr && failure->code != ErrorCode::busy)) {
    ++source.outcome.failed;
  } else {
    (failure != nullptr ? source.outcome.busy : source.outcome.answered).push_back(took);
  }
}

}  // namespace trestle::bench
