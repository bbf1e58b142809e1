#include "trestle/sim/bridge_loss_study.hpp"

#include <algorithm>
#include <vector>

#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/pool_client.hpp"

namespace trestle::sim {
namespace {

constexpr std::string_view kSecret = "a secret of the study";
constexpr Duration kLook = std::chrono::milliseconds(250);

std::string url_of(NodeIndex node) { return "ws://node" + std::to_string(node) + ".sim:9000/"; }

/// Counts dials towards one node, by second.
class DialCounter : public Observer {
 public:
  DialCounter(NodeIndex target, Instant from, Instant until)
      : target_(target), from_(from), until_(until) {}

  void observe(World&, const Happening& happening) override {
    if (happening.kind != HappeningKind::dial_ordered || happening.peer != target_) return;
    if (happening.at < from_ || happening.at >= until_) return;
    const auto second = static_cast<std::size_t>((happening.at - from_).count() / 1'000'000);
    if (second >= by_second_.size()) by_second_.resize(second + 1);
    ++by_second_[second];
  }

  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : by_second_) sum += count;
    return sum;
  }
  std::uint64_t worst() const {
    return by_second_.empty() ? 0 : *std::max_element(by_second_.begin(), by_second_.end());
  }

 private:
  NodeIndex target_;
  Instant from_;
  Instant until_;
  std::vector<std::uint64_t> by_second_;
};

class Study {
 public:
  explicit Study(const BridgeLossOptions& options)
      : options_(options),
        world_(world_options(options)),
        lost_at_(Instant(options.warm_up)),
        returns_at_(after(lost_at_, options.outage)),
        dials_(0, lost_at_, returns_at_) {
    checkers_.watch(world_);
    world_.add_observer(dials_);
    for (NodeIndex bridge = 0; bridge < options_.bridges; ++bridge) add_bridge();
    clients_.resize(options_.clients);
    for (std::uint32_t client = 0; client < options_.clients; ++client) add_client(client);
  }

  BridgeLossResult run() {
    start_everybody();
    world_.run_until(lost_at_);
    world_.note_fault("the bridge is lost", 0);
    world_.kill(0, options_.kill);
    world_.run_until(returns_at_);
    world_.start(0);
    BridgeLossResult result;
    const Instant ends = after(returns_at_, options_.aftermath);
    while (world_.now() < ends && !world_.violation()) {
      world_.run_for(kLook);
      if (result.connected_after < Duration::zero() && is_whole(Breakers::any)) {
        result.connected_after = world_.now() - returns_at_;
      }
      if (result.whole_after < Duration::zero() && is_whole(Breakers::closed)) {
        result.whole_after = world_.now() - returns_at_;
      }
    }
    for (PoolClient* client : clients_) client->stop_asking();
    world_.run_for(options_.set.total_timeout + std::chrono::seconds(1));
    count(result);
    return result;
  }

 private:
  static WorldOptions world_options(const BridgeLossOptions& options) {
    WorldOptions made;
    made.seed = options.seed;
    return made;
  }

  void add_bridge() {
    node::BridgeOptions bridge;
    bridge.bridge_secret = to_bytes(as_bytes(kSecret));
    bridge.common.address = url_of(static_cast<NodeIndex>(world_.size()));
    bridge.bootstrap_urls = {"ws://nobody.sim:9000/"};  // bridges without a network serve as well
    world_.add_node({.role = wire::Role::bridge,
                     .url = bridge.common.address,
                     .factory = [bridge](const NodeSeat& seat) {
                       return std::make_unique<node::BridgeNode>(bridge, seat.identity, seat.suite,
                                                                 seat.rng);
                     }});
  }

  void add_client(std::uint32_t client) {
    PoolClientOptions made;
    made.set = options_.set;
    made.bridge_secret = to_bytes(as_bytes(kSecret));
    made.request_every = options_.request_every;
    made.totals = &totals_;
    for (NodeIndex bridge = 0; bridge < options_.bridges; ++bridge) {
      made.set.bridges.push_back({{url_of(bridge)}});
    }
    world_.add_node({.role = wire::Role::bootstrap,
                     .url = {},
                     .factory = [this, client, made](const NodeSeat& seat) {
                       auto node = std::make_unique<PoolClient>(made, seat);
                       clients_[client] = node.get();
                       return node;
                     }});
  }

  /// Clients one after the other, over a third of the warm-up.
  void start_everybody() {
    for (NodeIndex node = 0; node < world_.size(); ++node) {
      const Duration spread = options_.warm_up / 3 / static_cast<Duration::rep>(world_.size());
      world_.schedule(Instant(spread * node), [node](World& world) { world.start(node); });
    }
  }

  enum class Breakers : std::uint8_t { any, closed };

  bool is_whole(Breakers breakers) const {
    return std::ranges::all_of(clients_, [&](const PoolClient* client) {
      return std::ranges::all_of(client->set().slots(), [&](const pool::BridgeSlot& slot) {
        return pool::public_name(slot.state) == "connected" &&
               (breakers == Breakers::any ||
                slot.breaker.state(world_.now()) == link::BreakerState::closed);
      });
    });
  }

  void count(BridgeLossResult& result) const {
    result.dials = dials_.total();
    result.dials_in_worst_second = dials_.worst();
    result.outage_seconds = static_cast<std::uint64_t>(options_.outage.count()) / 1'000'000;
    result.requests = totals_.submitted;
    result.refused = totals_.refused;
    result.answered = totals_.answered;
    result.failed = totals_.failed;
    result.ended_wrongly = totals_.ended_wrongly;
    for (const PoolClient* client : clients_) {
      result.without_end += client->under_way();
      for (const pool::BridgeSlot& slot : client->set().slots()) {
        result.attempts += slot.counters.requests;
      }
    }
    result.took = totals_.took;
    result.fingerprint = world_.fingerprint();
    if (world_.violation()) result.violation = world_.report();
  }

  BridgeLossOptions options_;
  World world_;
  checkers::Checkers checkers_;
  Instant lost_at_;
  Instant returns_at_;
  DialCounter dials_;
  std::vector<PoolClient*> clients_;
  PoolClientStats totals_;
};

}  // namespace

std::string BridgeLossResult::to_text() const {
  const auto whole = whole_after.count() / 1000;
  return std::to_string(dials) + " dials in " + std::to_string(outage_seconds) + " s, " +
         std::to_string(dials_in_worst_second) +
         " in the worst second: " + std::to_string(peak_percent()) + " % of the mean; " +
         std::to_string(requests) + " requests, " + std::to_string(attempts) +
         " attempts: " + std::to_string(amplification_percent()) + " %; " + std::to_string(failed) +
         " failed, " + std::to_string(refused) + " refused, " + std::to_string(without_end) +
         " without an end; connected " + std::to_string(connected_after.count() / 1000) +
         " ms and whole " + std::to_string(whole) + " ms after the return";
}

BridgeLossResult study_bridge_loss(const BridgeLossOptions& options) {
  return Study(options).run();
}

}  // namespace trestle::sim
