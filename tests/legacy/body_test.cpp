#include "trestle/wire/legacy/body.hpp"

#include <map>
#include <string>

#include "catch.hpp"
#include "transcript.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle {
namespace {

using namespace wire::legacy;

/// Members of an object with their exact bytes, order aside.
std::map<std::string, std::string> members_of(const RawJson& raw) {
  const auto document = wire::json::parse(raw.json);
  REQUIRE(document);
  std::map<std::string, std::string> members;
  for (const auto member : document->root().members()) {
    members[std::string(member.name)] = std::string(member.value.raw());
  }
  return members;
}

template <typename Body>
Body check_round_trip(const RawJson& raw) {
  INFO(raw.json);
  const auto body = decode_body<Body>(raw);
  REQUIRE(body);
  CHECK(members_of(encode_body(*body)) == members_of(raw));
  return *body;
}

TEST_CASE("the known shapes inside recorded frames are read completely") {
  int offers = 0;
  int peers = 0;
  int help = 0;
  int health = 0;
  int bridges = 0;
  for (const test::Recorded& one : test::read_all_transcripts()) {
    const auto frame = decode(one.text);
    if (!frame) continue;
    INFO(one.place());
    if (const auto* response = std::get_if<Response>(&*frame);
        response && response->data && response->data->json.starts_with(R"({"peers":)")) {
      ++offers;
      peers += static_cast<int>(check_round_trip<PeerOffer>(*response->data).peers.size());
    } else if (const auto* onboarding = std::get_if<OnboardingPeerResponse>(&*frame)) {
      ++help;
      CHECK_FALSE(check_round_trip<OnboardingHelp>(*onboarding->data).inviter_peer_id.is_zero());
    } else if (const auto* update = std::get_if<BridgeHealthUpdate>(&*frame)) {
      ++health;
      CHECK(check_round_trip<BridgeHealth>(*update->bridge_health).is_healthy == true);
    } else if (const auto* invitation = std::get_if<BridgeInvitationRequest>(&*frame)) {
      ++bridges;
      CHECK(check_round_trip<BridgeNodeInfo>(*invitation->bridge_node_info).node_id ==
            invitation->target_peer_id);
    }
  }
  CHECK(offers == 13);
  CHECK(peers == 27);
  CHECK(help == 2);
  CHECK(health == 4);
  CHECK(bridges == 2);
}

TEST_CASE("a bridge's refusal to help names the peers it knows") {
  NetworkState state;
  state.connected_peer_count = 1;
  state.available_peers.push_back({NodeId(1, 2, 3), RawJson{"{}"}, true});
  OnboardingRefusal refusal;
  refusal.emergency_mode = true;
  refusal.network_state = encode_body(state);
  refusal.reason = "nobody";
  const auto again = decode_body<OnboardingRefusal>(encode_body(refusal));
  REQUIRE(again);
  CHECK(*again == refusal);
  const auto state_again = decode_body<NetworkState>(*again->network_state);
  REQUIRE(state_again);
  CHECK(*state_again == state);
}

TEST_CASE("a member that is no object, or lacks what it needs, is refused") {
  CHECK(decode_body<PeerOffer>({"null"}).error() == DecodeError::not_an_object);
  CHECK(decode_body<PeerOffer>({"[]"}).error() == DecodeError::not_an_object);
  CHECK(decode_body<PeerOffer>({"{}"}).error() == DecodeError::bad_member);
  CHECK(decode_body<PeerOffer>({R"({"peers":[1]})"}).error() == DecodeError::bad_member);
  CHECK(decode_body<PeerOffer>({R"({"peers":[{}]})"}).error() == DecodeError::bad_member);
  CHECK(decode_body<PeerOffer>({"x"}).error() == DecodeError::bad_json);
  CHECK(decode_body<PeerOffer>({R"({"peers":[{"nodeId":"bridge_127_0_0_1_8083"}]})"}));
}

}  // namespace
}  // namespace trestle
