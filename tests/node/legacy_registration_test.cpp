#include "trestle/node/member/legacy_registration.hpp"

#include "catch.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using node::LegacyRegistration;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const NodeId kSelf{9, 9, 9};
const NodeId kHelper{2, 2, 2};
const NodeId kNewcomer{1, 1, 1};

struct Member {
  explicit Member(wire::Role role) {
    local.identity.id = kSelf;
    local.role = role;
    local.address = "ws://self";
    local.bridge_secret = to_bytes(as_bytes("the-secret"));
    local.legacy_bridge_secret = to_bytes(as_bytes("the-old-secret"));
  }
  template <typename Kind>
  std::vector<Kind> all() {
    while (auto effect = machine.poll_effect()) effects.push_back(std::move(*effect));
    std::vector<Kind> found;
    for (const auto& effect : effects) {
      if (const auto* match = std::get_if<Kind>(&effect)) found.push_back(*match);
    }
    return found;
  }
  template <typename Frame>
  std::vector<Frame> said() {
    std::vector<Frame> frames;
    for (const auto& send : all<LegacyRegistration::Send>()) {
      const auto frame = legacy::decode(send.text);
      if (const auto* match = std::get_if<Frame>(&*frame)) frames.push_back(*match);
    }
    return frames;
  }
  void hear(Instant now, const legacy::Frame& frame) {
    legacy::Frame copy = frame;
    machine.on_frame(now, legacy::box(std::move(copy)));
  }
  legacy::OnboardingPeerResponse introduced(const wire::Message& answer) {
    machine.on_opened(kStart);
    hear(kStart, legacy::GetOnboardingPeer{"onboarding_1", kNewcomer, std::nullopt});
    const auto asked = all<LegacyRegistration::Introduce>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].request.newcomer.id == kNewcomer);
    CHECK(asked[0].request.budget_ms < 10'000);
    machine.respond(kStart, asked[0].id, answer);
    machine.respond(kStart, asked[0].id, answer);  // only the first counts
    const auto responses = said<legacy::OnboardingPeerResponse>();
    REQUIRE(responses.size() == 1);
    CHECK(responses[0].request_id == "onboarding_1");
    return responses[0];
  }

  link::LocalPeer local;
  crypto::Suite suite{1};
  LegacyRegistration machine{{}, local, suite};
  std::vector<LegacyRegistration::Effect> effects;
};

}  // namespace

TEST_CASE("peers are asked for first, the registration follows, and no secret is told") {
  Member bridge(wire::Role::bridge);
  bridge.machine.on_opened(kStart);
  bridge.machine.join(kStart, {8, false}, false);
  CHECK(bridge.machine.next_deadline() == kStart + 10ms);
  bridge.machine.on_deadline(kStart + 10ms);
  const auto sends = bridge.all<LegacyRegistration::Send>();
  REQUIRE(sends.size() == 2);
  CHECK(std::holds_alternative<legacy::GetPeersOrGenesis>(*legacy::decode(sends[0].text)));
  CHECK(std::holds_alternative<legacy::Register>(*legacy::decode(sends[1].text)));
  for (const auto& send : sends) {
    CHECK(send.text.find("the-secret") == std::string::npos);
    CHECK(send.text.find("the-old-secret") == std::string::npos);
    CHECK(send.text.find(R"("isBridgeNode":true)") != std::string::npos);
  }
}

TEST_CASE("an offer ends the join; invented ids and our own are passed over") {
  Member node(wire::Role::node);
  node.machine.on_opened(kStart);
  node.machine.join(kStart, {8, false}, false);
  const std::string id = node.said<legacy::GetPeersOrGenesis>()[0].request_id;
  legacy::PeerOffer offer;
  offer.peers = {{"bridge_127_0_0_1_8083", std::nullopt},
                 {kSelf.to_hex(), std::nullopt},
                 {kHelper.to_hex(), legacy::RawJson{R"({"listeningAddress":"ws://h"})"}}};
  offer.is_genesis = false;
  node.hear(kStart, legacy::Response{id, true, legacy::encode_body(offer), std::nullopt});
  const auto ended = node.all<LegacyRegistration::JoinEnded>();
  REQUIRE(ended.size() == 1);
  const auto& response = std::get<wire::JoinResponse>(ended[0].answer);
  REQUIRE(response.contacts.size() == 1);
  CHECK(response.contacts[0].address == "ws://h");
  CHECK(response.outcome == wire::JoinOutcome::introduced);
  // A repetition ends nothing any more, but whoever it names is worth meeting.
  node.hear(kStart, legacy::Response{id, true, legacy::encode_body(offer), std::nullopt});
  CHECK(node.all<LegacyRegistration::JoinEnded>().size() == 1);
  CHECK(node.all<LegacyRegistration::Named>().size() == 1);
}

TEST_CASE("a refused join is a failure") {
  Member node(wire::Role::node);
  node.machine.on_opened(kStart);
  node.machine.join(kStart, {8, false}, false);
  const std::string id = node.said<legacy::GetPeersOrGenesis>()[0].request_id;
  node.hear(kStart, legacy::Response{id, false, std::nullopt, "no"});
  CHECK(std::get<wire::Failure>(node.all<LegacyRegistration::JoinEnded>()[0].answer).text == "no");
}

TEST_CASE("a bridge names a helper with a token, in the old words") {
  Member bridge(wire::Role::bridge);
  wire::IntroduceResponse answer;
  answer.members.push_back({kHelper, wire::Role::node, wire::Dialect::native, "ws://h", {}});
  const auto response = bridge.introduced(answer);
  CHECK(response.success);
  const auto help = legacy::decode_body<legacy::OnboardingHelp>(*response.data);
  REQUIRE(help.has_value());
  CHECK(help->inviter_peer_id == kHelper);
  CHECK(help->status == "invitation_request_sent_to_helper");
  CHECK(help->membership_token->json.find("bridge-issued-open-network-token") != std::string::npos);
}

TEST_CASE("a bridge without members, or with a full queue, refuses as an emergency") {
  Member empty(wire::Role::bridge);
  wire::IntroduceResponse nobody;
  nobody.alternatives.push_back({kHelper, wire::Role::bridge, wire::Dialect::native, "ws://b", {}});
  nobody.alternatives.push_back({kSelf, wire::Role::bridge, wire::Dialect::native, "ws://s", {}});
  auto response = empty.introduced(nobody);
  CHECK_FALSE(response.success);
  auto refusal = legacy::decode_body<legacy::OnboardingRefusal>(*response.data);
  CHECK(refusal->emergency_mode == true);
  const auto state = legacy::decode_body<legacy::NetworkState>(*refusal->network_state);
  REQUIRE(state->available_peers.size() == 1);
  CHECK(state->available_peers[0].node_id == kHelper);

  Member busy(wire::Role::bridge);
  response = busy.introduced(wire::Failure{ErrorCode::busy, 500, "full"});
  CHECK(response.error == "BUSY: full");
}

TEST_CASE("an invitation is accepted, and both spellings of a peer are met") {
  Member node(wire::Role::node);
  node.machine.on_opened(kStart);
  legacy::InvitationReceived invitation;
  invitation.from_peer = kHelper;
  invitation.invitation_token = {R"({"inviter":")" + kHelper.to_hex() + R"(","invitee":")" +
                                 kSelf.to_hex() + R"(","signature":"00"})"};
  node.hear(kStart, invitation);
  REQUIRE(node.all<LegacyRegistration::Invited>().size() == 1);
  CHECK(node.said<legacy::InvitationAccepted>().empty());  // the member looks at its links first
  node.machine.accept(kStart, kHelper);
  REQUIRE(node.said<legacy::InvitationAccepted>().size() == 1);
  CHECK(node.said<legacy::InvitationAccepted>()[0].to_peer == kHelper);
  invitation.invitation_token = {R"({"inviter":"x","invitee":"somebody else","signature":"00"})"};
  node.hear(kStart, invitation);
  CHECK(node.all<LegacyRegistration::Invited>().size() == 1);
  legacy::WebsocketPeerMetadata peer;
  peer.from_peer = kHelper;
  peer.from_peer_metadata = legacy::RawJson{R"({"listeningAddress":"ws://h"})"};
  node.hear(kStart, peer);
  CHECK(node.all<LegacyRegistration::Named>()[0].contact.id == kHelper);
}

TEST_CASE("a helper invites with a token that its key has signed") {
  Member node(wire::Role::node);
  node.machine.on_opened(kStart);
  node.hear(kStart, legacy::SendInvitationRequest{kNewcomer, "invite_1", std::nullopt});
  CHECK(node.said<legacy::InvitationSent>().size() == 1);
  REQUIRE(node.all<LegacyRegistration::AskedToInvite>().size() == 1);
  node.machine.invite(kStart, kNewcomer);
  const auto sign = node.all<LegacyRegistration::SignInvitation>();
  REQUIRE(sign.size() == 1);
  CHECK(node.said<legacy::SendInvitation>().empty());
  node.machine.on_signed(sign[0].ticket, wire::Signature{1});
  node.machine.on_signed(sign[0].ticket, wire::Signature{1});
  const auto invitations = node.said<legacy::SendInvitation>();
  REQUIRE(invitations.size() == 1);
  CHECK(invitations[0].target_peer_id == kNewcomer);
  const std::string signed_text(as_text(sign[0].message));
  const std::string& token = invitations[0].invitation_token.json;
  CHECK(token.starts_with(signed_text.substr(0, signed_text.size() - 1)));
  CHECK(token.find(R"("signature":"01)") != std::string::npos);
}

TEST_CASE("pings are answered, and an end that answers none of ours is lost") {
  Member node(wire::Role::node);
  node.machine.on_opened(kStart);
  node.hear(kStart, legacy::Ping{"k", 1, std::nullopt, std::nullopt});
  CHECK(node.said<legacy::Pong>()[0].request_id == "k");
  for (int ping = 1; ping <= 3; ++ping) node.machine.on_deadline(kStart + ping * 30s);
  CHECK(node.said<legacy::Ping>().size() == 3);
  CHECK(node.all<LegacyRegistration::Lost>().empty());
  node.machine.on_deadline(kStart + 120s);
  CHECK(node.all<LegacyRegistration::Lost>().size() == 1);
}

TEST_CASE("a bridge reports its health when its links change, and not more often than it may") {
  Member bridge(wire::Role::bridge);
  bridge.machine.on_links(kStart, 1);
  CHECK(bridge.said<legacy::BridgeHealthUpdate>().empty());  // nobody to tell
  bridge.machine.on_opened(kStart);
  bridge.machine.on_deadline(kStart + 10ms);
  CHECK(bridge.said<legacy::BridgeHealthUpdate>().size() == 1);
  bridge.machine.on_links(kStart + 1s, 2);
  bridge.machine.on_links(kStart + 2s, 3);
  CHECK(bridge.said<legacy::BridgeHealthUpdate>().size() == 1);
  bridge.machine.on_deadline(kStart + 10ms + 30s - 1us);
  CHECK(bridge.said<legacy::BridgeHealthUpdate>().size() == 1);
  bridge.machine.on_deadline(kStart + 10ms + 30s);
  const auto reports = bridge.said<legacy::BridgeHealthUpdate>();
  REQUIRE(reports.size() == 2);
  CHECK(legacy::decode_body<legacy::BridgeHealth>(*reports[1].bridge_health)->connected_peers == 3);
}
