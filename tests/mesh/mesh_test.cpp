#include "trestle/mesh/mesh.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "machine_laws.hpp"
#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// One mesh, driven by hand. Its own id is 1000.
struct Harness {
  explicit Harness(const mesh::MeshOptions& options = {})
      : mesh(mesh_contact(1000), options, Rng(1)) {}

  template <typename Kind>
  std::vector<Kind> take() {
    while (auto effect = mesh.poll_effect()) effects.push_back(std::move(*effect));
    std::vector<Kind> found;
    std::erase_if(effects, [&](mesh::MeshEffect& effect) {
      auto* kind = std::get_if<Kind>(&effect);
      if (kind != nullptr) found.push_back(std::move(*kind));
      return kind != nullptr;
    });
    return found;
  }
  void open(std::uint64_t serial, const wire::Contact& peer, Direction direction) {
    mesh.on_link_opened(now, mesh_connection(serial), peer, direction);
  }
  /// Hears of the peer, and lets the time pass after which it is dialled at the latest.
  void hear(const wire::Contact& peer) {
    mesh.on_contact(now, peer);
    pass(mesh::CandidatesOptions{}.first_dial_spread);
  }
  /// Dials whatever the mesh orders; the connections count from 100.
  std::vector<wire::Contact> start_dials() {
    std::vector<wire::Contact> started;
    for (const mesh::Connect& connect : take<mesh::Connect>()) {
      mesh.on_dial_started(now, connect.contact.id, mesh_connection(100 + ++dials));
      started.push_back(connect.contact);
    }
    return started;
  }
  void pass(Duration time) {
    const Instant until = now + time;
    while (mesh.next_deadline() <= until) {
      now = std::max(now, mesh.next_deadline());
      mesh.on_deadline(now);
      REQUIRE(mesh.next_deadline() > now);
    }
    now = until;
  }

  Instant now = kStart;
  mesh::Mesh mesh;
  std::vector<mesh::MeshEffect> effects;
  std::uint64_t dials = 0;
};

TEST_CASE("a candidate is dialled and becomes a link") {
  Harness harness;
  harness.hear(mesh_contact(1));
  REQUIRE(harness.start_dials() == std::vector{mesh_contact(1)});
  harness.pass(milliseconds(30));
  wire::Contact peer = mesh_contact(1);
  peer.address.clear();  // it does not say where it listens; we know, since we dialled it
  harness.open(101, peer, Direction::dialled);
  const auto up = harness.take<mesh::LinkUp>();
  REQUIRE(up.size() == 1);
  CHECK(up[0].peer == mesh_contact(1));
  CHECK(up[0].connection == mesh_connection(101));
  CHECK(harness.mesh.find(mesh_contact(1).id) == mesh_connection(101));
  REQUIRE(harness.mesh.links().size() == 1);
  CHECK(harness.mesh.links().begin()->second.since == harness.now);
  CHECK(harness.mesh.stats().dialling == 0);
}

TEST_CASE("our own id is refused, as a candidate, as a wish and as a peer") {
  Harness harness;
  harness.mesh.on_contact(harness.now, mesh_contact(1000));
  CHECK(harness.take<mesh::Connect>().empty());
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1000)).error() ==
        ErrorCode::invalid_request);
  harness.open(5, mesh_contact(1000), Direction::accepted);
  const auto gone = harness.take<mesh::Disconnect>();
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].connection == mesh_connection(5));
  CHECK(gone[0].code == ErrorCode::refused);
  CHECK(harness.mesh.links().empty());
}

TEST_CASE("few known peers are all dialled, many only up to the target, never over eight at once") {
  for (const std::uint64_t known : {1u, 5u, 8u, 9u, 40u}) {
    CAPTURE(known);
    Harness harness;
    for (std::uint64_t peer = 1; peer <= known; ++peer) {
      harness.mesh.on_contact(harness.now, mesh_contact(peer));
    }
    harness.pass(seconds(1));
    const auto dialled = harness.start_dials();
    CHECK(dialled.size() == std::min<std::size_t>(known, 8));
    for (std::uint64_t dial = 0; dial < dialled.size(); ++dial) {
      harness.open(101 + dial, dialled[dial], Direction::dialled);
    }
    harness.pass(seconds(60));
    CHECK(harness.take<mesh::Connect>().empty());
    CHECK(harness.mesh.links().size() == std::min<std::size_t>(known, 8));
  }
}

TEST_CASE("links that others dialled count: nothing is dialled beyond the target") {
  Harness harness;
  for (std::uint64_t peer = 1; peer <= 12; ++peer) {
    harness.open(peer, mesh_contact(peer), Direction::accepted);
  }
  harness.mesh.on_contact(harness.now, mesh_contact(20));
  harness.pass(seconds(60));
  CHECK(harness.take<mesh::Connect>().empty());
  // Somebody wants it nevertheless.
  CHECK(harness.mesh.connect(harness.now, mesh_contact(20)).has_value());
  CHECK(harness.start_dials() == std::vector{mesh_contact(20)});
}

TEST_CASE("a wish is refused with a reason, or fine when it is fulfilled already") {
  mesh::MeshOptions options;
  options.links_max = 2;
  Harness harness(options);
  wire::Contact hidden = mesh_contact(1);
  hidden.address.clear();
  CHECK(harness.mesh.connect(harness.now, hidden).error() == ErrorCode::unreachable);
  CHECK(harness.mesh.connect(harness.now, wire::Contact{}).error() == ErrorCode::invalid_request);
  harness.open(1, mesh_contact(1), Direction::accepted);
  CHECK(harness.mesh.connect(harness.now, hidden).has_value());
  CHECK(harness.mesh.connect(harness.now, mesh_contact(2)).has_value());
  CHECK(harness.mesh.connect(harness.now, mesh_contact(2)).has_value());
  CHECK(harness.start_dials().size() == 1);
  harness.open(101, mesh_contact(2), Direction::dialled);
  CHECK(harness.mesh.connect(harness.now, mesh_contact(3)).error() == ErrorCode::busy);
}

TEST_CASE("a wish that the limit overtakes ends in a failure") {
  mesh::MeshOptions options;
  options.links_max = 2;
  options.dials_max = options.wanted_dials_max = 1;
  Harness harness(options);
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1)).has_value());
  CHECK(harness.mesh.connect(harness.now, mesh_contact(2)).has_value());
  CHECK(harness.start_dials().size() == 1);
  harness.open(1, mesh_contact(11), Direction::accepted);
  harness.open(2, mesh_contact(12), Direction::accepted);
  const auto failed = harness.take<mesh::ContactFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].code == ErrorCode::busy);
  CHECK_FALSE(failed[0].forgotten);
}

TEST_CASE("a dial whose place others took meanwhile ends in a failure of our own") {
  mesh::MeshOptions options;
  options.links_max = 1;
  Harness harness(options);
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1)).has_value());
  CHECK(harness.start_dials().size() == 1);
  harness.open(1, mesh_contact(11), Direction::accepted);
  harness.open(101, mesh_contact(1), Direction::dialled);
  const auto failed = harness.take<mesh::ContactFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].peer == mesh_contact(1).id);
  CHECK(failed[0].code == ErrorCode::busy);
}

TEST_CASE("questions dial beside the links that are dialled for their own sake") {
  mesh::MeshOptions options;
  options.dials_max = 2;
  options.wanted_dials_max = 4;
  Harness harness(options);
  for (std::uint64_t peer = 1; peer <= 5; ++peer) {
    harness.mesh.on_contact(harness.now, mesh_contact(peer));
  }
  harness.pass(std::chrono::seconds(1));
  CHECK(harness.start_dials().size() == 2);
  for (std::uint64_t peer = 6; peer <= 9; ++peer) {
    CHECK(harness.mesh.connect(harness.now, mesh_contact(peer)).has_value());
  }
  CHECK(harness.start_dials().size() == 2);
  CHECK(harness.mesh.stats().dialling == 4);
}

TEST_CASE("as many wishes as there are places are taken up, one more is refused at once") {
  mesh::MeshOptions options;
  options.links_max = 4;
  options.dials_max = options.wanted_dials_max = 2;
  Harness harness(options);
  harness.open(1, mesh_contact(11), Direction::accepted);
  for (std::uint64_t peer = 1; peer <= 3; ++peer) {
    CHECK(harness.mesh.connect(harness.now, mesh_contact(peer)).has_value());
  }
  CHECK(harness.mesh.connect(harness.now, mesh_contact(4)).error() == ErrorCode::busy);
}

TEST_CASE("who had no room for us is not dialled for half a minute, and it is no failure") {
  Harness harness;
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1)).has_value());
  SECTION("it said so when the link was open") {
    harness.start_dials();
    harness.open(101, mesh_contact(1), Direction::dialled);
    harness.mesh.on_link_closed(harness.now, mesh_connection(101), ErrorCode::busy);
  }
  SECTION("it said so before") {
    harness.start_dials();
    harness.mesh.on_dial_failed(harness.now, mesh_connection(101), ErrorCode::busy);
    CHECK(harness.take<mesh::ContactFailed>().size() == 1);
  }
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1)).error() == ErrorCode::busy);
  CHECK(harness.mesh.stats().lost == 0);
  harness.pass(seconds(29));
  CHECK(harness.start_dials().empty());
  harness.pass(seconds(2));
  CHECK(harness.mesh.connect(harness.now, mesh_contact(1)).has_value());
  CHECK(harness.start_dials().size() == 1);
}

TEST_CASE("beyond the limit a link is refused, and the others stay") {
  mesh::MeshOptions options = mesh::mobile_mesh_options();
  CHECK(options.links_max == 20);
  CHECK(mesh::desktop_mesh_options().links_max == 50);
  CHECK(mesh::server_mesh_options().links_max == 200);
  Harness harness(options);
  for (std::uint64_t peer = 1; peer <= 25; ++peer) {
    harness.open(peer, mesh_contact(peer), Direction::accepted);
  }
  CHECK(harness.mesh.links().size() == 20);
  const auto gone = harness.take<mesh::Disconnect>();
  REQUIRE(gone.size() == 5);
  CHECK(gone[0].connection == mesh_connection(21));
  CHECK(gone[0].code == ErrorCode::busy);
  CHECK(harness.mesh.stats().links_refused == 5);
}

TEST_CASE(
    "P-CR-5: every failed dial is told and logged with peer and reason, the fifth as the last") {
  Harness harness;
  harness.hear(mesh_contact(1));
  unsigned failures = 0;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t dial = harness.start_dials().size(); dial > 0; --dial) {
      harness.mesh.on_dial_failed(harness.now, mesh_connection(100 + harness.dials),
                                  ErrorCode::refused, "HTTP 502");
      ++failures;
      const auto failed = harness.take<mesh::ContactFailed>();
      REQUIRE(failed.size() == 1);
      CHECK(failed[0].peer == mesh_contact(1).id);
      CHECK(failed[0].code == ErrorCode::refused);
      CHECK(failed[0].attempts == failures);
      CHECK(failed[0].forgotten == (failures == 5));
      const auto records = harness.take<LogRecord>();
      REQUIRE(records.size() == 1);
      CHECK(records[0].event == "mesh.dial_failed");
      CHECK(records[0].peer == mesh_contact(1).id);
      CHECK(records[0].code == ErrorCode::refused);
      CHECK(records[0].detail.starts_with(mesh_contact(1).address + ": HTTP 502; "));
    }
    harness.pass(seconds(1));
  }
  CHECK(failures == 5);
  CHECK(harness.mesh.stats().forgotten == 1);
}

TEST_CASE("a dial that cannot be begun, or of which nothing is heard, fails like any other") {
  Harness harness;
  harness.hear(mesh_contact(1));
  REQUIRE(harness.take<mesh::Connect>().size() == 1);
  SECTION("not begun") {
    harness.mesh.on_dial_refused(harness.now, mesh_contact(1).id, ErrorCode::shutting_down);
    REQUIRE(harness.take<mesh::ContactFailed>().size() == 1);
  }
  SECTION("nothing heard") {
    harness.mesh.on_dial_started(harness.now, mesh_contact(1).id, mesh_connection(1));
    harness.pass(seconds(30));
    const auto gone = harness.take<mesh::Disconnect>();
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].connection == mesh_connection(1));
    CHECK(gone[0].code == ErrorCode::timeout);
    REQUIRE(harness.take<mesh::ContactFailed>().size() == 1);
  }
  CHECK(harness.mesh.stats().dialling == 0);
}

TEST_CASE("when another peer answers at the address, it is linked and the one meant is forgotten") {
  Harness harness;
  harness.hear(mesh_contact(1));
  harness.start_dials();
  harness.open(101, mesh_contact(2), Direction::dialled);
  const auto failed = harness.take<mesh::ContactFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].peer == mesh_contact(1).id);
  CHECK(failed[0].code == ErrorCode::not_found);
  CHECK(failed[0].forgotten);
  CHECK(harness.take<mesh::LinkUp>().at(0).peer.id == mesh_contact(2).id);
}

TEST_CASE("the last link that goes is followed by the news of being alone") {
  Harness harness;
  harness.open(1, mesh_contact(1), Direction::accepted);
  harness.open(2, mesh_contact(2), Direction::accepted);
  harness.take<LogRecord>();
  harness.mesh.on_link_closed(harness.now, mesh_connection(1), ErrorCode::connection_lost);
  CHECK(harness.take<mesh::Isolated>().empty());
  harness.mesh.on_link_closed(harness.now, mesh_connection(2), ErrorCode::timeout);
  harness.mesh.on_link_closed(harness.now, mesh_connection(2), ErrorCode::timeout);  // unknown now
  CHECK(harness.take<mesh::Isolated>().size() == 1);
  const auto down = harness.take<mesh::LinkDown>();
  REQUIRE(down.size() == 2);
  CHECK(down[1].peer == mesh_contact(2).id);
  CHECK(down[1].code == ErrorCode::timeout);
}

TEST_CASE("round trips are smoothed as RFC 6298 says") {
  Harness harness;
  harness.open(1, mesh_contact(1), Direction::accepted);
  const auto rtt = [&] { return harness.mesh.links().find(mesh_contact(1).id)->rtt; };
  harness.mesh.on_rtt(harness.now, mesh_contact(1).id, milliseconds(80));
  CHECK(rtt() == milliseconds(80));
  harness.mesh.on_rtt(harness.now, mesh_contact(1).id, milliseconds(160));
  CHECK(rtt() == milliseconds(90));
  harness.mesh.on_rtt(harness.now, mesh_contact(2).id, milliseconds(160));  // nobody
  CHECK(harness.take<mesh::Connect>().empty());
}

TEST_CASE("links come in the order of their ids") {
  Harness harness;
  for (const std::uint64_t peer : {7u, 3u, 9u, 1u}) {
    harness.open(peer, mesh_contact(peer), Direction::accepted);
  }
  std::vector<std::uint32_t> order;
  for (const auto& [id, link] : harness.mesh.links()) order.push_back(id.low());
  CHECK(order == std::vector<std::uint32_t>{1, 3, 7, 9});
}

TEST_CASE("an introduced peer of the old dialect that dials us in time is not dialled") {
  Harness harness;
  const wire::Contact old = mesh_contact(1, wire::Dialect::legacy);
  harness.mesh.on_contact(harness.now, old);
  harness.pass(milliseconds(900));
  CHECK(harness.take<mesh::Connect>().empty());
  SECTION("it dials") {
    harness.open(1, old, Direction::accepted);
    harness.pass(seconds(60));
    CHECK(harness.take<mesh::Connect>().empty());
  }
  SECTION("it does not") {
    harness.pass(milliseconds(1100));
    CHECK(harness.start_dials().size() == 1);
    // Its own dial arrives while ours is under way: ours is dropped.
    harness.open(1, old, Direction::accepted);
    const auto gone = harness.take<mesh::Disconnect>();
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].connection == mesh_connection(101));
    // And a second hello replaces the first.
    harness.open(2, old, Direction::accepted);
    CHECK(harness.take<mesh::Disconnect>().at(0).connection == mesh_connection(1));
    CHECK(harness.take<mesh::LinkMoved>().at(0).connection == mesh_connection(2));
  }
}

struct MeshLaws {
  static constexpr bool kEnds = false;
  explicit MeshLaws(std::uint64_t seed) : mesh(mesh_contact(5), options(), Rng(seed)) {}

  static mesh::MeshOptions options() {
    mesh::MeshOptions options;
    options.links_max = 6;
    options.links_target = 4;
    options.full_mesh_max = 4;
    options.dials_max = 3;
    options.wanted_dials_max = 5;
    options.candidates.candidates_max = 6;
    return options;
  }
  void act(Instant now, Rng& rng) {
    const std::uint64_t number = 1 + rng.below(12);
    const wire::Contact peer =
        mesh_contact(number, number > 10 ? wire::Dialect::legacy : wire::Dialect::native);
    const link::ConnectionId connection = mesh_connection(1 + rng.below(serial + 1));
    switch (rng.below(8)) {
      case 0:
      case 1:
        return mesh.on_contact(now, peer);
      case 2:
        return static_cast<void>(mesh.connect(now, peer));
      case 3:
        return mesh.on_link_opened(now, connection, peer, Direction::dialled);
      case 4:
        return mesh.on_link_opened(now, mesh_connection(++serial), peer, Direction::accepted);
      case 5:
        return mesh.on_link_closed(now, connection, ErrorCode::connection_lost);
      case 6:
        return mesh.on_dial_failed(now, connection, ErrorCode::refused);
      default:
        return mesh.on_rtt(now, peer.id, rng.between(Duration(1), seconds(1)));
    }
  }
  Instant next_deadline() const { return mesh.next_deadline(); }
  void on_deadline(Instant now) { mesh.on_deadline(now); }
  std::vector<std::string> drain(Instant now) {
    std::vector<std::string> texts;
    while (auto effect = mesh.poll_effect()) {
      std::string text = std::to_string(effect->index());
      if (const auto* connect = std::get_if<mesh::Connect>(&*effect)) {
        text += ' ' + connect->contact.id.to_hex();
        mesh.on_dial_started(now, connect->contact.id, mesh_connection(++serial));
      } else if (const auto* gone = std::get_if<mesh::Disconnect>(&*effect)) {
        text += ' ' + std::to_string(gone->connection.value());
      } else if (const auto* record = std::get_if<LogRecord>(&*effect)) {
        text += ' ' + record->detail;
      }
      texts.push_back(std::move(text));
    }
    const mesh::MeshStats stats = mesh.stats();
    REQUIRE(stats.links <= options().links_max);
    REQUIRE(stats.dialling <= options().wanted_dials_max);
    REQUIRE(stats.links_up == stats.links_down + stats.links);
    return texts;
  }
  void shut(Instant) {}

  mesh::Mesh mesh;
  std::uint64_t serial = 0;
};

TEST_CASE("the mesh obeys the laws of every machine") { obey_the_laws<MeshLaws>(); }

}  // namespace
}  // namespace trestle::test
