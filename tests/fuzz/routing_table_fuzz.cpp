// F11: any history of a routing table. The properties P-KR hold after every step, and the nearest
// are those that sorting everything gives.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "dht/contacts.hpp"
#include "entry.hpp"
#include "input.hpp"
#include "trestle/dht/routing_table.hpp"

namespace trestle::fuzz {
namespace {

using dht::Peer;
using dht::PeerGroup;
using dht::PeerGroups;
using dht::PeerIndex;
using dht::Reach;
using dht::RoutingTable;
using dht::RoutingTableOptions;

class Story {
 public:
  explicit Story(Input& input) : input_(input), options_(options(input)), table_(self_, options_) {}

  void step() {
    now_ = after(now_, std::chrono::milliseconds(input_.byte() * input_.byte()));
    const NodeId id = input_.id();
    const std::map<NodeId, bool> before = living();
    switch (input_.below(9)) {
      case 0:
        table_.offer(now_, contact(id), groups());
        break;
      case 1:
      case 2:
        table_.on_connected(now_, contact(id), groups());
        break;
      case 3:
        table_.on_disconnected(now_, id);
        break;
      case 4:
        table_.on_seen(now_, id);
        break;
      case 5:
        table_.on_failure(now_, id);
        break;
      case 6:
        table_.remove(id);
        break;
      case 7:
        table_.replace_failed(now_);
        break;
      default:
        table_.on_round_trip(id, std::chrono::milliseconds(input_.byte()));
        break;
    }
    // P-KR-1, P-KR-19: nobody who lives goes for the sake of somebody else.
    for (const auto& [living, connected] : before) {
      if (living != id) MUST_HOLD(table_.find(living) != nullptr);
    }
    check_shape();
    check_nearest(input_.id());
  }

 private:
  /// Some of each: small tables reach every branch soonest.
  static RoutingTableOptions options(Input& input) {
    RoutingTableOptions made;
    const std::uint8_t choice = input.byte();
    made.bucket_peers_max = 1 + (choice & 3);
    // More may not wait than there are places: that is the owner's promise, not input.
    made.replacements_max = std::min<std::size_t>((choice >> 2) & 3, made.bucket_peers_max);
    made.buckets_max = (choice & 16) != 0 ? 3 : NodeId::kBits;
    made.legacy_peers_per_bucket_max = made.bucket_peers_max / 2;
    made.diversity.mode = (choice & 32) != 0 ? dht::Diversity::open : dht::Diversity::off;
    made.diversity.per_bucket_max = 1;
    made.diversity.per_table_max = 2;
    if ((choice & 64) != 0) made.proximity = dht::Proximity::by_round_trip;
    if ((choice & 128) != 0) made = {};
    return made;
  }

  wire::Contact contact(const NodeId& id) {
    const std::size_t kind = input_.below(4);
    if (kind == 0) return dht::test::browser(id);
    if (kind == 1) return dht::test::legacy(id);
    return dht::test::dialable(id);
  }
  PeerGroups groups() {
    const std::uint8_t draw = input_.byte();
    return {PeerGroup{draw & 3u}, PeerGroup{draw >> 4 & 3u}};
  }

  std::map<NodeId, bool> living() const {
    std::map<NodeId, bool> living;
    table_.visit([&](const Peer& peer) {
      if (peer.failures == 0) living[peer.contact.id] = peer.connected;
    });
    return living;
  }

  void check_shape() const {
    std::set<NodeId> seen;
    std::size_t connected = 0;
    std::map<PeerGroup, std::size_t> of_group;
    table_.visit([&](const Peer& peer) {
      MUST_HOLD(peer.contact.id != self_);
      MUST_HOLD(seen.insert(peer.contact.id).second);
      MUST_HOLD(peer.connected || peer.known());
      MUST_HOLD(table_.find(peer.contact.id) == &peer);
      connected += peer.connected ? 1 : 0;
      ++of_group[peer.groups.place];
    });
    MUST_HOLD(seen.size() == table_.size());
    MUST_HOLD(table_.stats().peers == table_.size() && table_.stats().connected == connected);
    MUST_HOLD(table_.bucket_count() <= options_.buckets_max);
    if (options_.diversity.mode == dht::Diversity::open) {
      for (const auto& [group, count] : of_group) {
        MUST_HOLD(group.is_exempt() || count <= options_.diversity.per_table_max);
      }
    }
    for (std::size_t bucket = 0; bucket < table_.bucket_count(); ++bucket) check_bucket(bucket);
    std::size_t cached = 0;
    for (std::size_t bucket = 0; bucket < table_.bucket_count(); ++bucket) {
      table_.visit_replacements(bucket, [&](const wire::Contact& waiting) {
        ++cached;
        MUST_HOLD(waiting.id != self_);
        MUST_HOLD(seen.insert(waiting.id).second);
      });
    }
    MUST_HOLD(table_.stats().replacements == cached);
  }

  void check_bucket(std::size_t bucket) const {
    const auto stats = table_.bucket(bucket);
    MUST_HOLD(stats.peers <= options_.bucket_peers_max);
    MUST_HOLD(stats.replacements <= options_.replacements_max);
    const std::vector<PeerIndex> peers = table_.by_preference(bucket);
    MUST_HOLD(peers.size() == stats.peers);
    std::size_t legacy = 0;
    for (const PeerIndex index : peers) {
      const Peer& peer = table_.at(index);
      legacy += peer.contact.dialect == wire::Dialect::legacy ? 1 : 0;
      const unsigned shared = common_prefix_bits(self_, peer.contact.id);
      const bool is_last = bucket + 1 == table_.bucket_count();
      MUST_HOLD(is_last ? shared >= bucket : shared == bucket);
    }
    MUST_HOLD(legacy <= options_.legacy_peers_per_bucket_max);
  }

  void check_nearest(const NodeId& target) {
    const auto reach = static_cast<Reach>(input_.below(4));
    std::vector<NodeId> expected;
    table_.visit([&](const Peer& peer) {
      const bool failed = table_.is_failed(peer);
      const bool wanted = reach == Reach::failed      ? failed
                          : reach == Reach::connected ? peer.connected && !failed
                          : reach == Reach::sound     ? peer.failures == 0
                                                      : !failed;
      if (wanted && peer.contact.id != target) expected.push_back(peer.contact.id);
    });
    std::ranges::sort(expected, [&](const NodeId& left, const NodeId& right) {
      return closer(target, left, right);
    });
    const std::size_t count = 1 + input_.below(24);
    std::vector<PeerIndex> found(count);
    found.resize(table_.closest(target, {.reach = reach, .excluding = target}, found));
    MUST_HOLD(found.size() == std::min(count, expected.size()));
    for (std::size_t rank = 0; rank < found.size(); ++rank) {
      MUST_HOLD(table_.at(found[rank]).contact.id == expected[rank]);
    }
  }

  const NodeId self_{0x5000'0000'0000'0000, 1, 1};
  Input& input_;
  RoutingTableOptions options_;
  RoutingTable table_;
  Instant now_{};
};

}  // namespace

TRESTLE_FUZZ_TARGET(routing_table) {
  Input decisions(input);
  Story story(decisions);
  for (int steps = 0; steps < 400 && !decisions.is_over(); ++steps) story.step();
}

}  // namespace trestle::fuzz
