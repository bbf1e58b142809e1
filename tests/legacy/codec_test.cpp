#include "trestle/wire/legacy/codec.hpp"

#include <array>
#include <string>
#include <string_view>

#include "allocation_count.hpp"
#include "catch.hpp"

namespace trestle {
namespace {

using namespace wire::legacy;

const NodeId kFirst = *NodeId::from_hex("7e7b3e9074201b9146197bf338b2e8db3775f356");
const NodeId kSecond = *NodeId::from_hex("ca45f908d8f1b463e97529414e9a64edc67cf52d");

std::optional<DecodeError> error_of(std::string_view text, const Limits& limits = {}) {
  const auto frame = decode(text, limits);
  return frame ? std::nullopt : std::optional<DecodeError>(frame.error());
}

template <typename Known>
Known decoded(std::string_view text) {
  const auto frame = decode(text);
  REQUIRE(frame);
  REQUIRE(std::holds_alternative<Known>(*frame));
  return std::get<Known>(*frame);
}

/// `text` with every @ replaced by the first id and every # by the second.
std::string with_ids(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '@') {
      out += kFirst.to_hex();
    } else if (c == '#') {
      out += kSecond.to_hex();
    } else {
      out += c;
    }
  }
  return out;
}

TEST_CASE(
    "a frame is written with its type first and members in the order of the JavaScript system") {
  Store store;
  store.request_id = "7e7b3e90_72";
  store.key = "k1";
  store.value = {R"({"v":1})"};
  store.node_id = kFirst;
  store.from = kFirst.to_hex();
  store.timestamp = 1795254796920;
  CHECK(encode(store) ==
        with_ids(
            R"({"type":"store","requestId":"7e7b3e90_72","key":"k1","value":{"v":1},"nodeId":"@",)"
            R"("from":"@",)"
            R"("timestamp":1795254796920})"));
  CHECK(type_name(store) == "store");
}

TEST_CASE("frames missing in the recordings come out as written down in the protocol") {
  const std::array<std::string_view, 24> texts = {
      R"({"type":"auth_failed","message":"no"})",
      R"({"type":"connect_to_bridge","bridgeNodeId":"@","bridgeServerAddress":"ws://h:1",)"
      R"("timestamp":5})",
      R"({"type":"bridge_connection_status","bridgeNodeId":"@","status":"failed","reason":"r",)"
      R"("timestamp":5})",
      R"({"type":"bridge_invitation_accepted","bridgeNodeId":"@","inviterNodeId":"#",)"
      R"("bridgeServerAddress":"a","timestamp":1})",
      R"({"type":"bridge_invitation_failed","bridgeNodeId":"@","inviterNodeId":"#",)"
      R"("reason":"r","timestamp":1})",
      R"({"type":"connection_answer","senderPeer":"@","targetPeer":"#","answer":{"sdp":"x"},)"
      R"("timestamp":1,"hops":["@","#"]})",
      R"({"type":"connection_candidate","senderPeer":"@","targetPeer":"#",)"
      R"("candidate":{"candidate":"c","sdpMLineIndex":0},"timestamp":1})",
      R"({"type":"connection_response","senderPeer":"@","targetPeer":"#","success":false,)"
      R"("error":"e","nodeType":"nodejs","capabilities":[],"timestamp":1})",
      R"({"type":"forward_invitation","targetPeerId":"@","invitationToken":{"a":1},)"
      R"("fromBridge":"#"})",
      R"({"type":"ice_coordinate_pending","sessionId":"s","timestamp":1})",
      R"({"type":"ice_coordinate_timeout","sessionId":"s"})",
      R"({"type":"ice_restart_pending","sessionId":"s"})",
      R"({"type":"ice_restart_go","sessionId":"s","timestamp":1})",
      R"({"type":"ice_restart_timeout","sessionId":"s"})",
      R"({"type":"ice_start","sessionId":"s","timestamp":1,"peer":"@","peerCandidates":[],)"
      R"("peerProfile":{},"hardNatPair":true,)"
      R"("shouldAttemptCoordinatedRestart":false,"estimatedSuccessRate":0.35})",
      R"({"type":"membership_token_granted","membershipToken":{"nodeId":"@"},"from":"#"})",
      R"({"type":"peer_list","peers":[{"nodeId":"@","metadata":{}},)"
      R"({"nodeId":"bridge_127_0_0_1_8083"}],"status":"x"})",
      R"({"type":"peers","peers":[]})",
      R"({"type":"relay_ack","sessionId":"s","success":false,"error":"timeout","timestamp":1})",
      R"({"type":"relay_ack","sessionId":"s","success":true,"publicKey":{"kty":"EC"},)"
      R"("metadata":{},"timestamp":1,"from":"@"})",
      R"({"type":"relay_pong","sessionId":"s","pingId":"p","timestamp":1,"respondedAt":2})",
      R"({"type":"webrtc_start_offer","targetPeer":"@","invitationId":"i","message":"m"})",
      R"({"type":"webrtc_expect_offer","fromPeer":"@","invitationId":"i","message":"m"})",
      R"({"type":"pong","requestId":"r","timestamp":2,"originalTimestamp":1,"metaFlags":1,)"
      R"("from":"bootstrap_server"})",
  };
  for (const std::string_view pattern : texts) {
    const std::string text = with_ids(std::string(pattern));
    INFO(text);
    const auto frame = decode(text);
    REQUIRE(frame);
    CHECK(encode(*frame) == text);
  }
}

TEST_CASE("opaque members keep their bytes, and absent differs from null") {
  const std::string token = R"({ "b" : 1.0, "a":"\u0041" , "a":null })";
  const std::string text =
      with_ids(R"({"type":"register","nodeId":"@","metadata":null,"membershipToken":)") + token +
      "}";
  const auto frame = decoded<Register>(text);
  CHECK(frame.membership_token->json == token);
  REQUIRE(frame.metadata);
  CHECK(frame.metadata->is_null());
  CHECK_FALSE(frame.protocol_version);
  CHECK(encode(frame) == text);
  CHECK_FALSE(decoded<Register>(with_ids(R"({"type":"register","nodeId":"@"})")).metadata);
}

TEST_CASE("text that is no frame is refused with the reason") {
  CHECK(error_of("") == DecodeError::bad_json);
  CHECK(error_of("not json") == DecodeError::bad_json);
  CHECK(error_of(R"({"type":"ping"}x)") == DecodeError::bad_json);
  CHECK(error_of("{\"type\":\"ping\",\"from\":\"\x80\"}") == DecodeError::bad_json);
  CHECK(error_of("[]") == DecodeError::not_an_object);
  CHECK(error_of("5") == DecodeError::not_an_object);
  CHECK(error_of("null") == DecodeError::not_an_object);
  CHECK(error_of("{}") == DecodeError::missing_type);
  CHECK(error_of(R"({"Type":"ping"})") == DecodeError::missing_type);
  CHECK(error_of(R"({"type":5})") == DecodeError::missing_type);
  CHECK(error_of(R"({"type":"ping","type":null})") == DecodeError::missing_type);
  CHECK(error_of(R"({"type":""})") == DecodeError::unknown_type);
  CHECK(error_of(R"({"type":"Ping"})") == DecodeError::unknown_type);
  CHECK(error_of(R"({"type":"pin"})") == DecodeError::unknown_type);
  CHECK(error_of(R"({"type":"zzz"})") == DecodeError::unknown_type);
}

TEST_CASE("ids have exactly 40 hex digits") {
  const auto hello = [](const std::string& id) {
    return error_of(R"({"type":"dht_peer_hello","peerId":)" + id + "}");
  };
  const std::string good = kFirst.to_hex();
  CHECK(hello("\"" + good + "\"") == std::nullopt);
  CHECK(hello("\"7E" + good.substr(2) + "\"") == std::nullopt);
  CHECK(hello("\"" + good.substr(1) + "\"") == DecodeError::bad_member);
  CHECK(hello("\"" + good + "0\"") == DecodeError::bad_member);
  CHECK(hello("\"" + good + good.substr(0, 24) + "\"") == DecodeError::bad_member);
  CHECK(hello("\"" + good.substr(0, 39) + "g\"") == DecodeError::bad_member);
  CHECK(hello("\" " + good.substr(0, 39) + "\"") == DecodeError::bad_member);
  CHECK(hello("\"\"") == DecodeError::bad_member);
  CHECK(hello("null") == DecodeError::bad_member);
  CHECK(hello("1111111111111111111111111111111111111111") == DecodeError::bad_member);
  CHECK(hello("\"bootstrap_server\"") == DecodeError::bad_member);
}

TEST_CASE("a missing or mistyped required member refuses the frame") {
  const std::array<std::string_view, 14> texts = {
      R"({"type":"get_peers_or_genesis","requestId":"r"})",
      R"({"type":"get_peers_or_genesis","nodeId":"@"})",
      R"({"type":"get_peers_or_genesis","nodeId":"@","requestId":7})",
      R"({"type":"response","requestId":"r"})",
      R"({"type":"response","requestId":"r","success":"true"})",
      R"({"type":"store","requestId":"r","key":"k"})",
      R"({"type":"store","requestId":"r","key":null,"value":1})",
      R"({"type":"find_value","requestId":"r"})",
      R"({"type":"find_node_response","requestId":"r"})",
      R"({"type":"find_node_response","requestId":"r","nodes":{}})",
      R"({"type":"find_node_response","requestId":"r","nodes":["@"]})",
      R"({"type":"find_node_response","requestId":"r","nodes":[{"id":"short"}]})",
      R"({"type":"overlay_routed_message","messageId":"m","source":"@","destination":"#",)"
      R"("route":["x"],"payload":{},"ttl":3})",
      R"({"type":"auth_challenge","nonce":"n","timestamp":"5"})"};
  for (const std::string_view text : texts) {
    INFO(text);
    CHECK(error_of(with_ids(std::string(text))) == DecodeError::bad_member);
  }
}

TEST_CASE("what JavaScript peers leave out or get wrong without harm is forgiven") {
  CHECK_FALSE(decoded<Ping>(R"({"type":"ping"})").request_id);
  CHECK_FALSE(decoded<Ping>(R"({"type":"ping","timestamp":1.5})").timestamp);
  CHECK_FALSE(decoded<FindNode>(R"({"type":"find_node","requestId":"r","target":{}})").target);
  CHECK(decoded<FindNode>(R"({"type":"find_node","requestId":"r","target":"not hex at all"})")
            .target == "not hex at all");
  CHECK_FALSE(decoded<Register>(R"({"type":"register"})").node_id);
  CHECK(decoded<Register>(R"({"type":"register","protocolVersion":7})").protocol_version->json ==
        "7");
  CHECK_FALSE(decoded<ForwardSignal>(R"({"type":"forward_signal","requestId":"f2"})").signal);
  CHECK_FALSE(decoded<AuthResponse>(R"({"type":"auth_response"})").signature);
  CHECK(decoded<Error>(R"({"type":"error","error":"a"})").error == "a");
  CHECK(decoded<Error>(R"({"type":"error","message":"b"})").message == "b");
  CHECK(decoded<JoinPeer>(with_ids(R"({"type":"join_peer","targetPeerId":"@"})")).target_peer_id ==
        kFirst);
  CHECK(decoded<Pong>(R"({"type":"pong","from":"bootstrap_server"})").from == "bootstrap_server");
  CHECK_FALSE(
      decoded<DhtPeerHello>(with_ids(R"({"type":"dht_peer_hello","peerId":"@"})")).metadata);
  const auto found = decoded<FindValueResponse>(
      R"({"type":"find_value_response","requestId":"r","found":true,"value":null})");
  CHECK(found.value->is_null());
  CHECK_FALSE(found.nodes);
}

TEST_CASE("found nodes are read with everything they carry") {
  const auto frame = decoded<FindNodeResponse>(
      with_ids(R"({"type":"find_node_response","requestId":"r","nodes":[)"
               R"({"id":"@","endpoint":"@","lastSeen":12,"capabilities":[],)"
               R"("metadata":{"nodeType":"nodejs"}},)"
               R"({"id":"#","endpoint":null,"unknown":{}}],"from":"@","timestamp":9})"));
  REQUIRE(frame.nodes.size() == 2);
  CHECK(frame.nodes[0].id == kFirst);
  CHECK(frame.nodes[0].endpoint == kFirst.to_hex());
  CHECK(frame.nodes[0].last_seen == 12);
  CHECK(frame.nodes[0].capabilities->json == "[]");
  CHECK(frame.nodes[0].metadata->json == R"({"nodeType":"nodejs"})");
  CHECK(frame.nodes[1].id == kSecond);
  CHECK_FALSE(frame.nodes[1].endpoint);
  CHECK_FALSE(frame.nodes[1].metadata);
  CHECK(frame.from == kFirst.to_hex());
  CHECK(frame.timestamp == 9);
}

TEST_CASE("unknown members are skipped and names may be escaped") {
  const auto ping = decoded<Ping>(R"({"x":[{}],"type":"pi\u006eg","request\u0049d":"r","y":null})");
  CHECK(ping.request_id == "r");
}

TEST_CASE(
    "texts and lists over their limits are refused, or left out where nothing depends on them") {
  Limits limits;
  limits.text_bytes_max = 10;
  limits.list_items_max = 2;
  CHECK(error_of(R"({"type":"find_value","requestId":"r","key":"0123456789"})", limits) ==
        std::nullopt);
  CHECK(error_of(R"({"type":"find_value","requestId":"r","key":"01234567890"})", limits) ==
        DecodeError::oversized);
  CHECK(error_of(R"({"type":"ping","requestId":"01234567890"})", limits) == DecodeError::oversized);
  const std::string node = with_ids(R"({"id":"@"})");
  const std::string head =
      R"({"type":"find_node_response","requestId":"r","nodes":[)" + node + "," + node;
  CHECK(error_of(head + "]}", limits) == std::nullopt);
  CHECK(error_of(head + "," + node + "]}", limits) == DecodeError::oversized);
  const auto frame = decode(R"({"type":"error","error":"01234567890"})", limits);
  REQUIRE(frame);
  CHECK_FALSE(std::get<Error>(*frame).error);
}

TEST_CASE("T19: huge, deep and crowded frames are refused") {
  const std::string head = R"({"type":"store","requestId":"r","key":"k","value":)";
  const auto nested = [&head](std::size_t depth) {
    return head + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(error_of(nested(15)) == std::nullopt);
  CHECK(error_of(nested(16)) == DecodeError::bad_json);
  CHECK(error_of(nested(100'000)) == DecodeError::bad_json);
  CHECK(error_of(nested(1'000'000)) == DecodeError::oversized);
  std::string crowded = head + "[";
  for (int item = 0; item < 20'000; ++item) crowded += "1,";
  CHECK(error_of(crowded + "1]}") == DecodeError::oversized);

  const std::string huge = head + "\"" + std::string(10'000'000, 'x') + "\"}";
  const test::AllocationCount count;
  const auto frame = decode(huge);
  CHECK(count.bytes() == 0);
  REQUIRE_FALSE(frame);
  CHECK(frame.error() == DecodeError::oversized);

  Limits before_hello;
  before_hello.json.bytes_max = 4096;
  CHECK(error_of(head + "\"" + std::string(3'000, 'x') + "\"}", before_hello) == std::nullopt);
  CHECK(error_of(head + "\"" + std::string(5'000, 'x') + "\"}", before_hello) ==
        DecodeError::oversized);
}

TEST_CASE("whatever text we put into a frame, the frame stays one JSON object") {
  Error error;
  error.error = "\"},{\"type\":\"pong\"\x80\n\\";
  const auto again = decoded<Error>(encode(error));
  CHECK(again.error == "\"},{\"type\":\"pong\"\xEF\xBF\xBD\n\\");
}

}  // namespace
}  // namespace trestle
