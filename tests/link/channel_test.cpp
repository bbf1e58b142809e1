#include "trestle/link/channel.hpp"

#include "catch.hpp"
#include "support/wire_pair.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::kStart;
using test::WirePair;
using namespace std::chrono_literals;

namespace {

const wire::Message kAsk = wire::FindNodeRequest{};

}  // namespace

TEST_CASE("both ends learn the other's proven id") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  REQUIRE(left.all<Channel::Opened>().size() == 1);
  REQUIRE(right.all<Channel::Opened>().size() == 1);
  CHECK(left.all<Channel::Opened>()[0].peer.id == right.id());
  CHECK(right.all<Channel::Opened>()[0].peer.id == left.id());
  CHECK(right.all<Channel::Opened>()[0].peer.address == left.local.address);
}

TEST_CASE("a request is answered on the connection that brought it") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  REQUIRE(left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 42).has_value());
  pair.settle(kStart);
  const auto requested = right.all<Channel::Requested>();
  REQUIRE(requested.size() == 1);
  CHECK(right.channels->respond(kStart, pair.accepted, requested[0].id, wire::FindNodeResponse{}));
  CHECK_FALSE(
      right.channels->respond(kStart, pair.accepted, requested[0].id, wire::FindNodeResponse{}));
  pair.settle(kStart);
  REQUIRE(left.all<Channel::Answered>().size() == 1);
  CHECK(left.all<Channel::Answered>()[0].token == 42);
}

TEST_CASE("what is written in one turn leaves in one frame") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  const std::size_t before = pair.frames_to_acceptor;
  for (int count = 0; count < 100; ++count) {
    REQUIRE(left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 0).has_value());
  }
  pair.settle(kStart);
  CHECK(pair.frames_to_acceptor == before + 1);
  CHECK(right.all<Channel::Requested>().size() == 100);
}

TEST_CASE("a batch is closed at its size") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  const std::size_t before = pair.frames_to_acceptor;
  const wire::Message large = wire::FindValueRequest{std::string(1000, 'k')};
  for (int count = 0; count < 40; ++count) {
    REQUIRE(left.channels->request(kStart, pair.dialled, large, kStart + 5s, 0).has_value());
  }
  pair.settle(kStart);
  CHECK(pair.frames_to_acceptor == before + 3);
}

TEST_CASE("a link between different networks is refused with a reason on both sides") {
  End left(1, wire::Role::node, {}, {}, "blue");
  End right(2, wire::Role::node, {}, {}, "green");
  WirePair pair(left, right);
  pair.connect(kStart);
  REQUIRE(left.all<Channel::Closed>().size() == 1);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::wrong_network);
  CHECK(right.all<Channel::Closed>()[0].code == ErrorCode::wrong_network);
  CHECK(left.all<Channel::Opened>().empty());
}

TEST_CASE("a bridge admits a bootstrap node that shows the shared secret") {
  End bootstrap(1, wire::Role::bootstrap, {}, "the secret");
  End bridge(2, wire::Role::bridge, {}, "the secret");
  WirePair pair(bootstrap, bridge);
  pair.connect(kStart);
  CHECK(bootstrap.all<Channel::Opened>().size() == 1);
  CHECK(bridge.all<Channel::Opened>().size() == 1);
}

TEST_CASE("a bridge refuses a bootstrap node with another secret, or with none") {
  for (const std::string_view secret : {"wrong", ""}) {
    End bootstrap(1, wire::Role::bootstrap, {}, secret);
    End bridge(2, wire::Role::bridge, {}, "the secret");
    WirePair pair(bootstrap, bridge);
    pair.connect(kStart);
    REQUIRE(bootstrap.all<Channel::Closed>().size() == 1);
    CHECK(bootstrap.all<Channel::Closed>()[0].code == ErrorCode::unauthorized);
    CHECK(bridge.all<Channel::Opened>().empty());
  }
}

TEST_CASE("a bootstrap node refuses a bridge that does not know the secret") {
  End bootstrap(1, wire::Role::bootstrap, {}, "the secret");
  End bridge(2, wire::Role::bridge, {}, "");
  WirePair pair(bootstrap, bridge);
  pair.connect(kStart);
  CHECK(bootstrap.all<Channel::Opened>().empty());
  CHECK(bootstrap.all<Channel::Closed>().size() == 1);
}

TEST_CASE("an ordinary node needs no secret at a bridge") {
  End node(1, wire::Role::node);
  End bridge(2, wire::Role::bridge, {}, "the secret");
  WirePair pair(node, bridge);
  pair.connect(kStart);
  CHECK(node.all<Channel::Opened>().size() == 1);
  CHECK(bridge.all<Channel::Opened>().size() == 1);
}

TEST_CASE("a connection that says nothing is closed after ten seconds") {
  End silent(1, wire::Role::node);
  const auto connection = silent.channels->on_accepted(kStart, {"192.0.2.1"});
  while (silent.channels->poll_effect()) {
  }
  CHECK(silent.channels->next_deadline() == kStart + 10s);
  silent.channels->on_deadline(kStart + 10s);
  bool closed = false;
  while (auto effect = silent.channels->poll_effect()) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      closed = closed || std::holds_alternative<link::CloseTransport>(*order);
    }
  }
  CHECK(closed);
  CHECK(silent.channels->find(connection) == nullptr);
}

TEST_CASE("every request on a lost connection ends exactly once, before the news of the loss") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  pair.cut = true;
  for (std::uint64_t token = 1; token <= 10; ++token) {
    REQUIRE(left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, token).has_value());
  }
  pair.settle(kStart);
  left.channels->on_closed(kStart, pair.dialled, 1006, "reset");
  pair.settle(kStart);
  const auto failed = left.all<Channel::RequestFailed>();
  REQUIRE(failed.size() == 10);
  for (const auto& one : failed) CHECK(one.code == ErrorCode::connection_lost);
  CHECK(std::holds_alternative<Channel::Closed>(left.news.back().news));
}

TEST_CASE(
    "a question that crosses a goodbye is lost, but where the peer had no use or no room for it") {
  const std::pair<ErrorCode, ErrorCode> ends[] = {
      {ErrorCode::idle, ErrorCode::idle},
      {ErrorCode::busy, ErrorCode::busy},
      {ErrorCode::shutting_down, ErrorCode::connection_lost}};
  for (const auto& [said, expected] : ends) {
    CAPTURE(name(said));
    End left(1, wire::Role::node);
    End right(2, wire::Role::node);
    WirePair pair(left, right);
    pair.connect(kStart);
    REQUIRE(left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 1));
    right.channels->close(kStart, pair.accepted, said, "bye");
    pair.settle(kStart);
    const auto failed = left.all<Channel::RequestFailed>();
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].code == expected);
    REQUIRE(left.all<Channel::Closed>().size() == 1);
    CHECK(left.all<Channel::Closed>()[0].code == said);
  }
}

TEST_CASE("a half-open link is found by its pings and closed") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  pair.cut = true;
  Instant now = kStart;
  while (left.channels->next_deadline() != kNever) {
    now = left.channels->next_deadline();
    left.channels->on_deadline(now);
    pair.settle(now);
  }
  CHECK(now <= kStart + 60s);
  REQUIRE(left.all<Channel::HealthChanged>().size() == 1);
  REQUIRE(left.all<Channel::Closed>().size() == 1);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::timeout);
}

TEST_CASE("more open requests than served are answered busy and the link stays") {
  link::ChannelSetOptions few;
  few.channel.served_max = 4;
  End left(1, wire::Role::node);
  End right(2, wire::Role::node, few);
  WirePair pair(left, right);
  pair.connect(kStart);
  for (int count = 0; count < 6; ++count) {
    REQUIRE(left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 0).has_value());
  }
  pair.settle(kStart);
  CHECK(right.all<Channel::Requested>().size() == 4);
  const auto answered = left.all<Channel::Answered>();
  REQUIRE(answered.size() == 2);
  CHECK(std::get<wire::Failure>(answered[0].message).code == ErrorCode::busy);
  CHECK(left.channels->find(pair.dialled)->is_open());
}

TEST_CASE("a withdrawn request is not answered any more") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  const auto id = left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 9);
  pair.settle(kStart);
  left.channels->cancel(kStart, pair.dialled, *id);
  pair.settle(kStart);
  REQUIRE(right.all<Channel::Withdrawn>().size() == 1);
  CHECK_FALSE(right.channels->respond(kStart, pair.accepted, right.all<Channel::Withdrawn>()[0].id,
                                      wire::FindNodeResponse{}));
  CHECK(left.all<Channel::RequestFailed>()[0].code == ErrorCode::cancelled);
}

TEST_CASE("a second hello on an open link is a protocol error") {
  End left(1, wire::Role::node);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  Bytes frame;
  wire::native::append_record(frame, {{}, wire::Hello{}});
  right.channels->on_frame(kStart, pair.accepted, link::FrameKind::binary, frame);
  pair.settle(kStart);
  REQUIRE(right.all<Channel::Closed>().size() == 1);
  CHECK(right.all<Channel::Closed>()[0].code == ErrorCode::protocol_error);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::protocol_error);
}

TEST_CASE("who is told why: a record over a limit is not one that makes no sense") {
  struct Case {
    Bytes frame;
    ErrorCode code;
  };
  const Case cases[] = {
      {{0x03, 0x21, 0x01, 0x15}, ErrorCode::too_large},       // an answer that claims 21 contacts
      {{0x03, 0x21, 0x01, 0x14}, ErrorCode::protocol_error},  // and one whose 20 are not there
  };
  for (const auto& [frame, code] : cases) {
    End left(1, wire::Role::node);
    End right(2, wire::Role::node);
    WirePair pair(left, right);
    pair.connect(kStart);
    right.channels->on_frame(kStart, pair.accepted, link::FrameKind::binary, frame);
    pair.settle(kStart);
    REQUIRE(right.all<Channel::Closed>().size() == 1);
    CHECK(right.all<Channel::Closed>()[0].code == code);
    CHECK(left.all<Channel::Closed>()[0].code == code);
  }
}

TEST_CASE("a stranger's large frame is refused unread") {
  End right(2, wire::Role::node);
  const auto connection = right.channels->on_accepted(kStart, {"192.0.2.1"});
  right.channels->on_frame(kStart, connection, link::FrameKind::binary, Bytes(5000));
  ErrorCode code = ErrorCode::none;
  while (auto effect = right.channels->poll_effect()) {
    if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
      if (auto* closed = std::get_if<Channel::Closed>(&news->news)) code = closed->code;
    }
  }
  CHECK(code == ErrorCode::too_large);
}

TEST_CASE("a text frame is refused where the old dialect is switched off") {
  End right(2, wire::Role::node);
  const auto connection = right.channels->on_accepted(kStart, {"192.0.2.1"});
  right.channels->on_frame(kStart, connection, link::FrameKind::text, as_bytes("{}"));
  while (right.channels->poll_effect()) {
  }
  CHECK(right.channels->find(connection) == nullptr);
}

TEST_CASE("a peer that does not read is cut at the bound") {
  link::ChannelSetOptions tight;
  tight.channel.unsent_bytes_max = 10'000;
  End left(1, wire::Role::node, tight);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  const wire::Message large = wire::FindValueRequest{std::string(1000, 'k')};
  for (int count = 0; count < 20; ++count) {
    static_cast<void>(left.channels->request(kStart, pair.dialled, large, kStart + 5s, 0));
  }
  std::vector<ErrorCode> codes;
  while (auto effect = left.channels->poll_effect()) {
    if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
      if (auto* closed = std::get_if<Channel::Closed>(&news->news)) codes.push_back(closed->code);
    }
  }
  CHECK(codes == std::vector{ErrorCode::slow_reader});
}

TEST_CASE("strangers are bounded per address and in total, loopback only in total") {
  End right(2, wire::Role::node);
  for (int count = 0; count < 20; ++count) right.channels->on_accepted(kStart, {"198.51.100.7"});
  CHECK(right.channels->pending() == 8);
  for (const char* neighbour : {"2001:db8::1", "2001:db8::2", "2001:db8::3"}) {
    for (int count = 0; count < 5; ++count) right.channels->on_accepted(kStart, {neighbour});
  }
  INFO("of IPv6 the first 64 bits count");
  CHECK(right.channels->pending() == 16);
  for (int count = 0; count < 300; ++count) right.channels->on_accepted(kStart, {"127.0.0.1"});
  CHECK(right.channels->pending() == 256);
  CHECK(right.channels->refused() == 12 + 7 + 60);
}

TEST_CASE("a peer that does not read is cut while requests time out, and each still ends once") {
  // With every bound on what lies unsent, so that some are reached by the withdrawals themselves.
  bool was_cut_at_timeout = false;
  for (std::size_t bound = 150; bound <= 350; ++bound) {
    CAPTURE(bound);
    link::ChannelSetOptions tight;
    tight.channel.unsent_bytes_max = bound;
    tight.channel.batch_bytes_max = 1;
    End left(1, wire::Role::node, tight);
    End right(2, wire::Role::node);
    WirePair pair(left, right);
    pair.connect(kStart);
    std::size_t accepted = 0;
    while (accepted < 8 && left.channels->request(kStart, pair.dialled, kAsk, kStart + 5s, 1)) {
      ++accepted;
    }
    std::size_t failed = 0;
    std::size_t closed = 0;
    const auto drain = [&] {
      while (auto effect = left.channels->poll_effect()) {
        auto* news = std::get_if<link::ChannelSet::News>(&*effect);
        if (news == nullptr) continue;
        failed += std::holds_alternative<Channel::RequestFailed>(news->news) ? 1 : 0;
        closed += std::holds_alternative<Channel::Closed>(news->news) ? 1 : 0;
      }
    };
    drain();
    const bool was_open = closed == 0;
    left.channels->on_deadline(kStart + 5s);
    drain();
    was_cut_at_timeout = was_cut_at_timeout || (was_open && closed == 1);
    CHECK(failed == accepted);
    CHECK(closed <= 1);
  }
  CHECK(was_cut_at_timeout);
}

TEST_CASE("a half-open link is found although its table of requests is full") {
  link::ChannelSetOptions small;
  small.channel.multiplexer.in_flight_max = 4;
  End left(1, wire::Role::node, small);
  End right(2, wire::Role::node);
  WirePair pair(left, right);
  pair.connect(kStart);
  pair.cut = true;
  Instant now = kStart;
  while (left.channels->size() > 0 && now < kStart + 1h) {
    // As many requests as there is room for, at every moment: the pings still find their place.
    while (left.channels->request(now, pair.dialled, kAsk, now + 5s, 1)) {
    }
    pair.settle(now);
    now = left.channels->next_deadline();
    left.channels->on_deadline(now);
    pair.settle(now);
  }
  CHECK(now <= kStart + 60s);
  REQUIRE(left.all<Channel::Closed>().size() == 1);
  CHECK(left.all<Channel::Closed>()[0].code == ErrorCode::timeout);
}

TEST_CASE("a dial that succeeds in the moment in which it is given up opens nothing") {
  End left(1, wire::Role::node);
  const auto dialled = left.channels->dial(kStart, "ws://end-2");
  left.channels->close(kStart, dialled, ErrorCode::none, "not wanted any more");
  left.channels->on_dialled(kStart, dialled);
  std::size_t frames = 0;
  std::size_t closed = 0;
  while (auto effect = left.channels->poll_effect()) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      if (std::holds_alternative<link::SendFrame>(*order)) ++frames;
    } else if (std::holds_alternative<Channel::Closed>(
                   std::get<link::ChannelSet::News>(*effect).news)) {
      ++closed;
    }
  }
  CHECK(frames == 0);
  CHECK(closed == 1);
}
