#include "trestle/wire/legacy/metadata.hpp"

#include <array>
#include <string>

#include "catch.hpp"
#include "transcript.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/credentials.hpp"

namespace trestle {
namespace {

using namespace wire::legacy;
using wire::Contact;
using wire::Dialect;
using wire::Role;

PeerDescription read(const std::string& json) { return describe_peer(RawJson{json}); }

std::string address_in(const std::string& json) { return read(json).address; }

TEST_CASE("a node shows itself as the kind of peer that JavaScript nodes dial") {
  Advertisement node;
  node.address = "ws://10.0.0.1:9000/";
  node.start_time_ms = 1795254398113;
  CHECK(describe(node).json ==
        R"({"isBridgeNode":false,"nodeType":"nodejs","capabilities":["websocket"],)"
        R"("startTime":1795254398113,)"
        R"("listeningAddress":"ws://10.0.0.1:9000/","publicWssAddress":"ws://10.0.0.1:9000/",)"
        R"("canRelay":false,"relayLoad":0,)"
        R"("relayCapacity":0,"canAcceptConnections":true,"canInitiateConnections":true,)"
        R"("trestle":1})");

  Advertisement bridge;
  bridge.role = Role::bridge;
  bridge.needs_peers = true;
  bridge.membership_token = RawJson{R"({"holder":"h"})"};
  CHECK(describe(bridge).json ==
        R"({"isBridgeNode":true,"nodeType":"bridge","capabilities":["websocket"],"startTime":0,)"
        R"("canRelay":false,)"
        R"("relayLoad":0,"relayCapacity":0,"canAcceptConnections":false,)"
        R"("canInitiateConnections":true,)"
        R"("membershipToken":{"holder":"h"},"needsPeers":true,"trestle":1})");
}

TEST_CASE("our own nodes recognise each other in what JavaScript peers pass on") {
  for (const Role role : {Role::node, Role::bridge, Role::observer}) {
    Advertisement advertisement;
    advertisement.role = role;
    advertisement.address = "wss://example.org/ws";
    const RawJson shown = describe(advertisement);
    const Contact contact = to_contact(NodeId(1, 2, 3), shown);
    CHECK(contact.id == NodeId(1, 2, 3));
    CHECK(contact.role == role);
    CHECK(contact.dialect == Dialect::native);
    CHECK(contact.address == "wss://example.org/ws");
    CHECK(contact.metadata == shown.json);
  }
  CHECK_FALSE(read(R"({"trestle":0})").lists_native_dialect);
  CHECK_FALSE(read(R"({"trestle":"1"})").lists_native_dialect);
  CHECK(read(R"({"trestle":2})").lists_native_dialect);
}

TEST_CASE("the address to dial is the first usable one of three") {
  CHECK(address_in(R"({"listeningAddress":"ws://a:1","publicWssAddress":"wss://b/x"})") ==
        "ws://a:1");
  CHECK(address_in(R"({"publicWssAddress":"wss://b/x","websocketAddress":"ws://c"})") ==
        "wss://b/x");
  CHECK(address_in(R"({"listeningAddress":"ws://0.0.0.0:9000","publicWssAddress":"wss://b/x"})") ==
        "wss://b/x");
  CHECK(address_in(R"({"websocketAddress":"ws://c:3"})") == "ws://c:3");
  CHECK(address_in(R"({"listeningAddress":"ws://[::1]:5","canAcceptConnections":true})") ==
        "ws://[::1]:5");
  CHECK(address_in(R"({"listeningAddress":"ws://0.0.0.0.example.org"})") ==
        "ws://0.0.0.0.example.org");
}

TEST_CASE("addresses nobody can or should dial count as none") {
  const std::array<std::string, 14> without = {
      R"({"listeningAddress":null})",
      R"({"listeningAddress":7})",
      R"({"listeningAddress":""})",
      R"({"listeningAddress":"http://a:1"})",
      R"({"listeningAddress":"ws://"})",
      R"({"listeningAddress":"ws:///path"})",
      R"({"listeningAddress":"ws://0.0.0.0:8083"})",
      R"({"listeningAddress":"ws://0.0.0.0"})",
      R"({"listeningAddress":"ws://[::]:8083"})",
      R"({"listeningAddress":"ws://a:1\r\nHost: b"})",
      R"({"listeningAddress":"ws://a:1 x"})",
      R"({"listeningAddress":"ws://\u00e9:1"})",
      R"({"listeningAddress":"ws://a:1","canAcceptConnections":false})",
      R"({"listeningAddress":"ws://)" + std::string(600, 'a') + "\"}"};
  for (const std::string& json : without) {
    CAPTURE(json);
    CHECK_FALSE(read(json).is_dialable());
  }
}

TEST_CASE("senseless metadata says nothing") {
  CHECK(describe_peer(std::nullopt) == PeerDescription{});
  for (const char* json : {"null", "[]", "5", "\"x\"", "{}", "{",
                           R"({"nodeType":[],"isBridgeNode":"true","membershipToken":5})"}) {
    CAPTURE(json);
    CHECK(read(json) == PeerDescription{});
  }
  CHECK(read(R"({"nodeType":")" + std::string(100, 'x') + "\"}").node_type.empty());
}

TEST_CASE("membership and pleas for peers are read") {
  const auto member = read(R"({"membershipToken":{"holder":"h","issuer":"i","isGenesis":true}})");
  CHECK(member.shows_membership);
  CHECK(member.claims_genesis);
  CHECK_FALSE(read(R"({"membershipToken":{"holder":"h"}})").shows_membership);
  CHECK_FALSE(read(R"({"membershipToken":null})").shows_membership);
  CHECK(read(R"({"needsPeers":true})").needs_peers);
  CHECK(read(R"({"emergencyRecovery":true})").needs_peers);
}

TEST_CASE("recorded peers are understood") {
  int nodes = 0;
  int bridges = 0;
  for (const test::Recorded& one : test::read_all_transcripts()) {
    const auto frame = decode(one.text);
    if (!frame) continue;
    const auto* hello = std::get_if<DhtPeerHello>(&*frame);
    const auto* connected = std::get_if<DhtPeerConnected>(&*frame);
    if ((!hello && !connected) || one.sender == "probe") continue;
    const std::optional<RawJson>& metadata = hello ? hello->metadata : connected->metadata;
    const Contact contact =
        to_contact(hello ? hello->peer_id : connected->bridge_node_id, metadata);
    INFO(one.place());
    CHECK(contact.dialect == Dialect::legacy);
    CHECK(contact.address.starts_with("ws://127.0.0.1:"));
    if (bridge_token_of(metadata)) {  // the shared secret in clear: it goes no further
      CHECK(contact.metadata.empty());
      CHECK_FALSE(bridge_token_of(metadata_of(contact)).has_value());
      CHECK(describe_peer(metadata_of(contact)).is_bridge);
    } else {
      CHECK(contact.metadata == metadata->json);
      CHECK(metadata_of(contact) == *metadata);
    }
    ++(contact.role == Role::bridge ? bridges : nodes);
  }
  CHECK(nodes == 15);
  CHECK(bridges == 5);
}

TEST_CASE("a contact of the native dialect gets metadata made from what is known") {
  Contact contact;
  contact.id = NodeId(1, 2, 3);
  contact.role = Role::bridge;
  contact.dialect = Dialect::native;
  contact.address = "ws://h:1";
  const Contact back = to_contact(contact.id, metadata_of(contact));
  CHECK(back.role == Role::bridge);
  CHECK(back.dialect == Dialect::native);
  CHECK(back.address == "ws://h:1");
  contact.dialect = Dialect::legacy;
  CHECK_FALSE(describe_peer(metadata_of(contact)).lists_native_dialect);
}

TEST_CASE("metadata of a contact that is no JSON object never reaches a frame") {
  Contact contact;
  contact.address = "ws://h:1\",\"x\":\"";
  for (const char* metadata : {"", "5", "[1]", R"({},"type":"x")", "{", "\"a\""}) {
    contact.metadata = metadata;
    for (const Role role : {Role::bootstrap, Role::bridge, Role::node, Role::observer}) {
      contact.role = role;
      const auto document = wire::json::parse(metadata_of(contact).json);
      REQUIRE(document);
      CHECK(document->root().member("nodeType"));
      CHECK_FALSE(document->root().member("x"));
    }
  }
  contact.metadata = " {\"a\":1} ";
  CHECK(metadata_of(contact).json == "{\"a\":1}");
}

TEST_CASE("metadata too large to remember is used once and not kept") {
  const std::string large =
      R"({"listeningAddress":"ws://a:1","x":")" + std::string(5'000, 'x') + "\"}";
  const Contact contact = to_contact(NodeId(), RawJson{large});
  CHECK(contact.address == "ws://a:1");
  CHECK(contact.metadata.empty());
}

}  // namespace
}  // namespace trestle
