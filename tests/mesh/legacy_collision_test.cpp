// Two sockets between us and a peer of the old dialect, in the order in which they were recorded
// (section 4.3 of its protocol).

#include <fstream>
#include <map>
#include <string>

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What happens to the sockets between node1 and node2 of the recording, as node1 sees it.
struct Moment {
  enum class Kind : std::uint8_t { dialled, accepted, closed };
  Kind kind = Kind::dialled;
  Duration at{};
};

/// The value of `"name":"..."` or `"name":number` in a line of the recording.
std::string field(const std::string& line, const std::string& name) {
  std::string key = "\"";
  key.append(name).append("\":");
  const std::size_t begin = line.find(key);
  if (begin == std::string::npos) return {};
  std::size_t first = begin + key.size();
  if (line[first] != '"') return line.substr(first, line.find_first_of(",}", first) - first);
  ++first;
  return line.substr(first, line.find('"', first) - first);
}

std::vector<Moment> recorded() {
  std::ifstream file(TRESTLE_TEST_DATA "/legacy/simultaneous-dial-collision.jsonl");
  REQUIRE(file.good());
  std::vector<Moment> moments;
  for (std::string line; std::getline(file, line);) {
    const Duration at = milliseconds(std::stoi(field(line, "t_ms")));
    const bool node1_dialled = field(line, "conn").starts_with("node1:");
    const std::string type = field(line, "type");
    // A link is open for its dialler with the answer to its hello, for its acceptor with the hello.
    if (type == "dht_peer_connected" && node1_dialled) {
      moments.push_back({Moment::Kind::dialled, at});
    } else if (type == "dht_peer_hello" && !node1_dialled) {
      moments.push_back({Moment::Kind::accepted, at});
    } else if (field(line, "kind") == "closed" && field(line, "to") == "node2") {
      moments.push_back({Moment::Kind::closed, at});
    }
  }
  return moments;
}

TEST_CASE("where the recording's two peers ended without a link, one of ours dials again in time") {
  const std::vector<Moment> moments = recorded();
  REQUIRE(moments.size() == 4);  // dialled, accepted, and both gone within a tenth of a second
  CHECK(moments[0].kind == Moment::Kind::dialled);
  CHECK(moments[1].kind == Moment::Kind::accepted);
  CHECK(moments[3].at < milliseconds(100));

  const wire::Contact peer = mesh_contact(2, wire::Dialect::legacy);
  std::vector<Duration> waits;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    mesh::Mesh mesh(mesh_contact(1), {}, Rng(seed));
    std::vector<link::ConnectionId> closed_by_us;
    bool dials = false;
    const auto drain = [&] {
      while (const auto effect = mesh.poll_effect()) {
        if (const auto* gone = std::get_if<mesh::Disconnect>(&*effect)) {
          closed_by_us.push_back(gone->connection);
        }
        dials = dials || std::holds_alternative<mesh::Connect>(*effect);
      }
    };
    // The introduction: the other side dials within 100 ms, we give it one to two seconds.
    mesh.on_contact(kStart - seconds(1), peer);
    drain();
    CHECK_FALSE(dials);
    // We behave as the old node1 did all the same, and dial: the worst case.
    mesh.on_dial_started(kStart, peer.id, mesh_connection(1));
    for (const Moment& moment : moments) {
      const Instant now = kStart + moment.at;
      if (moment.kind == Moment::Kind::dialled) {
        mesh.on_link_opened(now, mesh_connection(1), peer, Direction::dialled);
      } else if (moment.kind == Moment::Kind::accepted) {
        mesh.on_link_opened(now, mesh_connection(2), peer, Direction::accepted);
        drain();
        // (a), (e): the newer socket stays, ours is closed quietly and at once.
        CHECK(mesh.find(peer.id) == mesh_connection(2));
        CHECK(closed_by_us == std::vector{mesh_connection(1)});
      } else {
        mesh.on_link_closed(now, mesh_connection(2), ErrorCode::connection_lost);
      }
      drain();
    }
    CHECK(mesh.links().empty());
    CHECK(closed_by_us.size() == 1);
    // (d): again after a random 2 to 10 s.
    Instant now = kStart + moments.back().at;
    while (!dials) {
      now = mesh.next_deadline();
      REQUIRE(now < kStart + seconds(11));
      mesh.on_deadline(now);
      drain();
    }
    waits.push_back(now - kStart - moments.back().at);
    CHECK(waits.back() >= seconds(2) - milliseconds(100));
    CHECK(waits.back() <= seconds(10));
    // (c): linked again, the peer is not dialled any more.
    mesh.on_dial_started(now, peer.id, mesh_connection(3));
    mesh.on_link_opened(now + milliseconds(5), mesh_connection(3), peer, Direction::dialled);
    dials = false;
    for (Instant later = now; later < now + seconds(120); later += seconds(1)) {
      mesh.on_contact(later, peer);
      static_cast<void>(mesh.connect(later, peer));
      mesh.on_deadline(later);
      drain();
    }
    CHECK_FALSE(dials);
  }
  const auto [least, most] = std::minmax_element(waits.begin(), waits.end());
  CHECK(*most - *least > seconds(5));
}

}  // namespace
}  // namespace trestle::test
