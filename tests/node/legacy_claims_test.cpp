// Ids are claims in the old dialect: what a claim may cost others.

#include <span>

#include "catch.hpp"
#include "legacy_desk.hpp"
#include "node/driven_node.hpp"

using namespace trestle;
using node::LegacyReception;
using test::kNodeMetadata;
using test::LegacyDesk;
namespace legacy = trestle::wire::legacy;

namespace {

constexpr Instant kStart = test::kNodeStart;
const link::ConnectionId kFirst{link::ConnectionOwner::node, 1};
const link::ConnectionId kSecond{link::ConnectionOwner::node, 2};
const link::ConnectionId kThird{link::ConnectionOwner::node, 3};
const NodeId kAlice{1, 1, 1};
const NodeId kBob{2, 2, 2};

std::string base64url(ByteSpan bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6; held -= 6) text += kDigits[(bits >> (held - 6)) & 63];
  }
  if (held > 0) text += kDigits[(bits << (6 - held)) & 63];
  return text;
}

std::string signal_to(const NodeId& target, std::size_t bytes = 1) {
  return R"({"type":"forward_signal","fromPeer":")" + kAlice.to_hex() + R"(","toPeer":")" +
         target.to_hex() + R"(","signal":")" + std::string(bytes, 's') + R"(","requestId":"f"})";
}

/// A browser's key, and a bystander who signals to the browser's id.
struct World : LegacyDesk {
  World() {
    const crypto::Digest256 digest = suite.sha256(pair.key);
    id = NodeId::from_bytes(std::span<const std::uint8_t, 32>(digest).first<NodeId::kBytes>());
    const ByteSpan key(pair.key);
    browser = R"({"nodeType":"browser","publicKey":{"kty":"EC","x":")" + base64url(key.first(32)) +
              R"(","y":")" + base64url(key.last(32)) + R"("}})";
    enter(kStart, kThird, kBob, kNodeMetadata);
  }
  void prove(link::ConnectionId client) {
    const auto challenge = sent<legacy::AuthChallenge>(client).back();
    const std::string text = challenge.nonce + ":" + std::to_string(challenge.timestamp);
    hear(kStart, client,
         R"({"type":"auth_response","nodeId":")" + id.to_hex() + R"(","signature":")" +
             to_hex(suite.sign(pair, as_bytes(text))) + R"(","timestamp":1})");
    const auto order = all<link::Verify>().back();
    reception.on_verified(kStart, client, order.ticket,
                          suite.verify(order.key, order.message, order.signature));
  }
  std::size_t reaches(link::ConnectionId client) {
    const std::size_t before = sent<legacy::Signal>(client).size();
    hear(kStart, kThird, signal_to(id));
    return sent<legacy::Signal>(client).size() - before;
  }

  crypto::KeyPair pair = suite.generate();
  NodeId id;
  std::string browser;
};

}  // namespace

TEST_CASE("a claim takes nothing from a browser that proved its id") {
  World world;
  world.enter(kStart, kFirst, world.id, world.browser);
  world.prove(kFirst);
  world.enter(kStart, kSecond, world.id, kNodeMetadata);
  CHECK(world.reaches(kFirst) == 1);
  CHECK(world.sent<legacy::Signal>(kSecond).empty());
  world.hear(kStart, kSecond, signal_to(kBob));  // nor does it speak in the browser's name
  CHECK(world.sent<legacy::Signal>(kThird).empty());
  CHECK(world.sent<legacy::Error>(kSecond).size() == 1);
  CHECK(world.all<LegacyReception::ClientKnown>().back().contact.address.empty());  // named to none
  world.reception.on_closed(kStart, kFirst);
  world.enter(kStart, kSecond, world.id, kNodeMetadata);
  CHECK(world.reaches(kSecond) == 1);  // nobody holds the id any more
}

TEST_CASE("a browser that comes back has its id as soon as it proves it again") {
  World world;
  world.enter(kStart, kFirst, world.id, world.browser);
  world.prove(kFirst);
  world.enter(kStart, kSecond, world.id, world.browser);
  CHECK(world.reaches(kFirst) == 1);
  world.prove(kSecond);
  CHECK(world.reaches(kSecond) == 1);
  world.reception.on_closed(kStart, kSecond);
  CHECK(world.reaches(kFirst) == 1);
}

TEST_CASE("where nothing is proven the newest claim counts") {
  World world;
  world.enter(kStart, kFirst, world.id, kNodeMetadata);
  world.enter(kStart, kSecond, world.id, kNodeMetadata);
  CHECK(world.reaches(kSecond) == 1);
}

TEST_CASE("a client keeps its id as long as its connection") {
  World world;
  world.enter(kStart, kFirst, kAlice, kNodeMetadata);
  world.enter(kStart, kFirst, kAlice, kNodeMetadata);
  CHECK(world.all<node::LegacyClose>().empty());
  world.enter(kStart, kFirst, world.id, kNodeMetadata);
  REQUIRE(world.all<node::LegacyClose>().size() == 1);
  CHECK(world.all<node::LegacyClose>()[0].reason == "Node ID cannot change");
  CHECK(world.sent<legacy::Registered>(kFirst).size() == 2);
  CHECK(world.reaches(kFirst) == 0);
}

namespace {

/// A node that hears text frames.
struct Heard {
  explicit Heard(test::NodeKind kind) : driven(kind, 1) {
    driven->start(kStart);
    driven.drain(kStart);
  }
  std::vector<node::Effect> say(link::ConnectionId client, const std::string& text) {
    driven->on_frame(kStart, client, link::FrameKind::text, as_bytes(text));
    return driven.drain(kStart);
  }
  test::DrivenNode driven;
};

std::size_t bytes_to(link::ConnectionId client, const std::vector<node::Effect>& effects) {
  std::size_t bytes = 0;
  for (const node::Effect& effect : effects) {
    const auto* frame = std::get_if<link::SendFrame>(&effect);
    if (frame != nullptr && frame->connection == client) bytes += frame->bytes.size();
  }
  return bytes;
}

}  // namespace

TEST_CASE("nobody can have another client cut off by forwarding to it faster than it reads") {
  Heard bootstrap(test::NodeKind::bootstrap);
  const auto flooder = bootstrap.driven.accept(kStart, "192.0.2.1");
  const auto victim = bootstrap.driven.accept(kStart, "192.0.2.2");
  const auto enter = [&](link::ConnectionId client, const NodeId& id) {
    return bytes_to(client, bootstrap.say(client, R"({"type":"register","nodeId":")" + id.to_hex() +
                                                      R"(","protocolVersion":"1.0.0","metadata":)" +
                                                      test::kBrowserMetadata + "}"));
  };
  enter(flooder, kAlice);
  std::size_t unread = enter(victim, kBob);
  const std::string relay =
      R"({"type":"relay_request","targetPeerId":")" + kBob.to_hex() + R"(","sessionId":"r"})";
  const std::string payload =
      R"({"type":"relay_forward","sessionId":"r","payload":")" + std::string(100'000, 'p') + "\"}";
  const std::string invitation = R"({"type":"send_invitation","targetPeerId":")" + kBob.to_hex() +
                                 R"(","invitationToken":{"t":")" + std::string(100'000, 't') +
                                 R"("},"inviterNodeId":")" + kAlice.to_hex() +
                                 R"(","requestId":"i"})";
  unread += bytes_to(victim, bootstrap.say(flooder, relay));
  for (int round = 0; round < 20; ++round) {
    for (const std::string& frame : {signal_to(kBob, 100'000), payload, invitation}) {
      unread += bytes_to(victim, bootstrap.say(flooder, frame));
    }
  }
  CHECK(bootstrap.driven.open.contains(victim));
  CHECK(bootstrap.driven.open.contains(flooder));
  CHECK(bootstrap.driven.counter(kStart, "legacy.forwards_dropped_total") > 50);
  CHECK(bytes_to(victim, bootstrap.say(flooder, signal_to(kBob))) == 0);
  bootstrap.driven->on_drained(kStart, victim, unread);
  CHECK(bytes_to(victim, bootstrap.say(flooder, signal_to(kBob))) > 0);
}

TEST_CASE("only a bridge can make a member meet and invite somebody") {
  for (const bool is_bridge : {false, true}) {
    CAPTURE(is_bridge);
    Heard member(test::NodeKind::dht);
    const auto asker = member.driven.accept(kStart, "192.0.2.1");
    member.say(asker, R"({"type":"dht_peer_hello","peerId":")" + kAlice.to_hex() +
                          R"(","metadata":)" +
                          (is_bridge ? test::kBridgeMetadata : test::kBrowserMetadata) + "}");
    REQUIRE(member.driven.open.contains(asker));
    auto effects = member.say(
        asker, R"({"type":"create_invitation_for_peer","targetPeer":")" +
                   member.driven->status(kStart).id.to_hex() + R"(","targetNodeId":")" +
                   kBob.to_hex() +
                   R"(","targetNodeMetadata":{"nodeType":"nodejs",)"
                   R"("listeningAddress":"ws://newcomer:1"},"requestId":"c","timestamp":1})");
    // The other side is left two seconds to dial first.
    while (member.driven->next_deadline() <= kStart + std::chrono::seconds(3)) {
      const Instant due = member.driven->next_deadline();
      member.driven->on_deadline(due);
      for (node::Effect& effect : member.driven.drain(due)) effects.push_back(std::move(effect));
    }
    const bool dials = std::ranges::any_of(effects, [](const node::Effect& effect) {
      const auto* dial = std::get_if<link::Dial>(&effect);
      return dial != nullptr && dial->url == "ws://newcomer:1";
    });
    CHECK(dials == is_bridge);
  }
}
