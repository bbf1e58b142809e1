#include "trestle/node/bootstrap/legacy_reception.hpp"

#include "catch.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using node::LegacyReception;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const link::ConnectionId kFirst{link::ConnectionOwner::node, 1};
const link::ConnectionId kSecond{link::ConnectionOwner::node, 2};
const NodeId kAlice{1, 1, 1};
const NodeId kBob{2, 2, 2};

legacy::RawJson metadata(int port) {
  return {R"({"nodeType":"nodejs","listeningAddress":"ws://127.0.0.1:)" + std::to_string(port) +
          R"(","canAcceptConnections":true})"};
}

struct Desk {
  template <typename Kind>
  std::vector<Kind> all() {
    while (auto effect = reception.poll_effect()) {
      // Everybody reads here: what is forwarded arrives.
      if (auto* forward = std::get_if<node::LegacyForward>(&*effect)) {
        effects.push_back(node::LegacyText{forward->target, std::move(forward->text)});
        if (forward->if_sent.empty()) continue;
        effects.push_back(node::LegacyText{forward->sender, std::move(forward->if_sent)});
      } else {
        effects.push_back(std::move(*effect));
      }
    }
    std::vector<Kind> found;
    for (const auto& effect : effects) {
      if (const auto* match = std::get_if<Kind>(&effect)) found.push_back(*match);
    }
    return found;
  }
  /// Frames sent to one client, decoded again.
  std::vector<legacy::Frame> sent_to(link::ConnectionId client) {
    std::vector<legacy::Frame> frames;
    for (const auto& sent : all<LegacyReception::SendText>()) {
      if (sent.client == client) frames.push_back(*legacy::decode(sent.text));
    }
    return frames;
  }
  void ask(link::ConnectionId client, const NodeId& id, std::string request_id = "req_1") {
    legacy::GetPeersOrGenesis request;
    request.node_id = id;
    request.metadata = metadata(1000);
    request.request_id = std::move(request_id);
    reception.on_frame(kStart, client, legacy::box(request));
  }

  link::LocalPeer local;
  crypto::Suite suite{1};
  LegacyReception reception{{}, local, suite};
  std::vector<LegacyReception::Effect> effects;
};

}  // namespace

TEST_CASE("a client is known by its request, before it registers") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  REQUIRE(desk.all<LegacyReception::ClientKnown>().size() == 1);
  CHECK(desk.all<LegacyReception::ClientKnown>()[0].contact.id == kAlice);
  CHECK(desk.all<LegacyReception::ClientKnown>()[0].contact.address == "ws://127.0.0.1:1000");
  CHECK(desk.all<LegacyReception::Join>().size() == 1);
}

TEST_CASE("a repeated request id is answered once") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  desk.ask(kFirst, kAlice);
  REQUIRE(desk.all<LegacyReception::Join>().size() == 1);
  const auto join = desk.all<LegacyReception::Join>()[0];
  desk.reception.on_join_ended(kStart, kFirst, join.request_id, wire::JoinResponse{});
  desk.reception.on_join_ended(kStart, kFirst, join.request_id, wire::JoinResponse{});
  CHECK(desk.sent_to(kFirst).size() == 1);
}

TEST_CASE("an introduction is answered with the members, a token and the helper's name") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  const auto join = desk.all<LegacyReception::Join>()[0];
  wire::JoinResponse response;
  response.contacts.push_back({kBob, wire::Role::node, wire::Dialect::native, "ws://bob", {}});
  desk.reception.on_join_ended(kStart, kFirst, join.request_id, response);
  const auto frames = desk.sent_to(kFirst);
  REQUIRE(frames.size() == 1);
  const auto& answer = std::get<legacy::Response>(frames[0]);
  CHECK(answer.request_id == "req_1");
  CHECK(answer.success);
  const auto offer = legacy::decode_body<legacy::PeerOffer>(*answer.data);
  REQUIRE(offer.has_value());
  REQUIRE(offer->peers.size() == 1);
  CHECK(offer->peers[0].node_id == kBob.to_hex());
  CHECK(offer->is_genesis == false);
  CHECK(offer->status == "peer_found");
  CHECK(offer->membership_token.has_value());
}

TEST_CASE("nobody is asked to invite in the name of a helper that proved its id") {
  Desk desk;
  desk.ask(kSecond, kBob);  // claims the id of the native helper
  desk.ask(kFirst, kAlice);
  for (const wire::Dialect dialect : {wire::Dialect::native, wire::Dialect::legacy}) {
    desk.ask(kFirst, kAlice, dialect == wire::Dialect::native ? "native" : "old");
    const auto join = desk.all<LegacyReception::Join>().back();
    wire::JoinResponse response;
    response.contacts.push_back({kBob, wire::Role::node, dialect, "ws://bob", {}});
    desk.reception.on_join_ended(kStart, kFirst, join.request_id, response);
    desk.reception.on_deadline(kStart + 100ms);
    CHECK(desk.sent_to(kSecond).size() == (dialect == wire::Dialect::native ? 0u : 1u));
  }
}

TEST_CASE("the genesis client is asked to invite each bridge two seconds later") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  const auto join = desk.all<LegacyReception::Join>()[0];
  wire::JoinResponse response;
  response.outcome = wire::JoinOutcome::genesis;
  response.contacts.push_back({kBob, wire::Role::bridge, wire::Dialect::native, "ws://bridge", {}});
  desk.reception.on_join_ended(kStart, kFirst, join.request_id, response);
  CHECK(desk.sent_to(kFirst).size() == 1);
  CHECK(desk.reception.next_deadline() == kStart + 2s);
  desk.reception.on_deadline(kStart + 2s);
  const auto frames = desk.sent_to(kFirst);
  REQUIRE(frames.size() == 2);
  CHECK(std::get<legacy::BridgeInvitationRequest>(frames[1]).target_peer_id == kBob);
  CHECK(desk.reception.next_deadline() == kNever);
}

TEST_CASE("a failed join is an empty offer, so that the client asks again") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  const auto join = desk.all<LegacyReception::Join>()[0];
  desk.reception.on_join_ended(kStart, kFirst, join.request_id,
                               wire::Failure{ErrorCode::bridge_unavailable, 0, "start a bridge"});
  const auto frames = desk.sent_to(kFirst);
  REQUIRE(frames.size() == 1);
  const auto offer =
      legacy::decode_body<legacy::PeerOffer>(*std::get<legacy::Response>(frames[0]).data);
  CHECK(offer->peers.empty());
  CHECK(offer->message == "BRIDGE_UNAVAILABLE: start a bridge");
}

TEST_CASE("an invitation is passed on, and its acceptance gives both sides the other's metadata") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  desk.ask(kSecond, kBob);
  desk.effects.clear();
  desk.all<LegacyReception::Join>();
  desk.effects.clear();
  legacy::SendInvitation invitation;
  invitation.target_peer_id = kBob;
  invitation.inviter_node_id = kAlice;
  invitation.invitation_token = {R"({"inviter":"a","invitee":"b","signature":"c"})"};
  invitation.request_id = "inv_1";
  desk.reception.on_frame(kStart, kFirst, legacy::box(invitation));
  REQUIRE(desk.sent_to(kSecond).size() == 1);
  const auto received = std::get<legacy::InvitationReceived>(desk.sent_to(kSecond)[0]);
  CHECK(received.from_peer == kAlice);
  CHECK(received.invitation_token == invitation.invitation_token);
  CHECK(std::get<legacy::Response>(desk.sent_to(kFirst)[0]).success);
  legacy::InvitationAccepted accepted;
  accepted.from_peer = kBob;
  accepted.to_peer = kAlice;
  desk.reception.on_frame(kStart, kSecond, legacy::box(accepted));
  CHECK(std::get<legacy::WebsocketPeerMetadata>(desk.sent_to(kFirst).back()).target_peer == kBob);
  CHECK(std::get<legacy::WebsocketPeerMetadata>(desk.sent_to(kSecond).back()).from_peer == kAlice);
  const std::size_t before = desk.effects.size();
  desk.reception.on_frame(kStart, kSecond, legacy::box(accepted));
  desk.all<LegacyReception::Join>();
  CHECK(desk.effects.size() == before);
}

TEST_CASE("a client that went away is invited by nobody") {
  Desk desk;
  desk.ask(kFirst, kAlice);
  desk.ask(kSecond, kBob);
  desk.reception.on_closed(kStart, kSecond);
  legacy::SendInvitation invitation;
  invitation.target_peer_id = kBob;
  invitation.inviter_node_id = kAlice;
  invitation.request_id = "inv_1";
  desk.reception.on_frame(kStart, kFirst, legacy::box(invitation));
  const auto answer = std::get<legacy::Response>(desk.sent_to(kFirst).back());
  CHECK_FALSE(answer.success);
  CHECK(answer.error == "Target peer not connected");
}

TEST_CASE("bad JSON costs the connection, an unknown type does not") {
  Desk desk;
  desk.reception.on_refused(kStart, kFirst, legacy::DecodeError::unknown_type);
  CHECK(desk.all<LegacyReception::CloseClient>().empty());
  desk.reception.on_refused(kStart, kFirst, legacy::DecodeError::bad_json);
  REQUIRE(desk.all<LegacyReception::CloseClient>().size() == 1);
  CHECK(desk.all<LegacyReception::CloseClient>()[0].status == link::CloseStatus::protocol_error);
  CHECK(desk.reception.stats().frames_refused == 2);
}
