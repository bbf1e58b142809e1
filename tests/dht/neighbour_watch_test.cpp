#include "trestle/dht/neighbour_watch.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;

std::vector<NodeId> some_neighbours(std::uint32_t count) {
  std::vector<NodeId> neighbours;
  for (std::uint32_t number = 1; number <= count; ++number) neighbours.push_back({0, 0, number});
  return neighbours;
}

}  // namespace

TEST_CASE("Fewer than a majority of the neighbours left, for a minute, calls for repair once") {
  NeighbourWatch watch({});
  watch.note(at(0s), some_neighbours(10));
  // Of eleven holders W is 6: five may go.
  for (std::uint32_t number = 1; number <= 5; ++number) {
    watch.on_link_down(at(1s), {0, 0, number});
  }
  CHECK(watch.next_deadline() == kNever);
  watch.on_link_down(at(2s), {0, 0, 6});
  CHECK(watch.next_deadline() == at(62s));
  CHECK_FALSE(watch.is_due(at(61s)));
  CHECK(watch.is_due(at(62s)));
  CHECK_FALSE(watch.is_due(at(63s)));
  watch.on_link_down(at(64s), {0, 0, 7});
  CHECK(watch.next_deadline() == kNever);
}

TEST_CASE("Neighbours that come back in time were no loss") {
  NeighbourWatch watch({});
  watch.note(at(0s), some_neighbours(4));
  for (std::uint32_t number = 1; number <= 4; ++number) {
    watch.on_link_down(at(1s), {0, 0, number});
  }
  CHECK(watch.next_deadline() == at(61s));
  // The look in between does not hide the loss.
  watch.note(at(30s), some_neighbours(1));
  CHECK(watch.next_deadline() == at(61s));
  watch.on_link_up(at(40s), {0, 0, 1});
  CHECK(watch.next_deadline() == at(61s));
  watch.on_link_up(at(41s), {0, 0, 2});
  CHECK(watch.next_deadline() == kNever);
  CHECK_FALSE(watch.is_due(at(10min)));
}

TEST_CASE("Two neighbours are too few to judge, and without any link we are the one that is lost") {
  NeighbourWatch watch({});
  watch.note(at(0s), some_neighbours(2));
  watch.on_link_down(at(1s), {0, 0, 1});
  watch.on_link_down(at(1s), {0, 0, 2});
  CHECK(watch.next_deadline() == kNever);
  watch.note(at(0s), some_neighbours(5));
  CHECK(watch.next_note() == at(10min));
  for (std::uint32_t number = 1; number <= 5; ++number) {
    watch.on_link_down(at(1s), {0, 0, number});
  }
  watch.forget();
  CHECK(watch.next_deadline() == kNever);
  CHECK(watch.next_note() == kNever);
}

}  // namespace trestle::dht
