// Peers that were linked once and cannot be reached: how long they are remembered, and what that
// costs (RECOV-06).

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Candidates;
using mesh::Direction;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Links the peer and loses it, then fails every dial until it is forgotten.
void lose(Candidates& candidates, Instant& now, const wire::Contact& peer) {
  candidates.on_linked(peer);
  candidates.on_unlinked(now, peer.id, minutes(1));
  for (int dial = 0; dial < 5; ++dial) {
    candidates.on_dial(peer.id);
    candidates.on_dial_failed(now, peer.id);
  }
}

TEST_CASE("a link that broke leaves a lost peer, one that was meant to end a candidate") {
  Candidates candidates({}, Rng(1));
  for (std::uint64_t peer = 1; peer <= 3; ++peer) candidates.on_linked(mesh_contact(peer));
  candidates.on_unlinked(kStart, mesh_contact(1).id, minutes(1), Candidates::Ending::suffered);
  candidates.on_unlinked(kStart, mesh_contact(2).id, minutes(1), Candidates::Ending::meant);
  CHECK(candidates.lost() == 1);
  CHECK(candidates.choose_lost(kStart + seconds(31)) == mesh_contact(1));
  // The other one is lost as soon as it does not answer.
  candidates.on_dial(mesh_contact(2).id);
  candidates.on_dial_failed(kStart + seconds(31), mesh_contact(2).id);
  CHECK(candidates.lost() == 2);
}

TEST_CASE("whom we remember from an earlier life is lost when it does not answer") {
  Candidates candidates({}, Rng(1));
  candidates.hear(kStart, mesh_contact(1), Candidates::Haste::spread);
  candidates.on_remembered(kStart, mesh_contact(1).id);
  CHECK(candidates.lost() == 0);
  candidates.on_dial(mesh_contact(1).id);
  candidates.on_dial_failed(kStart, mesh_contact(1).id);
  CHECK(candidates.lost() == 1);
}

TEST_CASE("who was linked is lost when it is forgotten, who was only heard of is gone") {
  Candidates candidates({}, Rng(1));
  Instant now = kStart;
  lose(candidates, now, mesh_contact(1));
  candidates.hear(now, mesh_contact(2), Candidates::Haste::at_once);
  for (int dial = 0; dial < 5; ++dial) {
    candidates.on_dial(mesh_contact(2).id);
    candidates.on_dial_failed(now, mesh_contact(2).id);
  }
  CHECK(candidates.lost() == 1);
  CHECK(candidates.known() == 0);
  CHECK_FALSE(candidates.choose_lost(now));  // just failed
  now += seconds(61);
  REQUIRE(candidates.choose_lost(now) == mesh_contact(1));
  candidates.on_dial(mesh_contact(1).id);
  const auto failure = candidates.on_dial_failed(now, mesh_contact(1).id);
  REQUIRE(failure);
  CHECK(failure->probed);
  CHECK(failure->forgotten);  // one dial, not a series
  CHECK(candidates.lost() == 1);
  CHECK_FALSE(candidates.choose_lost(now + seconds(59)));
}

TEST_CASE("a lost peer that links itself, or answers a probe, is told to have been lost") {
  Candidates candidates({}, Rng(1));
  Instant now = kStart;
  lose(candidates, now, mesh_contact(1));
  CHECK(candidates.on_linked(mesh_contact(1)));
  CHECK(candidates.lost() == 0);
  lose(candidates, now, mesh_contact(2));
  now += seconds(61);
  REQUIRE(candidates.choose_lost(now));
  candidates.on_dial(mesh_contact(2).id);
  CHECK(candidates.on_linked(mesh_contact(2)));
  CHECK_FALSE(candidates.on_linked(mesh_contact(3)));
  CHECK(candidates.linked() == 3);
}

TEST_CASE("P-CR-17: the lost are remembered for two days, and no flood of names pushes them out") {
  Candidates candidates({}, Rng(1));
  Instant now = kStart;
  for (std::uint64_t peer = 1; peer <= 100; ++peer) lose(candidates, now, mesh_contact(peer));
  for (std::uint64_t peer = 1000; peer < 3000; ++peer) {
    candidates.hear(now, mesh_contact(peer), Candidates::Haste::at_once);
    candidates.on_dial(mesh_contact(peer).id);
    candidates.on_dial_failed(now, mesh_contact(peer).id);
  }
  CHECK(candidates.lost() == 100);
  now += hours(47);
  CHECK(candidates.choose_lost(now));
  now += hours(2);
  CHECK_FALSE(candidates.choose_lost(now));
  CHECK(candidates.lost() == 0);
}

TEST_CASE("the lost beyond their share give way to the living") {
  mesh::CandidatesOptions options;
  options.candidates_max = 40;
  options.lost_max = 10;
  Candidates candidates(options, Rng(1));
  Instant now = kStart;
  for (std::uint64_t peer = 1; peer <= 40; ++peer) lose(candidates, now, mesh_contact(peer));
  for (std::uint64_t peer = 100; peer < 130; ++peer) {
    CHECK(candidates.hear(now, mesh_contact(peer), Candidates::Haste::at_once));
  }
  CHECK(candidates.lost() == 10);
  CHECK_FALSE(candidates.hear(now, mesh_contact(200), Candidates::Haste::at_once));
}

TEST_CASE("the counters of candidates agree with a count after any story") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    mesh::CandidatesOptions options;
    options.candidates_max = 12;
    options.lost_max = 3;
    Candidates candidates(options, Rng(seed));
    Rng rng = Rng(seed).fork("story");
    std::map<NodeId, bool> linked;
    Instant now = kStart;
    for (int step = 0; step < 400; ++step) {
      now += rng.between(Duration::zero(), seconds(20));
      const wire::Contact peer = mesh_contact(1 + rng.below(30));
      const bool is_linked = linked[peer.id];
      switch (rng.below(8)) {
        case 0:
          candidates.hear(now, peer, Candidates::Haste::spread);
          break;
        case 1:
          if (!is_linked) candidates.want(now, peer);
          break;
        case 2:
          candidates.on_linked(peer);
          linked[peer.id] = true;
          break;
        case 3:
          if (is_linked) candidates.on_unlinked(now, peer.id, seconds(rng.below(30)));
          linked[peer.id] = false;
          break;
        case 4:
          if (const auto chosen = candidates.choose(now, Candidates::Choice::any)) {
            candidates.on_dial(chosen->id);
            candidates.on_dial_failed(now, chosen->id);
          }
          break;
        case 5:
          if (const auto chosen = candidates.choose_lost(now)) {
            candidates.on_dial(chosen->id);
            candidates.on_dial_failed(now, chosen->id);
          }
          break;
        case 6:
          candidates.unwant_any();
          break;
        default:
          now += minutes(rng.below(3));
      }
      std::size_t count = 0;
      for (const auto& [id, is_one] : linked) count += is_one ? 1 : 0;
      REQUIRE(candidates.linked() == count);
      REQUIRE(candidates.known() >= candidates.linked());
      REQUIRE(candidates.known() - candidates.linked() <= options.candidates_max);
      REQUIRE(candidates.lost() <= options.candidates_max);
      // With nobody wanted nothing is chosen for a wish, however many are due.
      while (candidates.unwant_any()) {
      }
      REQUIRE_FALSE(candidates.choose(now, Candidates::Choice::wanted_only));
      REQUIRE(candidates.next_due(now, Candidates::Choice::wanted_only) == kNever);
    }
  }
}

TEST_CASE("RECOV-06: two halves that were cut apart for long find each other, each content") {
  constexpr std::size_t kNodes = 12;
  mesh::MeshOptions options;
  options.full_mesh_max = 3;
  options.links_target = 4;
  MeshWorld world(kNodes, options, 7);
  for (std::size_t node = 0; node < kNodes; ++node) {
    for (std::size_t other = 0; other < kNodes; ++other) {
      if (node != other) world.introduce(node, other);
    }
  }
  world.live(seconds(30), milliseconds(50));
  // Whoever is linked across is cut, again and again: dials across come to nothing.
  const auto is_across = [](std::size_t left, std::size_t right) {
    return (left < kNodes / 2) != (right < kNodes / 2);
  };
  for (int second = 0; second < 300; ++second) {
    for (std::size_t index = 0; index < world.connections(); ++index) {
      if (is_across(world.dialler(index), world.acceptor(index))) world.cut(index);
    }
    world.live(seconds(1), milliseconds(50));
  }
  std::size_t lost = 0;
  for (std::size_t node = 0; node < kNodes; ++node) lost += world.at(node).stats().lost;
  REQUIRE(lost > 0);
  world.live(minutes(5), milliseconds(50));
  std::size_t bridging = 0;
  for (std::size_t left = 0; left < kNodes; ++left) {
    for (std::size_t right = left + 1; right < kNodes; ++right) {
      if (is_across(left, right)) bridging += world.open_between(left, right).size();
    }
  }
  CHECK(bridging > 0);
}

TEST_CASE("the dead of a mesh cost it a dial in some minutes, however many they are") {
  mesh::Mesh mesh(mesh_contact(1000), {}, Rng(1));
  Instant now = kStart;
  std::uint64_t serial = 0;
  std::uint64_t dials = 0;
  const auto drain = [&] {
    while (const auto effect = mesh.poll_effect()) {
      if (const auto* connect = std::get_if<mesh::Connect>(&*effect)) {
        ++dials;
        mesh.on_dial_started(now, connect->contact.id, mesh_connection(++serial));
        mesh.on_dial_failed(now, mesh_connection(serial), ErrorCode::refused);
      }
    }
  };
  for (std::uint64_t peer = 1; peer <= 100; ++peer) {
    mesh.on_link_opened(now, mesh_connection(++serial), mesh_contact(peer), Direction::accepted);
  }
  const std::uint64_t first_gone = 20;
  for (std::uint64_t peer = first_gone; peer <= 100; ++peer) {
    mesh.on_link_closed(now, mesh_connection(peer), ErrorCode::connection_lost);
  }
  const auto live = [&](Duration time) {
    for (const Instant until = now + time; mesh.next_deadline() <= until;) {
      now = std::max(now, mesh.next_deadline());
      mesh.on_deadline(now);
      drain();
    }
  };
  for (std::uint64_t peer = first_gone; peer <= 100; ++peer) {  // wished for until they are lost
    for (int wish = 0; wish < 6; ++wish) {
      static_cast<void>(mesh.connect(now, mesh_contact(peer)));
      drain();
      now += minutes(1);
      mesh.on_deadline(now);
      drain();
    }
  }
  REQUIRE(mesh.stats().lost > 50);
  dials = 0;
  const std::uint64_t probed_before = mesh.stats().lost_probed;
  live(hours(1));
  CHECK(dials <= 20);
  CHECK(dials >= 7);
  CHECK(mesh.stats().lost_probed - probed_before == dials);
}

TEST_CASE("P-CR-16: for a second and a half after the last link went nothing is dialled") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    mesh::Mesh mesh(mesh_contact(1000), {}, Rng(seed));
    Instant now = kStart;
    for (std::uint64_t peer = 1; peer <= 8; ++peer) {
      mesh.on_link_opened(now, mesh_connection(peer), mesh_contact(peer), Direction::accepted);
    }
    now += minutes(1);
    for (std::uint64_t peer = 1; peer <= 8; ++peer) {
      mesh.on_link_closed(now, mesh_connection(peer), ErrorCode::connection_lost);
    }
    static_cast<void>(mesh.connect(now, mesh_contact(3)));
    const Instant isolated = now;
    bool dialled = false;
    while (!dialled) {
      while (const auto effect = mesh.poll_effect()) {
        dialled = dialled || std::holds_alternative<mesh::Connect>(*effect);
      }
      if (dialled) break;
      REQUIRE(mesh.next_deadline() > now);
      now = mesh.next_deadline();
      mesh.on_deadline(now);
    }
    CHECK(now - isolated >= milliseconds(1500));
    CHECK(now - isolated <= milliseconds(3000));
  }
}

}  // namespace
}  // namespace trestle::test
