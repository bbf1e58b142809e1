#include "trestle/link/legacy_dialect.hpp"

#include "catch.hpp"
#include "support/wire_pair.hpp"
#include "trestle/link/legacy_values.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::kStart;
using test::WirePair;
using namespace std::chrono_literals;

namespace {

link::ChannelSetOptions legacy_peers() {
  link::ChannelSetOptions options;
  options.channel.legacy = link::LegacyMode::peers;
  return options;
}

}  // namespace

TEST_CASE("two ends that speak the old dialect ask and answer each other in it") {
  End left(1, wire::Role::node, legacy_peers());
  End right(2, wire::Role::node, legacy_peers());
  WirePair pair(left, right);
  pair.connect(kStart, wire::Dialect::legacy);
  REQUIRE(left.all<Channel::Opened>().size() == 1);
  REQUIRE(right.all<Channel::Opened>().size() == 1);
  CHECK(right.all<Channel::Opened>()[0].peer.id == left.id());
  CHECK(right.all<Channel::Opened>()[0].peer.dialect == wire::Dialect::legacy);
  REQUIRE(
      left.channels->request(kStart, pair.dialled, wire::FindValueRequest{"key"}, kStart + 5s, 7));
  pair.settle(kStart);
  const auto requested = right.all<Channel::Requested>();
  REQUIRE(requested.size() == 1);
  CHECK(std::get<wire::FindValueRequest>(requested[0].message).key == "key");
  wire::FindValueResponse response;
  response.found = true;
  response.record = {"key", to_bytes(as_bytes("a value")), 1000, false};
  CHECK(right.channels->respond(kStart, pair.accepted, requested[0].id, response));
  pair.settle(kStart);
  const auto answered = left.all<Channel::Answered>();
  REQUIRE(answered.size() == 1);
  CHECK(answered[0].token == 7);
  const auto& found = std::get<wire::FindValueResponse>(answered[0].message);
  CHECK(found.found);
  CHECK(found.record.key == "key");
  CHECK(as_text(found.record.value) == "a value");
}

TEST_CASE("a request the old dialect has no word for is refused at once") {
  End left(1, wire::Role::node, legacy_peers());
  End right(2, wire::Role::node, legacy_peers());
  WirePair pair(left, right);
  pair.connect(kStart, wire::Dialect::legacy);
  const auto sent =
      left.channels->request(kStart, pair.dialled, wire::JoinRequest{}, kStart + 5s, 0);
  CHECK(sent.error() == ErrorCode::unsupported);
}

TEST_CASE("a text frame before the hello ends the connection, nonsense after it does not") {
  End right(2, wire::Role::node, legacy_peers());
  const auto early = right.channels->on_accepted(kStart, {"192.0.2.1"});
  right.channels->on_frame(kStart, early, link::FrameKind::text, as_bytes("not json"));
  while (right.channels->poll_effect()) {
  }
  CHECK(right.channels->find(early) == nullptr);

  const auto late = right.channels->on_accepted(kStart, {"192.0.2.1"});
  const std::string hello = wire::legacy::encode(wire::legacy::DhtPeerHello{NodeId{5, 5, 5}, {}});
  right.channels->on_frame(kStart, late, link::FrameKind::text, as_bytes(hello));
  right.channels->on_frame(kStart, late, link::FrameKind::text, as_bytes("not json"));
  while (right.channels->poll_effect()) {
  }
  REQUIRE(right.channels->find(late) != nullptr);
  CHECK(right.channels->find(late)->stats().legacy_refused == 1);
}

TEST_CASE("a value keeps its meaning in both dialects and both directions") {
  const auto there_and_back = [](const wire::Record& record) {
    const auto json = link::json_of_value(record);
    REQUIRE(json.has_value());
    wire::Record back;
    link::set_value_from_json(back, *json);
    CHECK(back.value == record.value);
    CHECK(back.legacy == record.legacy);
  };
  there_and_back({"k", to_bytes(as_bytes("plain text")), 0, false});
  there_and_back({"k", to_bytes(as_bytes("quotes \" and \n lines")), 0, false});
  there_and_back({"k", to_bytes(as_bytes(R"({"b":1,"a":2})")), 0, true});
  there_and_back({"k", to_bytes(as_bytes(R"({"looks":"like JSON"})")), 0, false});
}

TEST_CASE("bytes that are no text cannot be told in the old dialect") {
  CHECK_FALSE(link::json_of_value({"k", {0xff, 0xfe}, 0, false}).has_value());
}

TEST_CASE("bytes that only claim to be JSON do not reach a frame of the old dialect") {
  for (const std::string_view bytes :
       {"", " ", "{", "1,\"requestId\":\"other\"", "nul", "\"open"}) {
    CAPTURE(bytes);
    CHECK_FALSE(link::json_of_value({"k", to_bytes(as_bytes(bytes)), 0, true}).has_value());
  }
}

TEST_CASE("a JSON string that we would spell otherwise stays as it was received") {
  wire::Record record;
  link::set_value_from_json(record, {R"("\u0041")"});
  CHECK(record.legacy);
  CHECK(as_text(record.value) == R"("\u0041")");
}
