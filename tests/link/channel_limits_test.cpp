// What a peer may cost a node on its links: bytes that it does not read, requests that it
// withdraws, links that it opens; and what becomes of one that breaks the rules.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/wire_pair.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::kStart;
using test::WirePair;
using namespace std::chrono_literals;

namespace {

const wire::Message kAsk = wire::FindNodeRequest{NodeId(1, 2, 3)};

/// Orders bytes of `left` until about `bytes` lie unsent, since nobody drains them.
void fill(End& left, link::ConnectionId connection, Instant now, std::size_t bytes) {
  const wire::Message large = wire::FindValueRequest{std::string(1000, 'k')};
  for (std::size_t filled = 0; filled < bytes; filled += 1000) {
    static_cast<void>(left.channels->request(now, connection, large, now + 60s, 0));
  }
}

/// Drains effects without carrying them anywhere.
std::vector<ErrorCode> ends_of(End& end) {
  std::vector<ErrorCode> codes;
  while (auto effect = end.channels->poll_effect()) {
    const auto* news = std::get_if<link::ChannelSet::News>(&*effect);
    const auto* closed = news == nullptr ? nullptr : std::get_if<Channel::Closed>(&news->news);
    if (closed != nullptr) codes.push_back(closed->code);
  }
  return codes;
}

/// The acceptor gets a frame that no honest peer sends.
void offend(WirePair& pair, End& acceptor, Instant now) {
  acceptor.channels->on_frame(now, pair.accepted, link::FrameKind::binary, as_bytes("\xff\xff"));
  pair.settle(now);
}

}  // namespace

TEST_CASE("a peer that leaves more than the soft bound unread for ten seconds is cut") {
  link::ChannelSetOptions options;
  options.channel.multiplexer.in_flight_max = 2048;
  End left(1, wire::Role::node, options);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  fill(left, pair.dialled, kStart, 300'000);
  CHECK(ends_of(left).empty());
  SECTION("for so long") {
    left.channels->on_deadline(kStart + 9s);
    CHECK(ends_of(left).empty());
    CHECK(left.channels->next_deadline() <= kStart + 10s);
    left.channels->on_deadline(kStart + 10s);
    CHECK(ends_of(left) == std::vector{ErrorCode::slow_reader});
  }
  SECTION("but not one that catches up in between") {
    left.channels->on_drained(kStart + 9s, pair.dialled, 200'000);
    CHECK(ends_of(left).empty());
    left.channels->on_deadline(kStart + 11s);
    CHECK(ends_of(left).empty());
  }
}

TEST_CASE("a stranger that does not read is cut at 16 KiB") {
  End right(2, wire::Role::node);
  const auto connection = right.channels->on_accepted(kStart, {"192.0.2.1"});
  right.channels->send_text(kStart, connection, std::string(16 * 1024, 'x'));
  CHECK(ends_of(right).empty());
  right.channels->send_text(kStart, connection, "x");
  CHECK(ends_of(right) == std::vector{ErrorCode::slow_reader});
}

TEST_CASE("T17: who asks and withdraws a hundred times within ten seconds is cut") {
  const wire::Role role = GENERATE(wire::Role::node, wire::Role::bootstrap);
  End left(1, role, {}, "secret");
  End right(2, wire::Role::bridge, {}, "secret");
  WirePair pair(left, right);
  pair.connect(kStart);
  REQUIRE(right.all<Channel::Opened>().size() == 1);
  const auto withdraw = [&](Instant now, int times) {
    for (int count = 0; count < times; ++count) {
      const auto id = left.channels->request(now, pair.dialled, kAsk, now + 5s, 0);
      if (!id) return;
      pair.settle(now);
      left.channels->cancel(now, pair.dialled, *id);
      pair.settle(now);
    }
  };
  withdraw(kStart, 100);
  CHECK(right.all<Channel::Closed>().empty());
  withdraw(kStart + 11s, 100);
  INFO("those of the window before are forgotten");
  CHECK(right.all<Channel::Closed>().empty());
  withdraw(kStart + 12s, 1);
  if (role == wire::Role::bootstrap) {
    INFO("a bootstrap node has shown a secret and asks for many");
    CHECK(right.all<Channel::Closed>().empty());
    return;
  }
  REQUIRE(right.all<Channel::Closed>().size() == 1);
  CHECK(right.all<Channel::Closed>()[0].code == ErrorCode::rate_limited);
}

TEST_CASE("T6: one id has four accepted links at a time, and nobody else fewer") {
  End left(1, wire::Role::node);
  End other(3, wire::Role::node);
  End right(2, wire::Role::node);
  std::vector<std::unique_ptr<WirePair>> pairs;
  for (int count = 0; count < 5; ++count) {
    pairs.push_back(std::make_unique<WirePair>(left, right));
    pairs.back()->connect(kStart);
  }
  CHECK(right.all<Channel::Opened>().size() == 4);
  CHECK(right.channels->refusals().per_identity == 1);
  REQUIRE(left.all<Channel::Closed>().size() == 1);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::busy);
  WirePair apart(other, right);
  apart.connect(kStart);
  CHECK(right.all<Channel::Opened>().size() == 5);
  left.channels->close(kStart, pairs[0]->dialled, ErrorCode::none, "");
  pairs[0]->settle(kStart);
  pairs.push_back(std::make_unique<WirePair>(left, right));
  pairs.back()->connect(kStart);
  INFO("a place that is free again may be taken");
  CHECK(right.all<Channel::Opened>().size() == 6);
}

TEST_CASE("peers of the old dialect have a class of their own and do not fill another") {
  link::ChannelSetOptions few;
  few.legacy_max = 2;
  few.channel.legacy = link::LegacyMode::clients;
  End right(2, wire::Role::bootstrap, few);
  std::vector<link::ConnectionId> old_ones;
  for (std::uint64_t count = 1; count <= 3; ++count) {
    const auto connection = right.channels->on_accepted(kStart, {"192.0.2.1"});
    right.channels->on_frame(kStart, connection, link::FrameKind::text, as_bytes("{}"));
    right.channels->open_as_legacy(
        kStart, connection, {NodeId(count, 0, 0), wire::Role::node, wire::Dialect::legacy, {}, {}});
    old_ones.push_back(connection);
  }
  CHECK(ends_of(right) == std::vector{ErrorCode::busy});
  CHECK(right.channels->refusals().legacy == 1);
  CHECK(right.channels->find(old_ones[0]) != nullptr);
  CHECK(right.channels->find(old_ones[2]) == nullptr);
  End left(1, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  INFO("whoever proves an id finds its place free");
  CHECK(right.all<Channel::Opened>().size() == 1);
}

TEST_CASE("T17: an id that breaks the rules three times stays out, for a while and by its id") {
  End left(1, wire::Role::node);
  End other(3, wire::Role::node);
  End right(2, wire::Role::node);
  for (int count = 0; count < 3; ++count) {
    WirePair pair(left, right);
    pair.connect(kStart);
    offend(pair, right, kStart);
  }
  REQUIRE(right.all<Channel::Opened>().size() == 3);
  WirePair again(left, right);
  again.connect(kStart + 1s);
  CHECK(right.all<Channel::Opened>().size() == 3);
  CHECK(right.channels->refusals().banned == 1);
  CHECK(left.all<Channel::Closed>().back().code == ErrorCode::refused);
  WirePair apart(other, right);
  apart.connect(kStart + 1s);
  INFO("from the same address, with an id that did nothing");
  CHECK(right.all<Channel::Opened>().size() == 4);
  WirePair later(left, right);
  later.connect(kStart + 301s);
  CHECK(right.all<Channel::Opened>().size() == 5);
}

TEST_CASE("T17: an address of which strangers break the rules stays out, loopback never") {
  End right(2, wire::Role::node);
  for (const char* address : {"198.51.100.7", "127.0.0.1"}) {
    for (int count = 0; count < 3; ++count) {
      const auto connection = right.channels->on_accepted(kStart, {address});
      right.channels->on_frame(kStart, connection, link::FrameKind::binary, as_bytes("\xff\xff"));
      ends_of(right);
    }
    const auto next = right.channels->on_accepted(kStart, {address});
    const bool is_refused = right.channels->find(next) == nullptr;
    CHECK(is_refused == (std::string(address) != "127.0.0.1"));
  }
  CHECK(right.channels->refusals().banned == 1);
  CHECK(right.channels->bans().bans(kStart).size() == 1);
  INFO("what the driver cut counts as well");
  for (int count = 0; count < 3; ++count) {
    const auto connection = right.channels->on_accepted(kStart, {"198.51.100.8"});
    right.channels->on_closed(kStart, connection,
                              static_cast<std::uint16_t>(link::CloseStatus::excess), "");
    ends_of(right);
  }
  CHECK(right.channels->bans().bans(kStart).size() == 2);
}

TEST_CASE("a peer that is banished is told, and its next link is refused") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  right.channels->banish(kStart, pair.accepted, ErrorCode::unauthorized, "forged");
  pair.settle(kStart);
  REQUIRE(left.all<Channel::Closed>().size() == 1);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::unauthorized);
  WirePair again(left, right);
  again.connect(kStart);
  CHECK(right.all<Channel::Opened>().size() == 1);
  CHECK(right.channels->bans().stats().bans == 1);
  const auto said = right.channels->poll_log();
  REQUIRE(said);
  CHECK(said->event == "link.banned");
  CHECK(said->peer == left.id());
  CHECK(said->detail == left.id().to_hex() + " stays out for 300 s: forged");
  CHECK_FALSE(right.channels->poll_log());
}

TEST_CASE("a ban is one line, however often its bearer breaks the rules and knocks") {
  End right(2, wire::Role::node);
  std::vector<LogRecord> lines;
  for (int count = 0; count < 20; ++count) {
    const auto connection = right.channels->on_accepted(kStart, {"198.51.100.7"});
    right.channels->on_frame(kStart, connection, link::FrameKind::binary, as_bytes("\xff\xff"));
    ends_of(right);
    while (auto line = right.channels->poll_log()) lines.push_back(std::move(*line));
    CHECK(lines.size() == (count < 2 ? 0u : 1u));
  }
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].code == ErrorCode::protocol_error);
  CHECK(lines[0].detail.starts_with("198.51.100.7 stays out for 300 s"));
}

TEST_CASE("bounds that are changed hold for the links that there are") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  link::ChannelSetOptions limits;
  limits.channel.unsent_bytes_max = 20'000;
  limits.per_identity_max = 1;
  limits.bans.offences_max = 1;
  left.channels->limit(limits);
  right.channels->limit(limits);
  INFO("a second link of that id; and one offence, which bans the id and with that its address");
  WirePair second(left, right);
  second.connect(kStart);
  CHECK(right.channels->refusals().per_identity == 1);
  offend(pair, right, kStart);
  CHECK(right.channels->bans().stats().bans == 2);
  End other(3, wire::Role::node);
  WirePair reading(left, other);
  reading.connect(kStart);
  fill(left, reading.dialled, kStart, 30'000);
  const auto ends = ends_of(left);
  CHECK(std::ranges::count(ends, ErrorCode::slow_reader) == 1);
}

TEST_CASE("T20: who comes back under a new id after each ban is known by its address") {
  link::ChannelSetOptions options;
  options.exempts_loopback = GENERATE(true, false);
  const std::string address = GENERATE("192.0.2.1", "127.0.0.1");
  const bool is_known = address == "192.0.2.1" || !options.exempts_loopback;
  End right(2, wire::Role::node, options);
  const auto come = [&](std::uint64_t seed) {
    auto left = std::make_unique<End>(seed, wire::Role::node);
    WirePair pair(*left, right);
    pair.address = address;
    pair.connect(kStart);
    right.channels->banish(kStart, pair.accepted, ErrorCode::unauthorized, "forged");
    pair.settle(kStart);
  };
  for (std::uint64_t seed = 10; seed < 13; ++seed) come(seed);
  CHECK(right.all<Channel::Opened>().size() == 3);
  CHECK(right.channels->bans().stats().bans == (is_known ? 4 : 3));
  come(13);
  CHECK(right.all<Channel::Opened>().size() == (is_known ? 3 : 4));
  INFO("nobody else is meant");
  End other(20, wire::Role::node);
  WirePair apart(other, right);
  apart.address = "198.51.100.1";
  apart.connect(kStart);
  CHECK(right.channels->find(apart.accepted) != nullptr);
}
