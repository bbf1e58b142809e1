#include "trestle/dht/replica_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using Kind = ReplicaTask::Kind;

wire::Contacts nodes(Rng& rng, std::size_t count) {
  wire::Contacts contacts;
  while (contacts.size() < count) contacts.push_back(test::dialable(test::random_id(rng)));
  return contacts;
}

void sort_by_distance(wire::Contacts& contacts, const NodeId& target) {
  std::sort(contacts.begin(), contacts.end(),
            [&](const auto& left, const auto& right) { return closer(target, left.id, right.id); });
}

/// Who is told what, by record.
std::map<std::uint32_t, std::set<NodeId>> told(const ReplicaPlan& plan, Kind kind) {
  std::map<std::uint32_t, std::set<NodeId>> by_record;
  for (const ReplicaTask& task : plan.tasks) {
    if (task.kind != kind) continue;
    for (const std::uint32_t record : task.records) by_record[record].insert(task.peer.id);
  }
  return by_record;
}

}  // namespace

TEST_CASE("What a lookup found covers exactly a part in which it missed nobody") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const std::size_t size = 1 + rng.below(500);
    wire::Contacts all = nodes(rng, size);
    const NodeId target = test::random_id(rng);
    sort_by_distance(all, target);
    wire::Contacts found = all;
    if (found.size() > 40) found.resize(40);
    const KeyRegion region = known_region(target, found, 20);
    CHECK(region.contains(target));
    if (all.size() < 20) CHECK(region == KeyRegion{});
    for (std::size_t index = found.size(); index < all.size(); ++index) {
      REQUIRE_FALSE(region.contains(all[index].id));
    }
  }
  CHECK(known_region({}, {}, 20) == KeyRegion{});
}

TEST_CASE("The nearest that answered serve every place around them: hardly one in ten differs") {
  Rng rng(11);
  std::size_t differences = 0;
  std::size_t targets = 0;
  for (int round = 0; round < 40; ++round) {
    wire::Contacts all = nodes(rng, 800);
    const NodeId self = all.back().id;
    NodeId centre = test::random_id_at(rng, self, 6);
    sort_by_distance(all, centre);
    const wire::Contacts found(all.begin(), all.begin() + 40);
    const KeyRegion region = known_region(centre, found, 20);
    std::vector<KeptRecord> records;
    while (records.size() < 10) {
      const NodeId place =
          test::random_id_at(rng, centre, common_prefix_bits(region.first, region.last));
      if (region.contains(place)) records.push_back({.place = place});
    }
    const auto plan = plan_replicas(self, centre, records, found, Delegation::never, {});
    for (const auto& [record, peers] : told(plan, Kind::offer)) {
      wire::Contacts exact = all;
      std::erase_if(exact, [&](const auto& contact) { return contact.id == self; });
      sort_by_distance(exact, records[record].place);
      exact.resize(peers.size());
      targets += exact.size();
      for (const auto& contact : exact) differences += !peers.contains(contact.id);
    }
  }
  CHECK(targets >= 40 * 10 * 19);
  CHECK(differences * 10 < targets);
}

TEST_CASE("Each record goes to the nearest; who is none of them hands it to one that is") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const wire::Contacts peers = nodes(rng, 3 + rng.below(60));
    const NodeId self = test::random_id(rng);
    std::vector<KeptRecord> records(20);
    for (auto& record : records) record.place = test::random_id(rng);
    const auto plan =
        plan_replicas(self, records[0].place, records, peers, Delegation::to_the_nearest, {});
    const auto offered = told(plan, Kind::offer);
    const auto delegated = told(plan, Kind::delegate);
    CHECK(plan.alone.empty());
    for (std::uint32_t record = 0; record < records.size(); ++record) {
      const NodeId& place = records[record].place;
      wire::Contacts sorted = peers;
      sort_by_distance(sorted, place);
      const bool ours = sorted.size() < 20 || closer(place, self, sorted[19].id);
      REQUIRE(offered.contains(record) == ours);
      REQUIRE(delegated.contains(record) == !ours);
      std::set<NodeId> nearest;
      for (std::size_t rank = 0; rank < sorted.size() && rank < (ours ? 19u : 20u); ++rank) {
        nearest.insert(sorted[rank].id);
      }
      if (ours) {
        REQUIRE(offered.at(record) == nearest);
      } else {
        REQUIRE(delegated.at(record).size() == 1);
        REQUIRE(nearest.contains(*delegated.at(record).begin()));
      }
    }
  }
}

TEST_CASE("Bridges are never asked; old peers are given old values, beside the copies") {
  Rng rng(12);
  const NodeId self = test::random_id(rng);
  wire::Contacts peers;
  for (int count = 0; count < 4; ++count) {
    peers.push_back(test::dialable(test::random_id(rng), wire::Role::bridge));
    peers.push_back(test::legacy(test::random_id(rng)));
  }
  std::vector<KeptRecord> records(40);
  for (auto& record : records) record.place = test::random_id(rng);
  for (std::size_t index = 0; index < 30; ++index) records[index].legacy = true;

  ReplicaPlan plan = plan_replicas(self, self, records, peers, Delegation::to_the_nearest, {});
  CHECK(plan.alone.size() == 40);
  std::size_t gifts = 0;
  for (const ReplicaTask& task : plan.tasks) {
    REQUIRE(task.kind == Kind::gift);
    CHECK(task.records.size() == 16);
    for (const std::uint32_t record : task.records) CHECK(records[record].legacy);
    gifts += task.records.size();
  }
  CHECK(gifts == 64);

  peers.push_back(test::dialable(test::random_id(rng)));
  plan = plan_replicas(self, self, records, peers, Delegation::to_the_nearest, {});
  CHECK(plan.alone.empty());
  CHECK(told(plan, Kind::offer).size() == 40);
  CHECK(told(plan, Kind::offer).at(7) == std::set<NodeId>{peers.back().id});
}

TEST_CASE("The rank counts the nodes that are nearer, without the one that is left out") {
  Rng rng(13);
  const NodeId place = test::random_id(rng);
  wire::Contacts peers = nodes(rng, 9);
  peers.push_back(test::dialable(place.with_bit_flipped(159), wire::Role::bridge));
  wire::Contacts sorted(peers.begin(), peers.begin() + 9);
  sort_by_distance(sorted, place);
  CHECK(rank_of(sorted[4].id, place, peers) == 4);
  CHECK(rank_of(sorted[4].id, place, peers, sorted[0].id) == 3);
  CHECK(rank_of(place, place, peers) == 0);
}

}  // namespace trestle::dht
