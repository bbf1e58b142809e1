#include "trestle/sim/lookup_study.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/churn.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/frame_records.hpp"
#include "trestle/sim/nemesis.hpp"

namespace trestle::sim {
namespace {

constexpr std::uint32_t kBridges = 2;
constexpr Duration kStartSpacing = std::chrono::milliseconds(20);
constexpr Duration kPutSpacing = std::chrono::milliseconds(500);
constexpr Duration kValueLife = std::chrono::hours(24);
/// A get is waited for so long; who has just come is not asked.
constexpr Duration kGetMax = std::chrono::seconds(60);
constexpr Duration kReaderAge = std::chrono::minutes(1);

/// Follows one get by its frames: whom the reader asks, and who named them.
class Follower : public Observer {
 public:
  void begin(NodeIndex reader) {
    reader_ = reader;
    queries_ = 0;
    hops_ = 0;
    levels_.clear();
  }
  void end() { reader_ = kNoNode; }
  std::uint64_t queries() const { return queries_; }
  /// 0: no value came.
  std::uint64_t hops() const { return hops_; }

  void observe(World& world, const Happening& happening) override {
    if (happening.node != reader_ || hops_ > 0) return;
    if (happening.kind == HappeningKind::frame_ordered) {
      for (const RecordHead& head : happening.records) {
        if (head.name == "find_value") ++queries_;
      }
    } else if (happening.kind == HappeningKind::frame_delivered) {
      for (std::size_t place = 0; place < happening.records.size(); ++place) {
        if (happening.records[place].name == "find_value_response") {
          on_answer(world.identity(happening.peer).id, happening.bytes, place);
        }
      }
    }
  }

 private:
  void on_answer(const NodeId& from, ByteSpan frame, std::size_t place) {
    const auto record = read_record(frame, place);
    const auto* answer = record ? std::get_if<wire::FindValueResponse>(&record->message) : nullptr;
    if (answer == nullptr) return;
    const std::uint64_t level = std::max<std::uint64_t>(1, levels_[from.high()]);
    if (answer->found) {
      hops_ = level;
      return;
    }
    for (const wire::Contact& contact : answer->contacts) {
      std::uint64_t& named = levels_[contact.id.high()];
      if (named == 0) named = level + 1;
    }
  }

  NodeIndex reader_ = kNoNode;
  std::uint64_t queries_ = 0;
  std::uint64_t hops_ = 0;
  /// By the first word of the id. Only ever asked for one; never iterated.
  std::unordered_map<std::uint64_t, std::uint64_t> levels_;
};

class Study {
 public:
  explicit Study(const LookupStudyOptions& options)
      : options_(options),
        rng_(Rng(options.seed).fork("lookup-study")),
        settled_(kStartSpacing * options.members + options.settles),
        ends_(settled_ + options.churns + kPutSpacing * options.records),
        moves_(draw_churn({.percent_per_hour = options.churn_percent}, rng_.fork("churn"),
                          kBridges + 1, options.members, kBridges + 1 + options.members, settled_,
                          ends_)),
        world_(world_options(options)),
        cluster_(world_, {.bridges = kBridges, .members = options.members + newcomers()}),
        nemesis_(world_, moves_) {
    checkers_.watch(world_);
    world_.add_observer(follower_);
    const NodeIndex present = cluster_.first_member() + options.members;
    for (NodeIndex node = 0; node < world_.size(); ++node) {
      if (node >= present) {
        nemesis_.keep_away(node);
        continue;
      }
      world_.schedule(Instant(kStartSpacing * node), [node](World& world) { world.start(node); });
    }
    nemesis_.unleash();
  }

  LookupStudyResult run() {
    world_.run_until(settled_);
    put_all();
    world_.run_until(ends_);
    LookupStudyResult result;
    find_acknowledged();
    result.acknowledged = acknowledged_.size();
    if (acknowledged_.empty()) return result;
    while (result.gets < options_.gets && !world_.violation()) get_one(result);
    for (NodeIndex node = cluster_.first_member(); node < world_.size(); ++node) {
      if (world_.is_running(node)) ++result.members_at_end;
    }
    result.fingerprint = world_.fingerprint();
    if (world_.violation()) result.violation = world_.report();
    return result;
  }

 private:
  static WorldOptions world_options(const LookupStudyOptions& options) {
    WorldOptions made;
    made.seed = options.seed;
    made.replay = "run_lookup_study, that seed";
    return made;
  }

  std::uint32_t newcomers() const {
    return static_cast<std::uint32_t>(std::ranges::count(moves_, FaultKind::join, &Fault::kind));
  }

  static std::string key_of(std::uint64_t record) { return "record-" + std::to_string(record); }

  NodeIndex draw_member() {
    while (true) {
      const std::uint64_t members = world_.size() - cluster_.first_member();
      const NodeIndex node = cluster_.first_member() + static_cast<NodeIndex>(rng_.below(members));
      const bool is_old =
          world_.is_running(node) && world_.now() - world_.started_at(node) >= kReaderAge;
      if (is_old && !nemesis_.is_absent(node)) return node;
    }
  }

  void put_all() {
    for (std::uint32_t record = 0; record < options_.records && !world_.violation(); ++record) {
      const NodeIndex writer = draw_member();
      const Bytes value = to_bytes(as_bytes("a value of some bytes, as users have them"));
      const auto begun = world_.put(writer, key_of(record), value, kValueLife);
      if (begun) puts_.emplace_back(record, *begun);
      world_.run_for(kPutSpacing);
    }
  }

  void find_acknowledged() {
    for (const auto& [record, put] : puts_) {
      const node::OperationEnded* end = world_.ended(put);
      const bool is_acknowledged = end != nullptr && end->code == ErrorCode::none && !end->weak;
      if (is_acknowledged) acknowledged_.push_back(record);
    }
  }

  /// Whoever keeps the record himself asks nobody, and is not counted.
  void get_one(LookupStudyResult& result) {
    const NodeIndex reader = draw_member();
    const std::string key = key_of(acknowledged_[rng_.below(acknowledged_.size())]);
    follower_.begin(reader);
    const auto begun = world_.get(reader, key);
    if (!begun) return;
    const Instant until = after(world_.now(), kGetMax);
    while (world_.ended(*begun) == nullptr && world_.next_event() <= until) {
      if (!world_.step()) break;
    }
    const node::OperationEnded* end = world_.ended(*begun);
    follower_.end();
    const bool is_found = end != nullptr && end->record.has_value();
    if (is_found && follower_.queries() == 0) return;
    ++result.gets;
    if (!is_found) return;
    ++result.found;
    result.queries += follower_.queries();
    result.hops += follower_.hops();
    world_.forget(*begun);
  }

  LookupStudyOptions options_;
  Rng rng_;
  Instant settled_;
  Instant ends_;
  FaultScript moves_;
  std::vector<std::pair<std::uint64_t, OperationKey>> puts_;
  std::vector<std::uint64_t> acknowledged_;
  World world_;
  checkers::Checkers checkers_;
  Follower follower_;
  Cluster cluster_;
  Nemesis nemesis_;
};

}  // namespace

LookupStudyResult run_lookup_study(const LookupStudyOptions& options) {
  return Study(options).run();
}

}  // namespace trestle::sim
