// One bucket and its replacement cache against two plain lists.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "trestle/dht/routing_table.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::dialable;
using test::random_id;

constexpr std::size_t kPlaces = 4;

struct Member {
  Instant seen{};
  std::uint32_t failures = 0;
};

/// Whoever waits, least recently seen first.
struct Waiter {
  NodeId id{};
  bool connected = false;
  Instant seen{};
};

/// The only bucket of a table, with few places so that everything happens soon, and what it ought
/// to hold. Which of several dead members goes first is the table's own choice: of that the model
/// demands only that it may go.
class BucketAndModel {
 public:
  explicit BucketAndModel(std::uint64_t seed) : rng_(seed), table_(random_id(rng_), options()) {
    for (int count = 0; count < 12; ++count) ids_.push_back(random_id(rng_));
  }

  void step() {
    now_ += rng_.below(10) == 0 ? Duration(std::chrono::seconds(rng_.below(400)))
                                : Duration(std::chrono::milliseconds(rng_.below(2000)));
    const NodeId& id = ids_[rng_.below(ids_.size())];
    const std::uint64_t action = rng_.below(12);
    if (action < 3) connect(id);
    if (action == 3) disconnect(id);
    if (action == 4) see(id);
    if (action > 4 && action < 9) fail(id);
    if (action == 9) remove(id);
    if (action == 10) offer(id);
    if (action == 11) tick();
    compare();
  }

  std::size_t replaced = 0;
  std::size_t promoted = 0;

 private:
  static RoutingTableOptions options() {
    RoutingTableOptions made;
    made.bucket_peers_max = kPlaces;
    made.replacements_max = kPlaces;
    made.buckets_max = 1;
    return made;
  }

  std::vector<Waiter>::iterator waiter(const NodeId& id) {
    return std::find_if(waiting_.begin(), waiting_.end(),
                        [&](const Waiter& one) { return one.id == id; });
  }

  /// P-KR-3: the last one moves up, and waits no longer.
  void promote() {
    if (members_.size() == kPlaces || waiting_.empty()) return;
    members_[waiting_.back().id] = {.seen = waiting_.back().seen, .failures = 0};
    waiting_.pop_back();
    ++promoted;
  }

  /// P-KR-19, P-KR-21: nobody goes but who failed three times and was silent for five minutes.
  bool replace() {
    const auto may_go = [&](const auto& entry) {
      return entry.second.failures >= 3 && now_ - entry.second.seen > 5min;
    };
    if (std::none_of(members_.begin(), members_.end(), may_go)) return false;
    const auto gone = std::find_if(members_.begin(), members_.end(), [&](const auto& entry) {
      return may_go(entry) && table_.find(entry.first) == nullptr;
    });
    REQUIRE(gone != members_.end());
    members_.erase(gone);
    ++replaced;
    promote();
    return true;
  }

  void admit(const NodeId& id, bool connected) {
    if (const auto member = members_.find(id); member != members_.end()) {
      member->second = {.seen = now_, .failures = 0};
      return;
    }
    // P-KR-22: the place of a dead one goes to who waits; the newcomer gets what is left.
    if (members_.size() == kPlaces && replace() && members_.contains(id)) {
      members_[id].seen = now_;
      return;
    }
    if (const auto known = waiter(id); known != waiting_.end()) {
      connected = connected || known->connected;
      waiting_.erase(known);
    }
    if (members_.size() < kPlaces) {
      members_[id] = {.seen = now_, .failures = 0};
      return;
    }
    if (waiting_.size() == kPlaces) waiting_.erase(waiting_.begin());
    waiting_.push_back({.id = id, .connected = connected, .seen = now_});
  }

  void connect(const NodeId& id) {
    table_.on_connected(now_, dialable(id));
    admit(id, true);
  }
  void offer(const NodeId& id) {
    table_.offer(now_, dialable(id));
    admit(id, false);
  }
  void disconnect(const NodeId& id) {
    table_.on_disconnected(now_, id);
    if (const auto known = waiter(id); known != waiting_.end()) known->connected = false;
  }
  /// P-KR-4: at the end of those who wait.
  void see(const NodeId& id) {
    table_.on_seen(now_, id);
    if (members_.contains(id)) members_[id] = {.seen = now_, .failures = 0};
    if (const auto known = waiter(id); known != waiting_.end()) {
      known->seen = now_;
      std::rotate(known, known + 1, waiting_.end());
    }
  }
  void fail(const NodeId& id) {
    table_.on_failure(now_, id);
    if (const auto member = members_.find(id); member != members_.end()) {
      ++member->second.failures;
      if (!waiting_.empty()) replace();
    } else if (const auto known = waiter(id); known != waiting_.end() && !known->connected) {
      waiting_.erase(known);
    }
  }
  void remove(const NodeId& id) {
    table_.remove(id);
    if (members_.erase(id) == 1) return promote();
    std::erase_if(waiting_, [&](const Waiter& one) { return one.id == id; });
  }
  void tick() {
    table_.replace_failed(now_);
    while (!waiting_.empty() && replace()) {
    }
  }

  void compare() {
    std::set<NodeId> members;
    for (const auto& [id, member] : members_) members.insert(id);
    std::set<NodeId> kept;
    table_.visit([&](const Peer& peer) { kept.insert(peer.contact.id); });
    REQUIRE(kept == members);
    std::vector<NodeId> waiting;
    for (const Waiter& one : waiting_) waiting.push_back(one.id);
    std::vector<NodeId> cached;
    table_.visit_replacements(0,
                              [&](const wire::Contact& contact) { cached.push_back(contact.id); });
    REQUIRE(cached == waiting);
  }

  Rng rng_;
  RoutingTable table_;
  Instant now_{};
  std::vector<NodeId> ids_;
  std::map<NodeId, Member> members_;
  std::vector<Waiter> waiting_;
};

}  // namespace

TEST_CASE(
    "P-KR-1, P-KR-3, P-KR-4, P-KR-19, P-KR-21, P-KR-22: a bucket and its cache are two lists, in "
    "10,000 histories") {
  std::size_t replaced = 0;
  std::size_t promoted = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    CAPTURE(seed);
    BucketAndModel both(seed);
    for (int count = 0; count < 60; ++count) both.step();
    replaced += both.replaced;
    promoted += both.promoted;
  }
  // The rare branches were taken often.
  CHECK(replaced > 1000);
  CHECK(promoted > 10'000);
}

}  // namespace trestle::dht
