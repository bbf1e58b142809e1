#include "trestle/dht/saved_peers.hpp"

#include <algorithm>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::browser;
using test::dialable;
using test::random_id;

}  // namespace

TEST_CASE("Saved are linked peers before known ones, the longest known first, no browsers") {
  Rng rng(1);
  RoutingTable table(random_id(rng), {});
  const NodeId known = random_id(rng);
  const NodeId young = random_id(rng);
  const NodeId old = random_id(rng);
  const NodeId failed = random_id(rng);
  table.offer(at(0s), dialable(known));
  table.on_connected(at(1s), dialable(old));
  table.on_connected(at(1s), browser(random_id(rng)));
  table.on_connected(at(2s), dialable(young));
  table.on_connected(at(3s), dialable(failed));
  for (int time = 0; time < 3; ++time) table.on_failure(at(4s), failed);
  const wire::Contacts saved = peers_to_save(table, {});
  REQUIRE(saved.size() == 3);
  CHECK(saved[0].id == old);
  CHECK(saved[1].id == young);
  CHECK(saved[2].id == known);
}

TEST_CASE("The first saved are not all from one hand") {
  Rng rng(2);
  RoutingTable table(random_id(rng), {});
  for (int count = 0; count < 12; ++count) {
    const std::uint64_t group = count < 8 ? 7 : 0;
    table.on_connected(at(std::chrono::seconds(count)), dialable(random_id(rng)),
                       {.place = {group}});
  }
  const wire::Contacts saved = peers_to_save(table, {});
  REQUIRE(saved.size() == 12);
  const auto of_group = std::count_if(saved.begin(), saved.begin() + 6, [&](const auto& contact) {
    return !table.find(contact.id)->groups.place.is_exempt();
  });
  CHECK(of_group == 2);
}

TEST_CASE("What is saved fits into 64 KiB, whatever peers say of themselves") {
  Rng rng(3);
  RoutingTable table(random_id(rng), {});
  for (int count = 0; count < 400; ++count) {
    wire::Contact contact = dialable(random_id(rng));
    contact.address += std::string(rng.below(2000), 'a');
    contact.metadata = std::string(rng.below(3000), 'm');
    table.on_connected(at(0s), contact);
  }
  const wire::Contacts saved = peers_to_save(table, {});
  std::size_t bytes = 0;
  for (const wire::Contact& contact : saved) bytes += saved_bytes(contact);
  CHECK(bytes <= 64 * 1024);
  CHECK(saved.size() > 10);
}

}  // namespace trestle::dht
