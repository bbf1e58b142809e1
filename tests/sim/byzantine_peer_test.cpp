#include "trestle/sim/byzantine_peer.hpp"

#include <algorithm>

#include "catch.hpp"
#include "fake_node.hpp"
#include "trestle/sim/frame_records.hpp"

namespace trestle::sim::test {
namespace {

constexpr NodeIndex kHonest = 0;
constexpr NodeIndex kTurncoat = 1;

/// A fake that can be ordered about, and one with somebody between it and the network.
struct Scene {
  Scene() {
    bench.add_started();
    bench.fakes.push_back(nullptr);
    bench.world.add_node({.role = wire::Role::node,
                          .url = Bench::url(kTurncoat),
                          .factory = [this](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
                            auto made = std::make_unique<FakeNode>(seat.rng);
                            bench.fakes[kTurncoat] = made.get();
                            return std::make_unique<ByzantinePeer>(
                                std::move(made), kTurncoat, board, seat.rng.fork("misconduct"));
                          },
                          .is_honest = false});
    bench.world.start(kTurncoat);
    std::tie(near, far) = bench.connect(kHonest, kTurncoat);
  }

  void answer(std::uint64_t id, wire::Message message) {
    bench.say(kTurncoat, far, id, std::move(message));
    bench.world.run_for(1s);
  }
  /// What the honest one got, record by record.
  std::vector<wire::Message> got() {
    std::vector<wire::Message> messages;
    for (const Heard& heard : bench[kHonest].of(Heard::Kind::frame)) {
      for (std::size_t index = 0;; ++index) {
        auto record = read_record(as_bytes(heard.text), index);
        if (!record) break;
        messages.push_back(std::move(record->message));
      }
    }
    return messages;
  }
  std::size_t frames() { return bench[kHonest].count(Heard::Kind::frame); }

  Bench bench;
  MisconductBoard board;
  link::ConnectionId near;
  link::ConnectionId far;
};

wire::FindNodeResponse two_contacts() {
  return {{{NodeId(1, 1, 1), wire::Role::node, wire::Dialect::native, "ws://one:1/", {}},
           {NodeId(2, 2, 2), wire::Role::node, wire::Dialect::native, "ws://two:2/", {}}}};
}

TEST_CASE("a byzantine peer that is told nothing changes nothing") {
  Scene scene;
  scene.answer(5, two_contacts());
  REQUIRE(scene.got().size() == 1);
  CHECK(std::get<wire::FindNodeResponse>(scene.got()[0]) == two_contacts());
}

TEST_CASE("lies: nobody who exists is named, all of them nearer than anybody can be") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::lies);
  const NodeId target(7, 8, 9);
  scene.bench.say(kHonest, scene.near, 5, wire::FindNodeRequest{target});
  scene.bench.world.run_for(1s);
  scene.answer(5, two_contacts());
  REQUIRE(scene.got().size() == 1);
  const auto named = std::get<wire::FindNodeResponse>(scene.got()[0]);
  for (const wire::Contact& contact : named.contacts) {
    CHECK(contact.id.high() == target.high());
    CHECK(contact.id.middle() == target.middle());
    CHECK(contact.address.starts_with("ws://nobody"));
  }
}

TEST_CASE("wrong ids: real addresses under other ids") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::wrong_ids);
  scene.answer(5, two_contacts());
  REQUIRE(scene.got().size() == 1);
  const auto named = std::get<wire::FindNodeResponse>(scene.got()[0]);
  REQUIRE(named.contacts.size() == 2);
  CHECK(named.contacts[0].address == "ws://one:1/");
  CHECK(named.contacts[0].id != NodeId(1, 1, 1));
}

TEST_CASE("silence: questions go out, answers do not") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::silence);
  scene.answer(5, wire::Pong{});
  CHECK(scene.frames() == 0);
  scene.answer(6, wire::Ping{});
  CHECK(scene.frames() == 1);
}

TEST_CASE("slowness: late, in order, also across its end") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::slowness);
  scene.answer(5, wire::Ping{});
  scene.board.set(kTurncoat, Misconduct::none);
  scene.answer(6, wire::Pong{});
  CHECK(scene.frames() == 0);
  scene.bench.world.run_for(10s);
  REQUIRE(scene.got().size() == 2);
  CHECK(std::holds_alternative<wire::Ping>(scene.got()[0]));
  CHECK(std::holds_alternative<wire::Pong>(scene.got()[1]));
  scene.answer(7, wire::Ping{});
  CHECK(scene.frames() == 3);
}

TEST_CASE("slowness: what is late for a connection that ended is not sent") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::slowness);
  scene.answer(5, wire::Ping{});
  scene.bench.close(kHonest, scene.near);
  scene.bench.world.run_for(1min);
  CHECK(scene.frames() == 0);
}

TEST_CASE("replays: what was said is said again") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::replays);
  for (std::uint64_t id = 1; id <= 40; ++id) scene.answer(id, wire::Ping{});
  CHECK(scene.frames() > 42);
  CHECK(scene.frames() < 60);
}

TEST_CASE("mutations: some frames arrive with other bits, none is lost") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::mutations);
  for (std::uint64_t id = 1; id <= 40; ++id) scene.answer(id, two_contacts());
  Bytes clean;
  std::size_t changed = 0;
  for (const Heard& heard : scene.bench[kHonest].of(Heard::Kind::frame)) {
    const auto record = read_record(as_bytes(heard.text), 0);
    const auto* named = record ? std::get_if<wire::FindNodeResponse>(&record->message) : nullptr;
    if (named == nullptr || !(*named == two_contacts())) ++changed;
  }
  CHECK(scene.frames() == 40);
  CHECK(changed > 2);
  CHECK(changed < 20);
}

TEST_CASE("oversized: some frames are larger than any limit") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::oversized);
  for (std::uint64_t id = 1; id <= 20; ++id) scene.answer(id, wire::Ping{});
  const auto frames = scene.bench[kHonest].of(Heard::Kind::frame);
  const auto large = std::ranges::count_if(frames, [](const Heard& heard) {
    return heard.text.size() > wire::native::Limits{}.frame_bytes_max;
  });
  CHECK(large > 0);
  CHECK(large < 15);
}

TEST_CASE("floods: hundreds of questions a second, until it is told to stop") {
  Scene scene;
  scene.board.set(kTurncoat, Misconduct::floods);
  scene.bench.say(kHonest, scene.near, 5, wire::Ping{});
  scene.bench.world.run_for(10s);
  const std::size_t questions = scene.got().size();
  CHECK(questions > 3000);
  scene.board.set(kTurncoat, Misconduct::none);
  scene.bench.world.run_for(10s);
  CHECK(scene.got().size() < questions + 50);
}

}  // namespace
}  // namespace trestle::sim::test
