#include "trestle/link/legacy_dialect.hpp"

#include <optional>
#include <string>
#include <vector>

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
  response.record = {.key = "key", .value = to_bytes(as_bytes("a value")), .left_ms = 1000};
  CHECK(right.channels->respond(kStart, pair.accepted, requested[0].id, response));
  pair.settle(kStart);
  const auto answered = left.all<Channel::Answered>();
  REQUIRE(answered.size() == 1);
  CHECK(answered[0].token == 7);
  const auto& found = std::get<wire::FindValueResponse>(answered[0].message);
  CHECK(found.found);
  CHECK(found.record.key == "key");
  CHECK(as_text(found.record.value) == R"("a value")");
  CHECK(found.record.legacy);
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

TEST_CASE("a value is told to an old peer as JSON, and is marked as its own when it comes back") {
  const auto there_and_back = [](const wire::Record& record, std::string_view told) {
    const auto json = link::json_of_value(record);
    REQUIRE(json.has_value());
    CHECK(json->json == told);
    wire::Record back;
    link::set_value_from_json(back, *json);
    CHECK(as_text(back.value) == told);
    CHECK(back.legacy);
  };
  there_and_back({.key = "k", .value = to_bytes(as_bytes("plain text"))}, R"("plain text")");
  there_and_back({.key = "k", .value = to_bytes(as_bytes("quotes \" and \n lines"))},
                 R"("quotes \" and \n lines")");
  there_and_back({.key = "k", .value = to_bytes(as_bytes(R"({"b":1,"a":2})")), .legacy = true},
                 R"({"b":1,"a":2})");
  there_and_back({.key = "k", .value = to_bytes(as_bytes(R"({"like":"JSON"})"))},
                 R"("{\"like\":\"JSON\"}")");
}

TEST_CASE("bytes that are no text cannot be told in the old dialect") {
  CHECK_FALSE(link::json_of_value({.key = "k", .value = {0xff, 0xfe}}).has_value());
}

TEST_CASE("bytes that only claim to be JSON do not reach a frame of the old dialect") {
  for (const std::string_view bytes :
       {"", " ", "{", "1,\"requestId\":\"other\"", "nul", "\"open"}) {
    CAPTURE(bytes);
    CHECK_FALSE(
        link::json_of_value({.key = "k", .value = to_bytes(as_bytes(bytes)), .legacy = true})
            .has_value());
  }
}

namespace {

template <typename Kind>
std::size_t count(const End& end) {
  std::size_t found = 0;
  for (const auto& item : end.news) found += std::holds_alternative<Kind>(item.news) ? 1 : 0;
  return found;
}

/// An accepting end that hears text frames, as a bootstrap node of the old system sends them.
struct Listener : End {
  explicit Listener(wire::Role role, std::string_view secret = "the-secret")
      : End(2, role, legacy_peers(), "the secret of native bridges") {
    local.legacy_bridge_secret = to_bytes(as_bytes(secret));
    connection = channels->on_accepted(kStart, {"192.0.2.1"});
  }
  void hear(std::string_view text) {
    channels->on_frame(kStart, connection, link::FrameKind::text, as_bytes(text));
    while (auto effect = channels->poll_effect()) {
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        if (auto* frame = std::get_if<link::SendFrame>(order)) {
          said.emplace_back(as_text(frame->bytes));
        } else if (auto* close = std::get_if<link::CloseTransport>(order)) {
          closed = *close;
        }
      } else {
        news.push_back(std::get<link::ChannelSet::News>(std::move(*effect)));
      }
    }
  }
  link::ConnectionId connection;
  std::vector<std::string> said;
  std::optional<link::CloseTransport> closed;
};

}  // namespace

TEST_CASE("a bootstrap node that shows the secret to a bridge is let in and may ask") {
  Listener bridge(wire::Role::bridge);
  bridge.hear(R"({"type":"bootstrap_auth","auth_token":"the-secret","bootstrapServer":"x"})");
  REQUIRE(bridge.all<Channel::Opened>().size() == 1);
  CHECK(bridge.all<Channel::Opened>()[0].peer.role == wire::Role::bootstrap);
  REQUIRE(bridge.said.size() == 1);
  const auto success = std::get<wire::legacy::AuthSuccess>(*wire::legacy::decode(bridge.said[0]));
  CHECK(success.bridge_node_id == bridge.id());
  CHECK(success.listening_address == bridge.local.address);
  bridge.hear(R"({"type":"ping","requestId":"k1","timestamp":5})");
  REQUIRE(bridge.said.size() == 2);
  CHECK(std::get<wire::legacy::Pong>(*wire::legacy::decode(bridge.said[1])).original_timestamp ==
        5);
  bridge.hear(R"({"type":"connect_genesis_peer","nodeId":")" + NodeId{1, 1, 1}.to_hex() +
              R"(","requestId":"g"})");
  CHECK(count<Channel::LegacyReceived>(bridge) == 1);
  // It sends no pings of its own there: nobody would answer them.
  CHECK(bridge.channels->next_deadline() == kNever);
}

TEST_CASE("a bootstrap node without the secret is sent away, and so is any at a plain node") {
  Listener bridge(wire::Role::bridge);
  bridge.hear(R"({"type":"bootstrap_auth","auth_token":"wrong"})");
  REQUIRE(bridge.closed.has_value());
  CHECK(bridge.closed->status == link::CloseStatus::normal);
  CHECK(bridge.closed->reason == "Unauthorized - invalid bridge auth token");
  CHECK(bridge.said.empty());
  Listener mistaken(wire::Role::bridge);
  mistaken.hear(R"({"type":"bootstrap_auth","auth_token":"the secret of native bridges"})");
  CHECK(mistaken.closed.has_value());
  Listener without(wire::Role::bridge, "");
  without.hear(R"({"type":"bootstrap_auth","auth_token":""})");
  CHECK(without.closed.has_value());
  Listener node(wire::Role::node);
  node.hear(R"({"type":"bootstrap_auth","auth_token":"the-secret"})");
  CHECK(node.closed.has_value());
  CHECK(node.all<Channel::Opened>().empty());
}

TEST_CASE("a client of an old bootstrap node needs no opening, and hands every frame on") {
  End client(1, wire::Role::node, legacy_peers());
  const auto connection = client.channels->dial_as_old_client(kStart, "ws://bootstrap");
  client.channels->on_dialled(kStart, connection);
  std::size_t frames = 0;
  const auto drain = [&] {
    while (auto effect = client.channels->poll_effect()) {
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        frames += std::holds_alternative<link::SendFrame>(*order) ? 1 : 0;
      } else {
        client.news.push_back(std::get<link::ChannelSet::News>(std::move(*effect)));
      }
    }
  };
  drain();
  REQUIRE(client.all<Channel::Opened>().size() == 1);
  CHECK(client.all<Channel::Opened>()[0].peer.role == wire::Role::bootstrap);
  CHECK(frames == 0);
  for (const std::string_view text : {R"({"type":"ping","requestId":"k","timestamp":5})",
                                      R"({"type":"registered","nodeId":"00"})"}) {
    client.channels->on_frame(kStart, connection, link::FrameKind::text, as_bytes(text));
  }
  drain();
  CHECK(count<Channel::LegacyReceived>(client) == 1);
  CHECK(count<Channel::LegacyRefused>(client) == 1);
}
