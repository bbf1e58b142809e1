#include "forger_side.hpp"

#include <algorithm>
#include <utility>

namespace trestle::bench {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kValueBytes = 100;
constexpr std::uint64_t kLifeMs = 600'000;

}  // namespace

ForgerSide::ForgerSide(ForgerSideOptions options, crypto::Suite& suite, Rng rng)
    : ManyPeers(suite, rng), options_(std::move(options)), forgers_(options_.urls.size()) {
  for (std::size_t index = 0; index < forgers_.size(); ++index) {
    add_peer(wire::Role::node, "main", {});
  }
}

ForgerSide::~ForgerSide() = default;

void ForgerSide::tick(Instant now) {
  const auto passed = static_cast<double>((now - std::exchange(ticked_, now)).count()) / 1e6;
  if (!is_attacking_) return;
  for (std::size_t index = 0; index < forgers_.size(); ++index) {
    Forger& forger = forgers_[index];
    forger.owed = std::min(forger.owed + options_.per_second * passed, options_.per_second);
    if (!forger.is_dialled && forger.dial_at <= now) dial(now, index);
    for (; forger.is_open && forger.owed >= 1; forger.owed -= 1) {
      if (!send_one(now, index)) break;
    }
  }
}

void ForgerSide::dial(Instant now, std::size_t index) {
  Forger& forger = forgers_[index];
  const bool is_new = forger.signature == wire::Signature{};
  if (!is_new && options_.returning == Returning::as_somebody_else) renew_keys(peer(index));
  forger.signature = suite().sign(peer(index).keys, as_bytes("something else"));
  forger.is_dialled = true;
  forger.connection = peer(index).channels->dial(now, options_.urls[index]);
  ++figures_.dials;
}

bool ForgerSide::send_one(Instant now, std::size_t index) {
  Forger& forger = forgers_[index];
  const wire::Record record{
      .key = "forged/" + std::to_string(index) + "/" + std::to_string(++forger.number),
      .value = Bytes(kValueBytes, 'f'),
      .version = 1,
      .ttl_ms = kLifeMs,
      .author = peer(index).keys.key,
      .signature = forger.signature,
      .left_ms = kLifeMs};
  const auto sent = peer(index).channels->request(
      now, forger.connection, wire::StoreRequest{record}, after(now, kPatience), 0);
  if (!sent) return false;
  ++figures_.sent;
  ++sent_;
  return true;
}

void ForgerSide::on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) {
  Forger& forger = forgers_[index];
  if (std::holds_alternative<link::Channel::Opened>(news.news)) {
    forger.is_open = true;
    forger.opened = now;
    ++figures_.links;
    if (!is_attacking_) peer(index).channels->close(now, news.connection, ErrorCode::none, {});
  } else if (std::holds_alternative<link::Channel::Closed>(news.news)) {
    if (forger.is_open && is_attacking_) {
      figures_.cut_after_ms.push_back(static_cast<double>((now - forger.opened).count()) / 1e3);
    }
    forger.is_open = false;
    forger.is_dialled = false;
    forger.dial_at = after(now, options_.back_after);
  }
}

void ForgerSide::end(Instant now) {
  is_attacking_ = false;
  for (std::size_t index = 0; index < forgers_.size(); ++index) {
    peer(index).channels->close_all(now, ErrorCode::none, {});
  }
}

}  // namespace trestle::bench
