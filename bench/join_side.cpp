#include "join_side.hpp"

#include <utility>

namespace trestle::bench {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

JoinSide::JoinSide(std::string url, std::size_t newcomers, std::size_t at_once,
                   crypto::Suite& suite, Rng rng)
    : ManyPeers(suite, rng), url_(std::move(url)), at_once_(at_once), has_ended_(newcomers) {
  for (std::size_t index = 0; index < newcomers; ++index) {
    add_peer(wire::Role::node, "main", "ws://127.0.0.1:" + std::to_string(20'000 + index));
  }
}

JoinSide::~JoinSide() = default;

void JoinSide::begin_more(Instant now) {
  while (begun_ < has_ended_.size() && begun_ - joined_ - failed_ < at_once_) {
    peer(begun_++).channels->dial(now, url_);
  }
}

void JoinSide::on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) {
  if (std::holds_alternative<link::Channel::Opened>(news.news)) {
    const auto id = peer(index).channels->request(now, news.connection, wire::JoinRequest{},
                                                  after(now, kPatience), 0);
    if (!id) end(index, false);
  } else if (const auto* answered = std::get_if<link::Channel::Answered>(&news.news)) {
    const auto* response = std::get_if<wire::JoinResponse>(&answered->message);
    end(index, response != nullptr && response->outcome == wire::JoinOutcome::introduced &&
                   !response->contacts.empty());
  } else if (std::holds_alternative<link::Channel::RequestFailed>(news.news) ||
             std::holds_alternative<link::Channel::Closed>(news.news)) {
    end(index, false);
  }
  begin_more(now);
}

void JoinSide::end(std::size_t index, bool has_joined) {
  if (has_ended_[index]) return;
  has_ended_[index] = true;
  ++(has_joined ? joined_ : failed_);
}

}  // namespace trestle::bench
