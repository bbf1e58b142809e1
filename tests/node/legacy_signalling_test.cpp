#include "trestle/node/bootstrap/legacy_signalling.hpp"

#include "catch.hpp"
#include "legacy_desk.hpp"

using namespace trestle;
using test::kBrowserMetadata;
using test::kNodeMetadata;
using test::LegacyDesk;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const link::ConnectionId kFirst{link::ConnectionOwner::node, 1};
const link::ConnectionId kSecond{link::ConnectionOwner::node, 2};
const NodeId kAlice{1, 1, 1};
const NodeId kBob{2, 2, 2};

struct Pair : LegacyDesk {
  Pair() {
    enter(kStart, kFirst, kAlice, kBrowserMetadata);
    enter(kStart, kSecond, kBob, kBrowserMetadata);
  }
  void coordinate(Instant now, link::ConnectionId client, const NodeId& target,
                  const std::string& kind, const std::string& session, const std::string& nat) {
    hear(now, client,
         R"({"type":")" + kind + R"(","target":")" + target.to_hex() +
             R"(","candidates":[{"c": 1}],"profile":{"natType":")" + nat + R"("},"sessionId":")" +
             session + R"("})");
  }
};

}  // namespace

TEST_CASE("a signal goes on byte for byte, in the name of its sender") {
  Pair desk;
  const std::string body = R"({"type":"offer", "sdp":"v=0\r\n", "z":1,"a":[ 2 ]})";
  desk.hear(kStart, kFirst,
            R"({"type":"forward_signal","fromPeer":")" + kBob.to_hex() + R"(","toPeer":")" +
                kBob.to_hex() + R"(","signal":)" + body + R"(,"requestId":"f1"})");
  const auto got = desk.sent<legacy::Signal>(kSecond);
  REQUIRE(got.size() == 1);
  CHECK(got[0].signal.json == body);
  CHECK(got[0].from_peer == kAlice);  // not whom it claims to be
  CHECK(got[0].to_peer == kBob);
  CHECK(desk.sent<legacy::Response>(kFirst)[0].success);
  desk.hear(kStart, kFirst,
            R"({"type":"signal","fromPeer":")" + kAlice.to_hex() + R"(","toPeer":")" +
                kBob.to_hex() + R"(","signal":)" + body + "}");
  REQUIRE(desk.sent<legacy::Signal>(kSecond).size() == 2);
  CHECK(desk.sent<legacy::Signal>(kSecond)[1].timestamp.has_value());
}

TEST_CASE("a signal for nobody, or half a signal, is refused in the old words") {
  Pair desk;
  desk.hear(kStart, kFirst, R"({"type":"forward_signal","requestId":"f2"})");
  CHECK(desk.sent<legacy::Error>(kFirst)[0].error == "Invalid signal forwarding request");
  desk.hear(kStart, kFirst,
            R"({"type":"forward_signal","fromPeer":")" + kAlice.to_hex() + R"(","toPeer":")" +
                NodeId{3, 3, 3}.to_hex() + R"(","signal":{},"requestId":"f3"})");
  CHECK(desk.sent<legacy::Error>(kFirst)[1].error == "Target peer not available");
  desk.hear(kStart, kFirst, R"({"type":"join_peer","targetPeerId":")" + kAlice.to_hex() + "\"}");
  CHECK(desk.sent<legacy::JoinError>(kFirst).size() == 1);
}

TEST_CASE("both spellings of a target find it") {
  Pair desk;
  desk.hear(kStart, kFirst, R"({"type":"join_peer","targetPeerId":")" + kBob.to_hex() + "\"}");
  desk.hear(kStart, kFirst, R"({"type":"join_peer","targetPeer":")" + kBob.to_hex() + "\"}");
  CHECK(desk.sent<legacy::PeerJoinRequest>(kSecond).size() == 2);
}

TEST_CASE("two that want each other begin at the same moment") {
  Pair desk;
  desk.coordinate(kStart, kFirst, kBob, "ice_coordinate", "s1", "hard");
  CHECK(desk.sent<legacy::IceCoordinatePending>(kFirst)[0].session_id == "s1");
  desk.coordinate(kStart + 4s, kSecond, kAlice, "ice_coordinate", "s2", "hard");
  const auto first = desk.sent<legacy::IceStart>(kFirst);
  const auto second = desk.sent<legacy::IceStart>(kSecond);
  REQUIRE(first.size() == 1);
  REQUIRE(second.size() == 1);
  CHECK(first[0].session_id == "s1");
  CHECK(second[0].session_id == "s2");
  CHECK(first[0].timestamp == second[0].timestamp);
  CHECK(first[0].peer == kBob);
  CHECK(first[0].peer_candidates->json == R"([{"c": 1}])");
  CHECK(first[0].hard_nat_pair == true);
  CHECK_FALSE(first[0].estimated_success_rate.has_value());  // nothing was measured yet
  CHECK(desk.reception.next_deadline() == kNever);
}

TEST_CASE("who waits in vain for ten seconds hears of it, once") {
  Pair desk;
  for (const std::string kind : {"ice_coordinate", "ice_restart_coordinate"}) {
    desk.coordinate(kStart, kFirst, kBob, kind, kind, "easy");
  }
  CHECK(desk.reception.next_deadline() == kStart + 10s);
  desk.reception.on_deadline(kStart + 10s - 1us);
  CHECK(desk.sent<legacy::IceCoordinateTimeout>(kFirst).empty());
  desk.reception.on_deadline(kStart + 10s);
  desk.reception.on_deadline(kStart + 11s);
  CHECK(desk.sent<legacy::IceCoordinateTimeout>(kFirst).size() == 1);
  CHECK(desk.sent<legacy::IceRestartTimeout>(kFirst).size() == 1);
  CHECK(desk.reception.next_deadline() == kNever);
}

TEST_CASE("a restart is another conversation than a start") {
  Pair desk;
  desk.coordinate(kStart, kFirst, kBob, "ice_coordinate", "s", "easy");
  desk.coordinate(kStart, kSecond, kAlice, "ice_restart_coordinate", "s", "easy");
  CHECK(desk.sent<legacy::IceStart>(kFirst).empty());
  desk.coordinate(kStart, kFirst, kBob, "ice_restart_coordinate", "s", "easy");
  CHECK(desk.sent<legacy::IceRestartGo>(kFirst).size() == 1);
  CHECK(desk.sent<legacy::IceRestartGo>(kSecond).size() == 1);
}

TEST_CASE("one client cannot fill the waiting room, and takes its places along when it goes") {
  Pair desk;
  for (int index = 0; index < 20; ++index) {
    desk.coordinate(kStart, kFirst, NodeId{7, 7, static_cast<std::uint32_t>(index)},
                    "ice_coordinate", "s" + std::to_string(index), "easy");
  }
  CHECK(desk.sent<legacy::IceCoordinatePending>(kFirst).size() == 16);
  CHECK(desk.sent<legacy::IceCoordinateError>(kFirst).size() == 4);
  desk.reception.on_closed(kStart, kFirst);
  CHECK(desk.reception.next_deadline() == kNever);
}

TEST_CASE("what waits is bounded in bytes") {
  Pair desk;
  desk.coordinate(kStart, kFirst, kBob, "ice_coordinate", "s", std::string(16 * 1024, 'x'));
  REQUIRE(desk.sent<legacy::IceCoordinateError>(kFirst).size() == 1);
  CHECK(desk.sent<legacy::IceCoordinateError>(kFirst)[0].error == "Coordination too large");
  CHECK(desk.reception.next_deadline() == kNever);
  desk.coordinate(kStart, kFirst, kBob, "ice_coordinate", "s", std::string(15 * 1024, 'x'));
  CHECK(desk.sent<legacy::IceCoordinatePending>(kFirst).size() == 1);
  desk.hear(kStart, kFirst,
            R"({"type":"relay_request","targetPeerId":")" + kBob.to_hex() + R"(","sessionId":")" +
                std::string(129, 'r') + R"("})");
  CHECK(desk.sent<legacy::RelayAck>(kFirst)[0].error == "invalid_session");
}

TEST_CASE("one client cannot fill the table of invitations, and takes its own along") {
  Pair desk;
  const auto invite = [&](const NodeId& invitee) {
    desk.hear(kStart, kFirst,
              R"({"type":"send_invitation","targetPeerId":")" + invitee.to_hex() +
                  R"(","invitationToken":{},"inviterNodeId":")" + kAlice.to_hex() +
                  R"(","requestId":"i"})");
    return desk.sent<legacy::Response>(kFirst).back().success;
  };
  const auto invitee = [](std::uint64_t number) { return NodeId{number, 5, 5}; };
  const auto connection = [](std::uint64_t number) {
    return link::ConnectionId{link::ConnectionOwner::node, number};
  };
  for (std::uint64_t number = 10; number < 27; ++number) {
    desk.enter(kStart, connection(number), invitee(number), kNodeMetadata);
    CHECK(invite(invitee(number)) == (number < 26));
  }
  desk.reception.on_closed(kStart, connection(10));  // with an invited one goes its place
  CHECK(invite(invitee(26)));
  desk.reception.on_closed(kStart, kFirst);
  desk.enter(kStart, kFirst, kAlice, kBrowserMetadata);
  const auto accept = [&](std::uint64_t number) {
    desk.hear(kStart, connection(number),
              R"({"type":"invitation_accepted","fromPeer":")" + invitee(number).to_hex() +
                  R"(","toPeer":")" + kAlice.to_hex() + R"("})");
    return desk.sent<legacy::WebsocketPeerMetadata>(connection(number)).size();
  };
  CHECK(accept(11) == 0);  // invited by a connection that is gone
  CHECK(invite(invitee(11)));
  CHECK(accept(11) == 1);
}

TEST_CASE("who has told no id coordinates nothing") {
  LegacyDesk desk;
  desk.hear(kStart, kFirst,
            R"({"type":"ice_coordinate","target":")" + kBob.to_hex() + R"(","sessionId":"s"})");
  CHECK(desk.sent<legacy::IceCoordinateError>(kFirst)[0].error == "Not registered");
}

TEST_CASE("the success rate is the measured one") {
  node::LegacyOutcomes outcomes;
  legacy::ConnectionOutcome outcome;
  outcome.local_nat_type = "easy";
  outcome.remote_nat_type = "hard";
  for (int attempt = 0; attempt < 20; ++attempt) {
    outcome.success = attempt % 20 != 0;
    outcomes.count(outcome);
  }
  CHECK(outcomes.success_rate(node::NatType::hard, node::NatType::easy)->json == "0.95");
  CHECK_FALSE(outcomes.success_rate(node::NatType::hard, node::NatType::hard).has_value());
}

TEST_CASE(
    "two invited browsers are told to offer and to expect, others get each other's metadata") {
  Pair desk;
  const auto invite = [&](link::ConnectionId from, const NodeId& inviter, link::ConnectionId to,
                          const NodeId& invitee) {
    desk.hear(kStart, from,
              R"({"type":"send_invitation","targetPeerId":")" + invitee.to_hex() +
                  R"(","invitationToken":{"b":1,"a":2},"inviterNodeId":")" + inviter.to_hex() +
                  R"(","requestId":"i"})");
    desk.hear(kStart, to,
              R"({"type":"invitation_accepted","fromPeer":")" + invitee.to_hex() +
                  R"(","toPeer":")" + inviter.to_hex() + R"("})");
  };
  invite(kFirst, kAlice, kSecond, kBob);
  CHECK(desk.sent<legacy::InvitationReceived>(kSecond)[0].invitation_token.json ==
        R"({"b":1,"a":2})");
  CHECK(desk.sent<legacy::WebrtcStartOffer>(kFirst)[0].target_peer == kBob);
  CHECK(desk.sent<legacy::WebrtcExpectOffer>(kSecond)[0].from_peer == kAlice);
  const link::ConnectionId third{link::ConnectionOwner::node, 3};
  const NodeId carol{3, 3, 3};
  desk.enter(kStart, third, carol, kNodeMetadata);
  invite(third, carol, kSecond, kBob);
  CHECK(desk.sent<legacy::WebsocketPeerMetadata>(kSecond)[0].from_peer == carol);
  CHECK(desk.sent<legacy::WebrtcExpectOffer>(kSecond).size() == 1);
}

TEST_CASE("a relay carries payloads between the two ends of a session and nobody else") {
  Pair desk;
  const link::ConnectionId third{link::ConnectionOwner::node, 3};
  desk.enter(kStart, third, NodeId{3, 3, 3}, kBrowserMetadata);
  const auto forward = [&](link::ConnectionId client) {
    desk.hear(kStart, client,
              R"({"type":"relay_forward","sessionId":"r","to":"x","payload":{ "x":1}})");
  };
  forward(kFirst);
  CHECK(desk.sent<legacy::RelayForward>(kSecond).empty());
  desk.hear(kStart, kFirst,
            R"({"type":"relay_request","targetPeerId":")" + kBob.to_hex() +
                R"(","sessionId":"r","timestamp":1})");
  CHECK(desk.sent<legacy::RelayAck>(kFirst)[0].success);
  desk.hear(kStart, kFirst,
            R"({"type":"relay_forward","sessionId":"r","to":")" + kBob.to_hex() +
                R"(","payload":{ "x":1}})");
  REQUIRE(desk.sent<legacy::RelayForward>(kSecond).size() == 1);
  CHECK(desk.sent<legacy::RelayForward>(kSecond)[0].payload.json == R"({ "x":1})");
  CHECK(desk.sent<legacy::RelayForward>(kSecond)[0].from == kAlice.to_hex());
  desk.hear(kStart, third, R"({"type":"relay_forward","sessionId":"r","payload":1})");
  CHECK(desk.sent<legacy::RelayForward>(kSecond).size() == 1);
  desk.reception.on_closed(kStart, kFirst);
  CHECK(desk.sent<legacy::RelayClose>(kSecond)[0].reason == "peer_disconnected");
}

TEST_CASE(
    "a relay session ends after five idle minutes, and there are only so many of one client") {
  Pair desk;
  for (int index = 0; index < 60; ++index) {
    desk.hear(kStart, kFirst,
              R"({"type":"relay_request","targetPeerId":")" + kBob.to_hex() +
                  R"(","sessionId":"r)" + std::to_string(index) + R"("})");
  }
  const auto acks = desk.sent<legacy::RelayAck>(kFirst);
  CHECK(std::ranges::count(acks, true, &legacy::RelayAck::success) == 50);
  CHECK(acks.back().error == "capacity_reached");
  CHECK(desk.reception.next_deadline() == kStart + 5min);
  desk.reception.on_deadline(kStart + 5min);
  CHECK(desk.sent<legacy::RelayClose>(kSecond).size() == 50);
  CHECK(desk.reception.next_deadline() == kNever);
}
