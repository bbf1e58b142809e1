#include "trestle/node/bootstrap/legacy_bridges.hpp"

#include "catch.hpp"
#include "legacy_desk.hpp"

using namespace trestle;
using node::LegacyBridges;
using test::kBridgeMetadata;
using test::kNodeMetadata;
using test::LegacyDesk;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const link::ConnectionId kBridge{link::ConnectionOwner::node, 1};
const link::ConnectionId kOther{link::ConnectionOwner::node, 2};
const NodeId kBridgeId{9, 9, 9};
const NodeId kNewcomer{1, 1, 1};
const NodeId kHelper{2, 2, 2};

wire::IntroduceRequest question() {
  return {{kNewcomer, wire::Role::node, wire::Dialect::legacy, "ws://newcomer", kNodeMetadata},
          4,
          9000};
}

std::string help(const std::string& request_id) {
  return R"({"type":"onboarding_peer_response","requestId":")" + request_id +
         R"(","success":true,"data":{"inviterPeerId":")" + kHelper.to_hex() +
         R"(","inviterMetadata":)" + kNodeMetadata +
         R"(,"membershipToken":{"z":1,"a":2},"status":"invitation_request_sent_to_helper"},)"
         R"("error":null,"timestamp":1})";
}

}  // namespace

TEST_CASE("a bridge that shows the secret is attached, and detached when it goes") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  REQUIRE(desk.all<LegacyBridges::Attached>().size() == 1);
  CHECK(desk.all<LegacyBridges::Attached>()[0].bridge.address == "ws://127.0.0.1:2000");
  CHECK(desk.all<LegacyBridges::Attached>()[0].bridge.dialect == wire::Dialect::legacy);
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);  // a repetition is no second bridge
  CHECK(desk.all<LegacyBridges::Attached>().size() == 1);
  desk.reception.on_closed(kStart, kBridge);
  CHECK(desk.all<LegacyBridges::Detached>().size() == 1);
}

TEST_CASE("the secret that a bridge shows does not travel on with its contact") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  CHECK(desk.all<LegacyBridges::Attached>()[0].bridge.metadata.empty());
  CHECK(desk.all<node::LegacyReception::ClientKnown>()[0].contact.metadata.empty());
  desk.enter(kStart, kOther, kHelper, kNodeMetadata);
  desk.hear(kStart, kOther, R"({"type":"get_connected_clients","requestId":"c"})");
  for (const auto& text : desk.all<node::LegacyText>()) {
    CHECK(text.text.find("the-secret") == std::string::npos);
  }
}

TEST_CASE("whoever claims to be a bridge without the secret is never asked") {
  for (const std::string_view secret : {"another", ""}) {
    LegacyDesk desk(secret);
    desk.local.bridge_secret = to_bytes(as_bytes("the-secret"));  // that of the native bridges
    desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
    CHECK(desk.all<LegacyBridges::Attached>().empty());
    CHECK(desk.reception.stats().bridges.unauthorized == 1);
    CHECK(desk.sent<legacy::Registered>(kBridge).size() == 1);
    const auto records = desk.all<LogRecord>();
    REQUIRE(records.size() == 1);  // what to set, and where
    CHECK(records[0].detail.find("legacy-bridge-secret-file") != std::string::npos);
    CHECK(records[0].detail.find("the-secret") == std::string::npos);
  }
}

TEST_CASE("a question becomes get_onboarding_peer, and its answer a member and a token") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  desk.reception.ask_bridge(kStart, kBridge, {7}, question());
  const auto asked = desk.sent<legacy::GetOnboardingPeer>(kBridge);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].new_node_id == kNewcomer);
  CHECK(asked[0].new_node_metadata->json == kNodeMetadata);
  desk.hear(kStart + 3s, kBridge, help(asked[0].request_id));
  const auto answered = desk.all<LegacyBridges::Answered>();
  REQUIRE(answered.size() == 1);
  CHECK(answered[0].id == wire::RequestId{7});
  const auto& introduction = std::get<wire::IntroduceResponse>(answered[0].message);
  REQUIRE(introduction.members.size() == 1);
  CHECK(introduction.members[0].id == kHelper);
  CHECK(introduction.members[0].dialect == wire::Dialect::legacy);

  desk.hear(kStart, kOther,
            R"({"type":"get_peers_or_genesis","maxPeers":20,"nodeId":")" + kNewcomer.to_hex() +
                R"(","metadata":)" + kNodeMetadata + R"(,"requestId":"req_1"})");
  const auto join = desk.all<node::LegacyReception::Join>()[0];
  desk.reception.on_join_ended(
      kStart + 3s, kOther, join.request_id,
      wire::JoinResponse{wire::JoinOutcome::introduced, introduction.members, kBridgeId});
  const auto response = desk.sent<legacy::Response>(kOther);
  REQUIRE(response.size() == 1);
  CHECK(response[0].data->json.find(R"("membershipToken":{"z":1,"a":2})") != std::string::npos);
}

TEST_CASE("a late, repeated or foreign answer is counted and goes nowhere") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  desk.enter(kStart, kOther, kHelper, kBridgeMetadata);
  desk.reception.ask_bridge(kStart, kBridge, {7}, question());
  const std::string id = desk.sent<legacy::GetOnboardingPeer>(kBridge)[0].request_id;
  desk.hear(kStart, kOther, help(id));
  desk.hear(kStart, kBridge, help("onboarding_of_somebody_else"));
  CHECK(desk.all<LegacyBridges::Answered>().empty());
  desk.reception.withdraw_question(kBridge, {7});
  desk.hear(kStart, kBridge, help(id));
  CHECK(desk.all<LegacyBridges::Answered>().empty());
  CHECK(desk.reception.stats().bridges.unexpected == 3);
}

TEST_CASE("a bridge in an emergency knows nobody and names other ways in") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  desk.reception.ask_bridge(kStart, kBridge, {1}, question());
  const std::string id = desk.sent<legacy::GetOnboardingPeer>(kBridge)[0].request_id;
  desk.hear(kStart, kBridge,
            R"({"type":"onboarding_peer_response","requestId":")" + id +
                R"(","success":false,"data":{"emergencyMode":true,"networkState":{)"
                R"("connectedPeerCount":1,"routingTableSize":1,"availablePeers":[{"nodeId":")" +
                kHelper.to_hex() + R"(","metadata":)" + kNodeMetadata +
                R"(,"connected":true}]},"reason":"none"},"error":"none","timestamp":1})");
  const auto answered = desk.all<LegacyBridges::Answered>();
  REQUIRE(answered.size() == 1);
  const auto& introduction = std::get<wire::IntroduceResponse>(answered[0].message);
  CHECK(introduction.members.empty());
  REQUIRE(introduction.alternatives.size() == 1);
  CHECK(introduction.alternatives[0].address == "ws://127.0.0.1:1000");
}

TEST_CASE("an answer that is none counts against the bridge") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  for (const std::string rest : {R"("success":true,"data":{"nobody":1}})", R"("success":true})",
                                 R"("success":false,"data":null,"error":"broken"})"}) {
    desk.reception.ask_bridge(kStart, kBridge, {1}, question());
    const std::string id = desk.sent<legacy::GetOnboardingPeer>(kBridge).back().request_id;
    desk.hear(kStart, kBridge,
              R"({"type":"onboarding_peer_response","requestId":")" + id + "\"," + rest);
    CHECK(std::holds_alternative<wire::Pong>(desk.all<LegacyBridges::Answered>().back().message));
  }
  CHECK(desk.reception.stats().bridges.senseless == 3);
}

TEST_CASE("what is asked of a bridge that is gone fails at once") {
  LegacyDesk desk;
  desk.reception.ask_bridge(kStart, kBridge, {1}, question());
  CHECK(std::get<wire::Failure>(desk.all<LegacyBridges::Answered>()[0].message).code ==
        ErrorCode::connection_lost);
}

TEST_CASE("a bridge is pinged every two minutes, and gone after two pings without a frame") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  CHECK(desk.reception.next_deadline() == kStart + 2min);
  desk.reception.on_deadline(kStart + 2min);
  REQUIRE(desk.sent<legacy::Ping>(kBridge).size() == 1);
  desk.hear(kStart + 2min, kBridge, R"({"type":"pong","requestId":"x","timestamp":1})");
  for (const auto minutes : {4min, 6min}) desk.reception.on_deadline(kStart + minutes);
  CHECK(desk.sent<legacy::Ping>(kBridge).size() == 3);
  CHECK(desk.all<LegacyBridges::Detached>().empty());
  desk.reception.on_deadline(kStart + 8min);
  CHECK(desk.all<LegacyBridges::Detached>().size() == 1);
  REQUIRE(desk.all<node::LegacyClose>().size() == 1);
  CHECK(desk.all<node::LegacyClose>()[0].reason == "Peer timeout");
}

TEST_CASE("a bridge is challenged for nothing") {
  LegacyDesk desk;
  const std::string key = std::string(43, 'A');  // 32 bytes of a JSON web key
  std::string metadata = kBridgeMetadata;
  metadata.insert(
      1, R"("publicKey":{"kty":"EC","crv":"P-256","x":")" + key + R"(","y":")" + key + R"("},)");
  desk.enter(kStart, kBridge, kBridgeId, metadata);
  desk.enter(
      kStart, kOther, kHelper,
      R"({"publicKey":{"kty":"EC","crv":"P-256","x":")" + key + R"(","y":")" + key + R"("}})");
  CHECK(desk.sent<legacy::AuthFailure>(kBridge).empty());
  CHECK(desk.sent<legacy::AuthChallenge>(kBridge).empty());
  CHECK(desk.sent<legacy::AuthFailure>(kOther).size() == 1);  // the same key, where it counts
}

TEST_CASE("nothing that other clients say is ever written to a bridge") {
  LegacyDesk desk;
  desk.enter(kStart, kBridge, kBridgeId, kBridgeMetadata);
  desk.enter(kStart, kOther, kHelper, kNodeMetadata);
  const std::string bridge = kBridgeId.to_hex();
  for (const std::string& text : {
           R"({"type":"send_invitation","targetPeerId":")" + bridge +
               R"(","invitationToken":{},"inviterNodeId":")" + kHelper.to_hex() +
               R"(","requestId":"i"})",
           R"({"type":"forward_signal","fromPeer":")" + kHelper.to_hex() + R"(","toPeer":")" +
               bridge + R"(","signal":{},"requestId":"f"})",
           R"({"type":"signal","fromPeer":")" + kHelper.to_hex() + R"(","toPeer":")" + bridge +
               R"(","signal":{}})",
           R"({"type":"join_peer","targetPeer":")" + bridge + R"("})",
           R"({"type":"invitation_accepted","fromPeer":")" + kHelper.to_hex() + R"(","toPeer":")" +
               bridge + R"("})",
           R"({"type":"relay_request","targetPeerId":")" + bridge + R"(","sessionId":"s"})",
           R"({"type":"relay_forward","sessionId":"s","to":")" + bridge + R"(","payload":1})",
       }) {
    desk.hear(kStart, kOther, text);
  }
  desk.reception.on_deadline(kStart + 1min);
  const auto texts = desk.all<node::LegacyText>();
  CHECK(std::ranges::count(texts, kBridge, &node::LegacyText::client) == 1);  // `registered`
  CHECK(
      desk.sent<legacy::Response>(kOther)[0].success);  // of the invitation: a genesis waits for it
}
