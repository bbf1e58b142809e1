#include "trestle/dht/link_value.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using test::random_id;
using test::random_id_at;

struct Links {
  Rng rng;
  NodeId self;
  std::vector<NodeId> ids;

  explicit Links(std::uint64_t seed) : rng(seed), self(random_id(rng)) {}
  void add(std::size_t count, unsigned bucket) {
    while (count-- > 0) ids.push_back(random_id_at(rng, self, bucket));
  }
};

}  // namespace

TEST_CASE("ROUTE-03: a newcomer nearer to us takes the place of the link worth least") {
  Links links(1);
  links.add(30, 0);
  links.add(20, 8);
  const NodeId near = random_id_at(links.rng, links.self, 9);
  const auto dropped = link_to_give_up(links.self, links.ids, near, {});
  REQUIRE(dropped);
  CHECK(common_prefix_bits(links.self, *dropped) == 0);
  for (const NodeId& other : links.ids) {
    if (common_prefix_bits(links.self, other) == 0) {
      CHECK_FALSE(closer(links.self, *dropped, other));
    }
  }
}

TEST_CASE("ROUTE-04: the first link into a part of the key space is worth one of many") {
  Links links(2);
  links.add(20, 9);
  links.add(6, 0);
  links.add(2, 1);
  const NodeId opener = random_id_at(links.rng, links.self, 2);
  const auto dropped = link_to_give_up(links.self, links.ids, opener, {});
  REQUIRE(dropped);
  CHECK(common_prefix_bits(links.self, *dropped) == 0);
}

TEST_CASE("SMp: nothing is given up for an advantage of less than one and a half") {
  Links links(3);
  links.add(20, 9);
  links.add(3, 0);
  links.add(1, 1);
  // A second link into bucket 1 is worth 1260; the third into bucket 0 is worth 840: exactly 1.5.
  CHECK(link_to_give_up(links.self, links.ids, random_id_at(links.rng, links.self, 1), {}));
  links.add(1, 1);
  // A third one is worth 840 as well.
  CHECK_FALSE(link_to_give_up(links.self, links.ids, random_id_at(links.rng, links.self, 1), {}));
  CHECK_FALSE(link_to_give_up(links.self, links.ids, random_id_at(links.rng, links.self, 0), {}));
  CHECK_FALSE(link_to_give_up(links.self, links.ids, links.self, {}));
  CHECK_FALSE(link_to_give_up(links.self, {}, random_id(links.rng), {}));
}

TEST_CASE("P-CR-23: at the limit the neighbourhood stays, and every exchange is worth it") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Links links(seed);
    Rng& rng = links.rng;
    const std::size_t limit = 10 + rng.below(60);
    const LinkValueOptions options{.nearest = std::min<std::size_t>(20, limit / 2),
                                   .per_bucket_max = 2 + rng.below(4)};
    for (int arrival = 0; arrival < 300; ++arrival) {
      const NodeId newcomer = random_id_at(rng, links.self, static_cast<unsigned>(rng.below(14)));
      if (links.ids.size() < limit) {
        links.ids.push_back(newcomer);
        continue;
      }
      std::vector<NodeId> all = links.ids;
      all.push_back(newcomer);
      const LinkValues values(links.self, all, options);
      std::sort(all.begin(), all.end(), [&](const NodeId& left, const NodeId& right) {
        return closer(links.self, left, right);
      });
      all.resize(options.nearest);
      const auto is_near = [&](const NodeId& id) {
        return std::find(all.begin(), all.end(), id) != all.end();
      };
      const auto dropped = link_to_give_up(links.self, links.ids, newcomer, options);
      // The k nearest of all are kept, the newcomer among them if it is one.
      if (is_near(newcomer)) REQUIRE(dropped);
      if (!dropped) continue;
      REQUIRE_FALSE(is_near(*dropped));
      REQUIRE(2 * values.of(newcomer) >= 3 * values.of(*dropped));
      for (const NodeId& kept : links.ids) REQUIRE(values.of(kept) >= values.of(*dropped));
      std::erase(links.ids, *dropped);
      links.ids.push_back(newcomer);
    }
    REQUIRE(links.ids.size() == limit);
  }
}

TEST_CASE("ROUTE-04: a stream of strangers ends; no two links push each other out in turn") {
  Links links(5);
  links.add(40, 0);
  std::vector<NodeId> outside;
  for (int count = 0; count < 200; ++count) {
    outside.push_back(
        random_id_at(links.rng, links.self, static_cast<unsigned>(links.rng.below(9))));
  }
  std::size_t exchanges = 0;
  for (int round = 0; round < 50; ++round) {
    exchanges = 0;
    for (NodeId& newcomer : outside) {
      const auto dropped = link_to_give_up(links.self, links.ids, newcomer, {});
      if (!dropped) continue;
      std::replace(links.ids.begin(), links.ids.end(), *dropped, newcomer);
      newcomer = *dropped;
      ++exchanges;
    }
    if (exchanges == 0) break;
  }
  CHECK(exchanges == 0);
}

TEST_CASE("idle links: the nearest stay, and two into each part of the key space") {
  Links links(6);
  links.add(10, 0);
  links.add(6, 1);
  links.add(8, 9);  // the neighbourhood
  const auto spared = links_to_spare(links.self, links.ids, links.ids, 100, {});
  // In the order in which they were named, so the first of each bucket go.
  std::vector<NodeId> expected(links.ids.begin(), links.ids.begin() + 8);
  expected.insert(expected.end(), links.ids.begin() + 10, links.ids.begin() + 14);
  CHECK(spared == expected);
  CHECK(links_to_spare(links.self, links.ids, links.ids, 3, {}).size() == 3);
  CHECK(links_to_spare(links.self, links.ids, std::span(links.ids).subspan(16), 100, {}).empty());
}

TEST_CASE(
    "ROUTE-03: whatever is idle, the neighbourhood is kept and no part of the space is lost") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Links links(seed);
    const LinkValueOptions options;
    for (unsigned bucket = 0; bucket < 12; ++bucket) {
      links.add(static_cast<std::size_t>(links.rng.below(12)), bucket);
    }
    std::vector<NodeId> idle;
    for (const NodeId& id : links.ids) {
      if (links.rng.chance(7, 10)) idle.push_back(id);
    }
    const auto spared = links_to_spare(links.self, links.ids, idle, links.ids.size(), options);
    std::vector<NodeId> kept = links.ids;
    for (const NodeId& id : spared) {
      REQUIRE(std::ranges::find(idle, id) != idle.end());
      REQUIRE(std::erase(kept, id) == 1);
    }
    std::ranges::sort(links.ids, [&](const NodeId& left, const NodeId& right) {
      return closer(links.self, left, right);
    });
    const std::size_t nearest = std::min(options.nearest_when_idle, links.ids.size());
    for (std::size_t place = 0; place < nearest; ++place) {
      REQUIRE(std::ranges::find(kept, links.ids[place]) != kept.end());
    }
    for (unsigned bucket = 0; bucket < 12; ++bucket) {
      const auto in_bucket = [&](const NodeId& id) {
        return common_prefix_bits(links.self, id) == bucket;
      };
      const auto had = static_cast<std::size_t>(std::ranges::count_if(links.ids, in_bucket));
      const auto has = static_cast<std::size_t>(std::ranges::count_if(kept, in_bucket));
      REQUIRE(has >= std::min(had, options.per_bucket_when_idle));
    }
  }
}

}  // namespace trestle::dht
