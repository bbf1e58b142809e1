#include "trestle/mesh/candidates.hpp"

#include <array>
#include <vector>

#include "catch.hpp"
#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Candidates;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kAtOnce = Candidates::Haste::at_once;
constexpr auto kSpread = Candidates::Haste::spread;
constexpr auto kAny = Candidates::Choice::any;
constexpr auto kWantedOnly = Candidates::Choice::wanted_only;

TEST_CASE("P-CR-3: a candidate is dialled at most five times, at growing and jittered waits") {
  for (std::uint64_t failures = 1; failures <= 8; ++failures) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      CAPTURE(failures, seed);
      Candidates candidates({}, Rng(seed));
      REQUIRE(candidates.hear(kStart, mesh_contact(1), kAtOnce));
      Instant now = kStart;
      std::uint64_t dials = 0;
      std::vector<Duration> gaps;
      while (true) {
        const Instant due = candidates.choose(now, kAny) ? now : candidates.next_due(now, kAny);
        if (due == kNever || dials == failures + 1) break;
        if (dials > 0) gaps.push_back(due - now);
        now = due;
        REQUIRE(candidates.choose(now, kAny) == mesh_contact(1));
        candidates.on_dial(mesh_contact(1).id);
        ++dials;
        if (dials > failures) break;  // this one comes through
        const auto failure = candidates.on_dial_failed(now, mesh_contact(1).id);
        REQUIRE(failure.has_value());
        REQUIRE(failure->attempts == dials);
        REQUIRE(failure->forgotten == (dials == 5));
      }
      REQUIRE(dials == std::min<std::uint64_t>(failures + 1, 5));
      for (std::size_t gap = 0; gap < gaps.size(); ++gap) {
        REQUIRE(gaps[gap] <= seconds(1) * (1 << gap));
      }
    }
  }
}

TEST_CASE("a forgotten candidate is taken up again after a minute, or when somebody wants it") {
  Candidates candidates({}, Rng(1));
  candidates.hear(kStart, mesh_contact(1), kAtOnce);
  Instant now = kStart;
  for (int dial = 0; dial < 5; ++dial) {
    now = std::max(now,
                   candidates.next_due(now, kAny) == kNever ? now : candidates.next_due(now, kAny));
    candidates.on_dial(mesh_contact(1).id);
    candidates.on_dial_failed(now, mesh_contact(1).id);
  }
  CHECK(candidates.known() == 0);
  CHECK_FALSE(candidates.hear(now + seconds(59), mesh_contact(1), kAtOnce));
  SECTION("hearsay, later") {
    CHECK(candidates.hear(now + seconds(60), mesh_contact(1), kAtOnce));
    CHECK(candidates.choose(now + seconds(60), kAny).has_value());
  }
  SECTION("wanted") {
    CHECK(candidates.want(now + seconds(1), mesh_contact(1)));
    CHECK(candidates.choose(now + seconds(1), kWantedOnly).has_value());
  }
  SECTION("wanted, and still not there: one dial is all it gets") {
    CHECK(candidates.want(now + seconds(1), mesh_contact(1)));
    candidates.on_dial(mesh_contact(1).id);
    const auto failure = candidates.on_dial_failed(now + seconds(1), mesh_contact(1).id);
    REQUIRE(failure.has_value());
    CHECK(failure->forgotten);
    CHECK_FALSE(candidates.hear(now + seconds(60), mesh_contact(1), kAtOnce));
    CHECK(candidates.want(now + seconds(61), mesh_contact(1)));
  }
  CHECK(candidates.known() == 1);
}

TEST_CASE("what cannot be dialled is no candidate") {
  Candidates candidates({}, Rng(1));
  wire::Contact contact = mesh_contact(1);
  contact.address.clear();
  CHECK_FALSE(candidates.hear(kStart, contact, kAtOnce));
  contact = mesh_contact(1);
  contact.role = wire::Role::bootstrap;
  CHECK_FALSE(candidates.hear(kStart, contact, kAtOnce));
  contact = mesh_contact(1);
  contact.id = {};
  CHECK_FALSE(candidates.hear(kStart, contact, kAtOnce));
  CHECK(candidates.known() == 0);
}

TEST_CASE("the table is bounded: the worst goes, and untried ones are not pushed out by hearsay") {
  mesh::CandidatesOptions options;
  options.candidates_max = 4;
  Candidates candidates(options, Rng(1));
  for (std::uint64_t peer = 1; peer <= 4; ++peer) {
    CHECK(candidates.hear(kStart, mesh_contact(peer), kAtOnce));
  }
  CHECK_FALSE(candidates.hear(kStart, mesh_contact(5), kAtOnce));
  candidates.on_dial(mesh_contact(3).id);
  candidates.on_dial_failed(kStart, mesh_contact(3).id);
  CHECK(candidates.hear(kStart, mesh_contact(5), kAtOnce));
  CHECK_FALSE(candidates.contains(mesh_contact(3).id));
  // Linked peers take no place of candidates; one that comes back finds a place or is dropped.
  candidates.on_linked(mesh_contact(1));
  candidates.on_linked(mesh_contact(6));
  CHECK(candidates.hear(kStart, mesh_contact(7), kAtOnce));
  CHECK(candidates.known() == 6);
  candidates.on_unlinked(kStart, mesh_contact(6).id, seconds(100));
  CHECK_FALSE(candidates.contains(mesh_contact(6).id));
  CHECK(candidates.known() == 5);
}

TEST_CASE(
    "whom somebody waits for takes the place of the longest untried hearsay, of nobody else's") {
  mesh::CandidatesOptions options;
  options.candidates_max = 3;
  Candidates candidates(options, Rng(1));
  for (std::uint64_t peer = 1; peer <= 3; ++peer) {
    REQUIRE(candidates.hear(kStart + seconds(peer), mesh_contact(peer), kSpread));
  }
  REQUIRE(candidates.want(kStart + seconds(9), mesh_contact(4)));
  CHECK_FALSE(candidates.contains(mesh_contact(1).id));
  REQUIRE(candidates.want(kStart + seconds(9), mesh_contact(5)));
  REQUIRE(candidates.want(kStart + seconds(9), mesh_contact(6)));
  CHECK_FALSE(candidates.want(kStart + seconds(9), mesh_contact(7)));
  CHECK(candidates.wanted() == 3);
}

TEST_CASE("hearsay does not replace an address that works, and replaces one that failed") {
  Candidates candidates({}, Rng(1));
  wire::Contact moved = mesh_contact(1);
  moved.address = "ws://10.9.9.9:1/";
  candidates.hear(kStart, mesh_contact(1), kAtOnce);
  candidates.hear(kStart, moved, kAtOnce);
  CHECK(candidates.choose(kStart, kAny)->address == mesh_contact(1).address);
  candidates.on_dial(moved.id);
  candidates.on_dial_failed(kStart, moved.id);
  candidates.hear(kStart, moved, kAtOnce);
  CHECK(candidates.choose(kStart + seconds(2), kAny)->address == moved.address);
}

TEST_CASE("the first dial is spread a little, unless there is haste") {
  Candidates candidates({}, Rng(3));
  Duration most{};
  for (std::uint64_t peer = 1; peer <= 200; ++peer) {
    candidates.hear(kStart, mesh_contact(peer), kSpread);
  }
  CHECK_FALSE(candidates.choose(kStart - Duration(1), kAny).has_value());
  for (Instant at = kStart; candidates.next_due(at, kAny) != kNever;) {
    at = candidates.next_due(at, kAny);
    most = at - kStart;
  }
  CHECK(most <= milliseconds(50));
  CHECK(most > milliseconds(40));
}

TEST_CASE("wanted candidates are chosen first, the others equally often") {
  constexpr std::uint64_t kPeers = 8;
  constexpr std::uint64_t kDraws = 8000;
  Candidates candidates({}, Rng(5));
  for (std::uint64_t peer = 1; peer <= kPeers; ++peer) {
    candidates.hear(kStart, mesh_contact(peer), kAtOnce);
  }
  std::array<std::uint64_t, kPeers> drawn{};
  for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
    ++drawn[candidates.choose(kStart, kAny)->id.low() - 1];
  }
  // Chi-square times the expected count; the 1 % bound for 7 degrees of freedom is 18.5.
  std::uint64_t sum = 0;
  for (const std::uint64_t seen : drawn) {
    const auto off = static_cast<std::int64_t>(seen) - static_cast<std::int64_t>(kDraws / kPeers);
    sum += static_cast<std::uint64_t>(off * off);
  }
  CHECK(sum < 18 * (kDraws / kPeers));
  CHECK_FALSE(candidates.choose(kStart, kWantedOnly).has_value());
  candidates.want(kStart, mesh_contact(6));
  for (int draw = 0; draw < 20; ++draw) {
    CHECK(candidates.choose(kStart, kAny) == mesh_contact(6));
  }
  CHECK(candidates.unwant_any() == mesh_contact(6).id);
  CHECK_FALSE(candidates.unwant_any().has_value());
}

TEST_CASE("a link that lasted clears the failures, one that did not adds to them") {
  Candidates candidates({}, Rng(1));
  candidates.hear(kStart, mesh_contact(1), kAtOnce);
  for (int time = 0; time < 4; ++time) {
    candidates.on_linked(mesh_contact(1));
    candidates.on_unlinked(kStart, mesh_contact(1).id, seconds(1));
  }
  CHECK(candidates.known() == 1);
  SECTION("it lasts") {
    candidates.on_linked(mesh_contact(1));
    candidates.on_unlinked(kStart, mesh_contact(1).id, seconds(10));
    candidates.on_dial(mesh_contact(1).id);
    CHECK(candidates.on_dial_failed(kStart, mesh_contact(1).id)->attempts == 1);
  }
  SECTION("it does not last a fifth time") {
    candidates.on_linked(mesh_contact(1));
    candidates.on_unlinked(kStart, mesh_contact(1).id, seconds(1));
    CHECK(candidates.known() == 0);
  }
}

TEST_CASE("peers of the old dialect wait for their own dial, also when wanted") {
  Candidates candidates({}, Rng(1));
  const wire::Contact old = mesh_contact(1, wire::Dialect::legacy);
  candidates.want(kStart, old);
  const Instant due = candidates.next_due(kStart, kWantedOnly);
  CHECK(due >= kStart + seconds(1));
  CHECK(due <= kStart + seconds(2));
  candidates.on_linked(old);
  candidates.on_unlinked(kStart + seconds(20), old.id, seconds(18));
  const Instant again = candidates.next_due(kStart + seconds(20), kAny);
  CHECK(again >= kStart + seconds(22));
  CHECK(again <= kStart + seconds(30));
}

}  // namespace
}  // namespace trestle::test
