#include "join_side.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::bench {
namespace {

constexpr std::uint64_t kFirstOwner = 2;
constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

struct JoinSide::Newcomer {
  Newcomer(std::size_t index, crypto::Suite& suite, Rng rng)
      : keys(suite.generate()),
        local{.identity = {keys.key, crypto::node_id_of(suite, keys.key)},
              .role = wire::Role::node,
              .network = "main",
              .address = "ws://127.0.0.1:" + std::to_string(20'000 + index),
              .bridge_secret = {}},
        channels(static_cast<link::ConnectionOwner>(kFirstOwner + index), local, suite, {}, rng) {}

  crypto::KeyPair keys;
  link::LocalPeer local;
  link::ChannelSet channels;
  bool has_ended = false;
};

JoinSide::JoinSide(std::string url, std::size_t newcomers, std::size_t at_once,
                   crypto::Suite& suite, Rng rng)
    : url_(std::move(url)), at_once_(at_once), suite_(suite) {
  TRESTLE_ASSERT(newcomers <= kNewcomersMax);
  for (std::size_t index = 0; index < newcomers; ++index) {
    newcomers_.push_back(std::make_unique<Newcomer>(index, suite, rng.fork("newcomer", index)));
  }
}

JoinSide::~JoinSide() = default;

JoinSide::Newcomer& JoinSide::owner_of(link::ConnectionId connection) {
  return *newcomers_[static_cast<std::size_t>(connection.owner()) - kFirstOwner];
}

void JoinSide::begin_more(Instant now) {
  while (begun_ < newcomers_.size() && begun_ - joined_ - failed_ < at_once_) {
    newcomers_[begun_++]->channels.dial(now, url_);
  }
}

void JoinSide::on_dialled(Instant now, link::ConnectionId connection) {
  owner_of(connection).channels.on_dialled(now, connection);
}
void JoinSide::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                              std::string_view reason) {
  owner_of(connection).channels.on_dial_failed(now, connection, code, reason);
}
void JoinSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                        ByteSpan bytes) {
  owner_of(connection).channels.on_frame(now, connection, kind, bytes);
}
void JoinSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  owner_of(connection).channels.on_drained(now, connection, bytes);
}
void JoinSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                         std::string_view reason) {
  owner_of(connection).channels.on_closed(now, connection, status, reason);
}
void JoinSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           bool valid) {
  owner_of(connection).channels.on_verified(now, connection, ticket, valid);
}

Instant JoinSide::next_deadline() const {
  Instant next = kNever;
  for (const auto& newcomer : newcomers_) {
    next = std::min(next, newcomer->channels.next_deadline());
  }
  return next;
}

void JoinSide::on_deadline(Instant now) {
  for (const auto& newcomer : newcomers_) newcomer->channels.on_deadline(now);
}

std::optional<node::Effect> JoinSide::poll_effect(Instant now) {
  for (std::size_t index = 0; index < begun_; ++index) {
    Newcomer& newcomer = *newcomers_[index];
    while (auto effect = newcomer.channels.poll_effect()) {
      if (const auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
        on_news(now, newcomer, *news);
        continue;
      }
      auto& order = std::get<link::TransportOrder>(*effect);
      const auto* sign = std::get_if<link::Sign>(&order);
      if (sign == nullptr) return as_effect(std::move(order));
      // The runner knows one key only; each newcomer signs with its own.
      newcomer.channels.on_signed(now, sign->connection, sign->ticket,
                                  suite_.sign(newcomer.keys, sign->message));
    }
  }
  return std::nullopt;
}

void JoinSide::on_news(Instant now, Newcomer& newcomer, const link::ChannelSet::News& news) {
  if (std::holds_alternative<link::Channel::Opened>(news.news)) {
    const auto id = newcomer.channels.request(now, news.connection, wire::JoinRequest{},
                                              after(now, kPatience), 0);
    if (!id) end(newcomer, false);
  } else if (const auto* answered = std::get_if<link::Channel::Answered>(&news.news)) {
    const auto* response = std::get_if<wire::JoinResponse>(&answered->message);
    end(newcomer, response != nullptr && response->outcome == wire::JoinOutcome::introduced &&
                      !response->contacts.empty());
  } else if (std::holds_alternative<link::Channel::RequestFailed>(news.news) ||
             std::holds_alternative<link::Channel::Closed>(news.news)) {
    end(newcomer, false);
  }
  begin_more(now);
}

void JoinSide::end(Newcomer& newcomer, bool has_joined) {
  if (std::exchange(newcomer.has_ended, true)) return;
  ++(has_joined ? joined_ : failed_);
}

}  // namespace trestle::bench
