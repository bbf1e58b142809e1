#include "trestle/node/member/peer_memory.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::node {
namespace {

using namespace std::chrono_literals;
using dht::test::at;
using dht::test::browser;
using dht::test::dialable;
using dht::test::random_id;

wire::Contacts strangers(Rng& rng, std::size_t count) {
  wire::Contacts contacts;
  while (contacts.size() < count) contacts.push_back(dialable(random_id(rng)));
  return contacts;
}

}  // namespace

TEST_CASE(
    "The peers of the last run are tried at start: those that can be dialled, a bounded part") {
  Rng rng(1);
  PeerMemory memory({}, rng);
  CHECK(memory.to_try().empty());
  wire::Contacts before = strangers(rng, 1000);
  before.insert(before.begin(), browser(random_id(rng)));
  memory.restore(before);
  const wire::Contacts tried = memory.to_try();
  REQUIRE(tried.size() == 64);
  CHECK(tried[0] == before[1]);
}

TEST_CASE("Peers are saved a minute after the start and every five minutes, not all at once") {
  std::vector<Instant> first;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    PeerMemory memory({}, Rng(seed));
    CHECK(memory.next_deadline() == kNever);
    memory.start(at(10s));
    first.push_back(memory.next_deadline());
    CHECK(first.back() >= at(58s));
    CHECK(first.back() <= at(82s));
    CHECK_FALSE(memory.pop_due(at(20s)));
    const Instant due = memory.next_deadline();
    CHECK(memory.pop_due(due));
    CHECK_FALSE(memory.pop_due(due));
    CHECK(memory.next_deadline() - due >= 4min);
    CHECK(memory.next_deadline() - due <= 6min);
  }
  std::sort(first.begin(), first.end());
  CHECK(first.back() - first.front() > 5s);
}

TEST_CASE("A node that starts cut off does not forget the rest of its network") {
  Rng rng(2);
  dht::RoutingTable table(random_id(rng), {});
  PeerMemory memory({}, rng);
  CHECK_FALSE(memory.snapshot(table));
  const wire::Contacts before = strangers(rng, 100);
  memory.restore(before);
  CHECK(memory.snapshot(table)->size() == 32);
  table.on_connected(at(1s), before[3]);
  const auto saved = memory.snapshot(table);
  REQUIRE(saved->size() == 32);
  CHECK((*saved)[0] == before[3]);
  CHECK((*saved)[1] == before[0]);
  for (const wire::Contact& fresh : strangers(rng, 40)) table.on_connected(at(1s), fresh);
  const auto later = memory.snapshot(table);
  for (const wire::Contact& contact : *later) CHECK(table.find(contact.id) != nullptr);
}

}  // namespace trestle::node
