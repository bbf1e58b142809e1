#include "trestle/mesh/announcements.hpp"

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Announcements;
using mesh::Direction;
using Verdict = mesh::Announcements::Verdict;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Linked for long, so that newcomers are told from old acquaintances.
Announcements settled(const mesh::AnnouncementsOptions& options = {}) {
  Announcements made(options);
  made.on_link_up(kStart - minutes(1), mesh_contact(1), Direction::dialled);
  return made;
}

TEST_CASE("MESH-01: who links itself for the first time is a newcomer; later it is not") {
  Announcements announcements = settled();
  CHECK(announcements.on_link_up(kStart, mesh_contact(2), Direction::accepted));
  CHECK_FALSE(announcements.on_link_up(kStart + seconds(1), mesh_contact(2), Direction::accepted));
  // Away for longer than is remembered: new to whoever came meanwhile.
  CHECK(announcements.on_link_up(kStart + minutes(12), mesh_contact(2), Direction::accepted));
}

TEST_CASE("nobody is announced whom we dialled, who cannot be dialled, or who proves nothing") {
  Announcements announcements = settled();
  CHECK_FALSE(announcements.on_link_up(kStart, mesh_contact(2), Direction::dialled));
  wire::Contact browser = mesh_contact(3);
  browser.address.clear();
  CHECK_FALSE(announcements.on_link_up(kStart, browser, Direction::accepted));
  CHECK_FALSE(announcements.on_link_up(kStart, mesh_contact(4, wire::Dialect::legacy),
                                       Direction::accepted));
}

TEST_CASE("whoever is new himself announces nobody: to him everybody is new") {
  Announcements announcements({});
  CHECK_FALSE(announcements.on_link_up(kStart, mesh_contact(1), Direction::accepted));
  CHECK_FALSE(announcements.on_link_up(kStart + seconds(4), mesh_contact(2), Direction::accepted));
  CHECK(announcements.on_link_up(kStart + seconds(5), mesh_contact(3), Direction::accepted));
  announcements.on_isolated();
  CHECK_FALSE(announcements.on_link_up(kStart + seconds(9), mesh_contact(4), Direction::accepted));
}

TEST_CASE("P-CR-18: an announcement is news once, whoever repeats it, and is not passed on") {
  Announcements announcements = settled();
  CHECK(announcements.on_announced(kStart, mesh_contact(1).id, mesh_contact(7).id) ==
        Verdict::news);
  CHECK(announcements.on_announced(kStart, mesh_contact(2).id, mesh_contact(7).id) ==
        Verdict::repeated);
  CHECK_FALSE(announcements.on_link_up(kStart, mesh_contact(7), Direction::accepted));
}

TEST_CASE("a flood of announcements is cut at its author and costs a bounded memory") {
  Announcements announcements = settled();
  std::size_t taken = 0;
  for (std::uint64_t number = 0; number < 100'000; ++number) {  // 10,000 a second
    const Instant now = kStart + std::chrono::microseconds(100) * number;
    const Verdict verdict =
        announcements.on_announced(now, mesh_contact(1).id, mesh_contact(10 + number).id);
    taken += verdict == Verdict::news ? 1 : 0;
  }
  CHECK(taken <= 40 + 10 * 5);
  CHECK(taken >= 40);
  CHECK(announcements.remembered() <= 1024);
  // Somebody else is heard all the same.
  CHECK(announcements.on_announced(kStart + seconds(10), mesh_contact(2).id, mesh_contact(9).id) ==
        Verdict::news);
  for (std::uint64_t peer = 0; peer < 200; ++peer) {
    for (std::uint64_t number = 0; number < 40; ++number) {
      const std::uint64_t other = 1'000'000 + peer * 1'000 + number;
      announcements.on_announced(kStart + seconds(20), mesh_contact(100 + peer).id,
                                 mesh_contact(other).id);
    }
  }
  CHECK(announcements.remembered() <= 1024);
}

TEST_CASE("a join storm is announced at a bounded rate") {
  Announcements announcements = settled();
  std::size_t announced = 0;
  for (std::uint64_t number = 0; number < 1000; ++number) {
    const Instant now = kStart + milliseconds(1) * number;
    announced += announcements.on_link_up(now, mesh_contact(10 + number), Direction::accepted);
  }
  CHECK(announced >= 20);
  CHECK(announced <= 20 + 4);
}

TEST_CASE("a linked mesh tells the others of a newcomer and takes their word as a hint") {
  mesh::Mesh mesh(mesh_contact(100), {}, Rng(1));
  const auto take = [&] {
    std::vector<mesh::AnnouncePeer> told;
    while (auto effect = mesh.poll_effect()) {
      if (auto* one = std::get_if<mesh::AnnouncePeer>(&*effect)) told.push_back(std::move(*one));
    }
    return told;
  };
  for (std::uint64_t peer = 1; peer <= 3; ++peer) {
    mesh.on_link_opened(
        kStart, mesh_connection(peer),
        mesh_contact(peer, peer == 3 ? wire::Dialect::legacy : wire::Dialect::native),
        Direction::accepted);
  }
  CHECK(take().empty());
  const Instant later = kStart + seconds(60);
  mesh.on_link_opened(later, mesh_connection(9), mesh_contact(9), Direction::accepted);
  const auto told = take();
  REQUIRE(told.size() == 1);
  CHECK(told[0].peer == mesh_contact(9));
  CHECK(told[0].to == std::vector{mesh_connection(1), mesh_connection(2)});

  mesh.on_announced(later, mesh_contact(1).id, mesh_contact(20));
  mesh.on_announced(later, mesh_contact(2).id, mesh_contact(20));
  mesh.on_announced(later, mesh_contact(77).id, mesh_contact(21));  // no link, no say
  mesh.on_announced(later, mesh_contact(1).id, mesh_contact(100));  // ourselves
  CHECK(mesh.stats().announcements_heard == 1);
  CHECK(mesh.stats().announcements_repeated == 1);
  std::size_t hints = 0;
  while (const auto effect = mesh.poll_effect()) {
    hints += std::holds_alternative<mesh::PeerAnnounced>(*effect) ? 1 : 0;
  }
  CHECK(hints == 1);
  // MESH-02: it is dialled, since eight links are wanted.
  mesh.on_deadline(later + seconds(1));
  bool dialled = false;
  while (const auto effect = mesh.poll_effect()) {
    const auto* connect = std::get_if<mesh::Connect>(&*effect);
    dialled = dialled || (connect != nullptr && connect->contact.id == mesh_contact(20).id);
  }
  CHECK(dialled);
}

}  // namespace
}  // namespace trestle::test
