#include "user_side.hpp"

#include <utility>

#include "trestle/crypto/record.hpp"

namespace trestle::bench {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kValueBytes = 100;
/// Keys of each user, written again and again.
constexpr std::uint64_t kKeys = 5;
constexpr std::uint64_t kLifeMs = 600'000;

std::string key_of(std::size_t user, std::uint64_t number) {
  return "user/" + std::to_string(user) + "/" + std::to_string(number % kKeys);
}

}  // namespace

UserSide::UserSide(UserSideOptions options, crypto::Suite& suite, Rng rng)
    : ManyPeers(suite, rng),
      options_(std::move(options)),
      rng_(rng.fork("gets")),
      users_(options_.urls.size()) {
  for (std::size_t user = 0; user < users_.size(); ++user) {
    add_peer(wire::Role::observer, "main", {});
  }
}

UserSide::~UserSide() = default;

void UserSide::start(Instant now) {
  ticked_ = now;
  for (std::size_t user = 0; user < users_.size(); ++user) {
    users_[user].connection = peer(user).channels->dial(now, options_.urls[user]);
  }
}

void UserSide::tick(Instant now) {
  const auto passed = static_cast<double>((now - std::exchange(ticked_, now)).count()) / 1e6;
  const bool has_values = stored_ >= users_.size() * kKeys;
  for (std::size_t index = 0; index < users_.size(); ++index) {
    User& user = users_[index];
    if (!user.is_open) continue;
    user.stores_owed += options_.stores_per_second * passed;
    for (; user.stores_owed >= 1; user.stores_owed -= 1) store(now, index);
    while (has_values && user.gets < options_.gets_in_flight) get(now, index);
  }
  if (has_values) is_busy_ = true;
}

void UserSide::get(Instant now, std::size_t index) {
  const std::size_t whose = rng_.below(users_.size());
  const std::uint64_t number = rng_.below(kKeys);
  const auto asked = peer(index).channels->request(now, users_[index].connection,
                                                   wire::FindValueRequest{key_of(whose, number)},
                                                   after(now, kPatience), 0);
  ++users_[index].gets;
  if (!asked) on_ended(now, index, Kind::get, false);
}

void UserSide::store(Instant now, std::size_t index) {
  User& user = users_[index];
  ++user.version;
  wire::Record record{.key = key_of(index, user.version),
                      .value = Bytes(kValueBytes, 'v'),
                      .version = user.version,
                      .ttl_ms = kLifeMs,
                      .author = peer(index).keys.key,
                      .left_ms = kLifeMs};
  record.signature =
      suite().sign(peer(index).keys, crypto::record_transcript(suite(), "main", record));
  const auto asked = peer(index).channels->request(
      now, user.connection, wire::StoreRequest{std::move(record)}, after(now, kPatience), 1);
  if (!asked) on_ended(now, index, Kind::store, false);
}

void UserSide::on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) {
  if (const auto* answered = std::get_if<link::Channel::Answered>(&news.news)) {
    const auto* found = std::get_if<wire::FindValueResponse>(&answered->message);
    const bool is_good = std::holds_alternative<wire::StoreResponse>(answered->message) ||
                         (found != nullptr && found->found);
    on_ended(now, index, answered->token == 0 ? Kind::get : Kind::store, is_good);
  } else if (const auto* failed = std::get_if<link::Channel::RequestFailed>(&news.news)) {
    on_ended(now, index, failed->token == 0 ? Kind::get : Kind::store, false);
  } else if (std::holds_alternative<link::Channel::Opened>(news.news)) {
    users_[index].is_open = true;
  } else if (std::holds_alternative<link::Channel::Closed>(news.news)) {
    users_[index].is_open = false;
    ++failed_;
  }
}

void UserSide::on_ended(Instant now, std::size_t index, Kind kind, bool is_good) {
  ++(is_good ? answered_ : failed_);
  if (kind == Kind::store) {
    if (is_good) ++stored_;
    return;
  }
  User& user = users_[index];
  --user.gets;
  if (user.is_open && is_good) get(now, index);
}

}  // namespace trestle::bench
