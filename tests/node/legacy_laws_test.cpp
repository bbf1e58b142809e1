#include <array>

#include "catch.hpp"
#include "legacy_desk.hpp"
#include "machine_laws.hpp"
#include "trestle/node/member/legacy_registration.hpp"

using namespace trestle;
using test::LegacyDesk;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kConnections = 6;

NodeId some_id(Rng& rng) { return {1 + rng.below(kConnections), 2, 3}; }

link::ConnectionId some_connection(Rng& rng) {
  return {link::ConnectionOwner::node, 1 + rng.below(kConnections)};
}

/// Any frame a client may send, with ids of this small world: most of them make sense.
std::string some_frame(Rng& rng) {
  const std::string one = some_id(rng).to_hex();
  const std::string other = some_id(rng).to_hex();
  const std::array<std::string, 3> kinds = {test::kNodeMetadata, test::kBrowserMetadata,
                                            test::kBridgeMetadata};
  const std::string metadata = kinds[rng.below(kinds.size())];
  const std::string number = std::to_string(rng.below(4));
  switch (rng.below(14)) {
    case 0:
      return R"({"type":"get_peers_or_genesis","nodeId":")" + one + R"(","metadata":)" + metadata +
             R"(,"requestId":"r)" + number + "\"}";
    case 1:
    case 2:
      return R"({"type":"register","nodeId":")" + one +
             R"(","protocolVersion":"1.0.0","metadata":)" + metadata + "}";
    case 3:
      return R"({"type":"send_invitation","targetPeerId":")" + other +
             R"(","invitationToken":{},"inviterNodeId":")" + one + R"(","requestId":"i"})";
    case 4:
      return R"({"type":"invitation_accepted","fromPeer":")" + one + R"(","toPeer":")" + other +
             "\"}";
    case 5:
      return R"({"type":"forward_signal","fromPeer":")" + one + R"(","toPeer":")" + other +
             R"(","signal":{},"requestId":"f"})";
    case 6:
      return R"({"type":"signal","fromPeer":")" + one + R"(","toPeer":")" + other +
             R"(","signal":{}})";
    case 7:
      return R"({"type":"join_peer","targetPeer":")" + other + "\"}";
    case 8:
      return R"({"type":"ice_coordinate","target":")" + other + R"(","sessionId":"s)" + number +
             "\"}";
    case 9:
      return R"({"type":"ice_restart_coordinate","target":")" + other + R"(","sessionId":"s)" +
             number + "\"}";
    case 10:
      return R"({"type":"relay_request","targetPeerId":")" + other + R"(","sessionId":"s)" +
             number + "\"}";
    case 11:
      return R"({"type":"relay_forward","sessionId":"s)" + number + R"(","payload":1})";
    case 12:
      return R"({"type":"relay_close","sessionId":"s)" + number + "\"}";
    default:
      return R"({"type":"onboarding_peer_response","requestId":"onboarding_)" + number +
             R"(","success":false})";
  }
}

/// Everything that serves the old dialect at a bootstrap node.
struct ReceptionFixture {
  explicit ReceptionFixture(std::uint64_t seed) : desk("the-secret") {
    desk.suite = crypto::Suite(seed);
  }
  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return desk.reception.on_closed(now, some_connection(rng));
      case 1: {
        const link::ConnectionId bridge = some_connection(rng);
        wire::IntroduceRequest question;
        question.newcomer.id = some_id(rng);
        return desk.reception.ask_bridge(now, bridge, {rng.below(50)}, question);
      }
      case 2:
        return end_join(now, rng);
      case 3:
        return desk.reception.on_verified(now, some_connection(rng), {1}, rng.chance(1, 2));
      default: {
        const link::ConnectionId client = some_connection(rng);
        desk.hear(now, client, some_frame(rng));
      }
    }
  }
  void end_join(Instant now, Rng& rng) {
    wire::Contact helper;
    helper.id = some_id(rng);
    wire::JoinResponse response;
    response.contacts = {helper};
    response.introduced_by = some_id(rng);
    const link::ConnectionId client = some_connection(rng);
    desk.reception.on_join_ended(now, client, {1 + rng.below(50)}, response);
  }
  Instant next_deadline() const { return desk.reception.next_deadline(); }
  void on_deadline(Instant now) { desk.reception.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> told;
    while (auto effect = desk.reception.poll_effect()) {
      if (const auto* text = std::get_if<node::LegacyText>(&*effect)) {
        told.push_back(std::to_string(text->client.value()) + " " + text->text);
      } else if (const auto* forward = std::get_if<node::LegacyForward>(&*effect)) {
        told.push_back(std::to_string(forward->target.value()) + " " + forward->text);
        if (forward->if_sent.empty()) continue;
        told.push_back(std::to_string(forward->sender.value()) + " " + forward->if_sent);
      } else {
        told.push_back(std::to_string(effect->index()));
      }
    }
    return told;
  }
  void shut(Instant now) {
    for (std::uint64_t number = 1; number <= kConnections; ++number) {
      desk.reception.on_closed(now, {link::ConnectionOwner::node, number});
    }
  }
  static constexpr bool kEnds = false;  // frames that wait for their moment are for the living

  LegacyDesk desk;
};

/// A member's registration at an old bootstrap node.
struct RegistrationFixture {
  explicit RegistrationFixture(std::uint64_t seed)
      : suite(seed), machine(node::LegacyRegistrationOptions{}, local, suite) {
    local.identity.id = NodeId{9, 9, 9};
    local.role = seed % 2 == 0 ? wire::Role::bridge : wire::Role::node;
  }
  void act(Instant now, Rng& rng) {
    if (!rng.chance(1, 8)) return act_late(now, rng);
    machine.is_open() ? machine.on_closed() : machine.on_opened(now);
  }
  void act_late(Instant now, Rng& rng) {
    switch (rng.below(7)) {
      case 1:
        if (machine.is_open()) machine.join(now, {8, rng.chance(1, 2)}, false);
        return;
      case 2:
        return machine.respond(now, {1 + rng.below(20)}, wire::IntroduceResponse{});
      case 3:
        return machine.on_links(now, rng.below(5));
      case 4:
        return machine.on_signed({static_cast<std::uint32_t>(rng.below(9))}, {});
      case 5:
        return machine.on_frame(
            now, legacy::box(legacy::SendInvitationRequest{some_id(rng), "i", std::nullopt}));
      case 6:
        return machine.on_frame(
            now, legacy::box(legacy::GetOnboardingPeer{"o" + std::to_string(rng.below(9)),
                                                       some_id(rng), std::nullopt}));
      default:
        return machine.on_frame(now, legacy::box(legacy::Ping{"k", 1, {}, {}}));
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> told;
    while (auto effect = machine.poll_effect()) {
      const auto* send = std::get_if<node::LegacyRegistration::Send>(&*effect);
      told.push_back(send != nullptr ? send->text : std::to_string(effect->index()));
    }
    return told;
  }
  void shut(Instant) { machine.on_closed(); }
  static constexpr bool kEnds = true;

  link::LocalPeer local;
  crypto::Suite suite;
  node::LegacyRegistration machine;
};

}  // namespace

TEST_CASE("what serves the old dialect obeys the laws of machines") {
  test::obey_the_laws<ReceptionFixture>();
}
TEST_CASE("the registration at an old bootstrap node obeys the laws of machines") {
  test::obey_the_laws<RegistrationFixture>();
}

TEST_CASE("whatever clients say, a bridge hears nothing but questions and pings") {
  constexpr std::array<std::string_view, 3> kHarmless = {"get_onboarding_peer", "ping",
                                                         "registered"};
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ReceptionFixture world(seed);
    Rng rng = Rng(seed).fork("script");
    const link::ConnectionId bridge{link::ConnectionOwner::node, 100};
    const NodeId id = some_id(rng);
    world.desk.enter(test::kLawEpoch, bridge, id, test::kBridgeMetadata);
    Instant now = test::kLawEpoch;
    for (int step = 0; step < 300; ++step) {
      now += 1s;
      world.on_deadline(now);
      world.act(now, rng);
      for (const std::string& told : world.drain(now)) {
        if (!told.starts_with(std::to_string(bridge.value()) + " ")) continue;
        const auto frame = legacy::decode(std::string_view(told).substr(told.find(' ') + 1));
        REQUIRE(frame.has_value());
        CAPTURE(seed, told);
        REQUIRE(std::ranges::find(kHarmless, legacy::type_name(*frame)) != kHarmless.end());
      }
    }
  }
}
