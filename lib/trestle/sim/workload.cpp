#include "trestle/sim/workload.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

namespace trestle::sim {
namespace {

/// How long one operation is waited for.
constexpr Duration kFinishMax = std::chrono::seconds(60);
constexpr int kReadBackAttempts = 3;

constexpr std::uint64_t kHundred = 100;

// Of users who do everything.
constexpr std::size_t kCarefulPaths = 3;
constexpr std::uint64_t kRemovesPercent = 8;
constexpr std::uint64_t kRefreshesPercent = 12;
constexpr std::uint64_t kTurnsABurst = 25;
constexpr std::uint64_t kBurst = 150;
/// Times one to five: shorter than the shortest runs, longer than any operation.
constexpr Duration kShortLife = std::chrono::minutes(3);

}  // namespace

Workload::Workload(World& world, const WorkloadOptions& options, NodeIndex first_member,
                   MayAsk may_ask, Rng rng)
    : world_(world),
      options_(options),
      first_member_(first_member),
      may_ask_(std::move(may_ask)),
      rng_(std::move(rng)) {}

NodeIndex Workload::draw_member(NodeIndex other_than) {
  const std::uint64_t members = world_.size() - first_member_;
  const NodeIndex node = first_member_ + static_cast<NodeIndex>(rng_.below(members));
  const bool can_be_asked =
      node != other_than && may_ask_(node) && world_.is_running(node) && !world_.is_paused(node);
  return can_be_asked ? node : kNoNode;
}

// ---- operations

void Workload::begin(Instant from, Instant until) { schedule(from, until); }

void Workload::schedule(Instant at, Instant until) {
  if (at >= until) return;
  world_.schedule(at, [this, until](World& world) {
    work();
    const Duration wait = rng_.between(Duration(1), 2 * options_.spacing);
    schedule(after(world.now(), wait), until);
  });
}

void Workload::work() {
  collect();
  if (has_ended()) return;
  const std::uint64_t kind = rng_.below(kHundred);
  const std::uint64_t word = rng_.next();
  const bool rewrites = rng_.chance(options_.rewrites_percent, kHundred);
  const NodeIndex node = draw_member();
  dht::LookupWish wish;
  std::uint64_t change_kind = kHundred;
  if (options_.everything) {
    change_kind = rng_.below(kHundred);
    if (rng_.chance(1, 4)) wish.paths = kCarefulPaths;
    if (rng_.chance(1, 4)) wish.mode = dht::LookupMode::recursive;
  }
  if (node == kNoNode) return;
  if (options_.everything && !options_.reads_must_succeed && rng_.chance(1, kTurnsABurst)) {
    return burst(node, word);
  }
  const std::string known = acknowledged_.pick(word);
  const bool changes = change_kind < kRemovesPercent + kRefreshesPercent;
  if (changes && !known.empty()) return change(node, known, change_kind < kRemovesPercent);
  if (kind < options_.puts_percent) return put(node, word, rewrites);
  if (kind < options_.puts_percent + options_.gets_percent && !known.empty()) {
    return get(node, known, wish);
  }
  find(node, word, wish);
}

/// More at once than a node does at once: it says so, and does the rest.
void Workload::burst(NodeIndex node, std::uint64_t word) {
  for (std::uint64_t number = 0; number < kBurst; ++number) {
    if (!world_.is_running(node)) return;  // it may crash in the middle of it
    const std::string known = acknowledged_.pick(word + number);
    if (number % 3 == 0) {
      put(node, word + number, number % 2 == 0);
    } else if (number % 3 == 1 && !known.empty()) {
      get(node, known, {});
    } else {
      find(node, word + number, {});
    }
  }
}

/// The same for every value under one key: an older one is never to outlive a newer one.
Duration Workload::life_of(const std::string& key) const {
  if (!options_.everything || key.back() % 2 == 0) return options_.value_life;
  return kShortLife * (1 + key.back() % 5);
}

/// Who has run for a while, where everything has to work.
bool Workload::is_demanding(NodeIndex node) const {
  return options_.reads_must_succeed &&
         world_.now() - world_.started_at(node) >= options_.reader_age_min;
}

void Workload::put(NodeIndex node, std::uint64_t word, bool rewrites) {
  ++stats_.puts;
  std::string key = rewrites ? acknowledged_.pick(word) : std::string();
  if (key.empty()) key = "key-" + std::to_string(stats_.puts);
  const Bytes value = to_bytes(as_bytes("value-" + std::to_string(word)));
  acknowledged_.on_put_begun(world_.now(), key, value, life_of(key));
  const auto begun = world_.put(node, key, value, life_of(key));
  if (!begun) {
    ++stats_.refused;
    return;
  }
  puts_.push_back({*begun, std::move(key), value});
}

void Workload::get(NodeIndex node, const std::string& key, dht::LookupWish wish) {
  using Demand = checkers::Acknowledged::Demand;
  ++stats_.gets;
  const Demand demand = is_demanding(node) ? Demand::everything : Demand::truth;
  wish.mode.reset();  // of searches for nodes
  const auto begun = world_.get(node, key, wish);
  if (!begun) {
    ++stats_.refused;
    return;
  }
  gets_.push_back({*begun, key, world_.now(), demand});
}

void Workload::find(NodeIndex node, std::uint64_t word, dht::LookupWish wish) {
  ++stats_.finds;
  const NodeId target(word, word * 0x9e3779b97f4a7c15u, static_cast<std::uint32_t>(word >> 7));
  const auto begun = world_.find(node, target, wish);
  if (begun) finds_.push_back({*begun, is_demanding(node)});
  if (!begun) ++stats_.refused;
}

void Workload::change(NodeIndex node, const std::string& key, bool is_removal) {
  ++(is_removal ? stats_.removes : stats_.refreshes);
  // Nothing is demanded of two changes at once, or of one at the end of the record's life.
  const bool is_alone =
      std::ranges::none_of(changes_, [&](const Change& one) { return one.key == key; }) &&
      std::ranges::none_of(puts_, [&](const Put& one) { return one.key == key; });
  const bool must_succeed =
      is_demanding(node) && is_alone && acknowledged_.stays_due(key, world_.now(), kFinishMax);
  const auto begun = is_removal ? world_.remove(node, key) : world_.refresh(node, key);
  if (!begun) {
    ++stats_.refused;
    return;
  }
  if (is_removal) acknowledged_.on_remove_begun(key);
  if (!is_removal) acknowledged_.on_refresh_begun(world_.now(), key);
  changes_.push_back({*begun, key, world_.now(), is_removal, must_succeed});
}

// ---- their ends

bool Workload::is_lost(const OperationKey& key) const {
  return !world_.is_running(key.node) || world_.incarnation(key.node) != key.incarnation;
}

template <typename Operation, typename OnEnd>
void Workload::collect(std::vector<Operation>& operations, const OnEnd& on_end) {
  std::erase_if(operations, [&](const Operation& one) {
    const node::OperationEnded* end = world_.ended(one.operation);
    if (end == nullptr) return is_lost(one.operation);
    judge_steps(one.operation, *end);
    on_end(one, *end);
    world_.forget(one.operation);
    return true;
  });
}

void Workload::collect() {
  acknowledged_.forget_ended(world_.now());
  collect(puts_, [this](const Put& put, const auto& end) { on_put_ended(put, end); });
  collect(gets_, [this](const Get& get, const auto& end) { on_get_ended(get, end); });
  collect(changes_,
          [this](const Change& change, const auto& end) { on_change_ended(change, end); });
  collect(finds_, [this](const Find& find, const auto& end) {
    if (end.code == ErrorCode::none) ++stats_.finds_done;
    if (!find.must_succeed || end.code == ErrorCode::none) return;
    if (end.code == ErrorCode::shutting_down) return;
    world_.report_violation(
        "L2: a search for nodes finds some",
        "n" + std::to_string(find.operation.node) + ": " + std::string(name(end.code)));
  });
}

/// The search ended with the answer that came last, so that one was the value. Whoever kept it
/// himself asked nobody.
void Workload::count_way(const std::vector<dht::LookupStep>& steps) {
  const dht::LookupStep* last = nullptr;
  Duration last_came{};
  for (const dht::LookupStep& step : steps) {
    if (!step.took || step.code != ErrorCode::none) continue;
    const Duration came = step.asked_after + *step.took;
    if (last != nullptr && came < last_came) continue;
    last = &step;
    last_came = came;
  }
  if (last == nullptr) return;
  ++stats_.gets_elsewhere;
  stats_.questions += steps.size();
  stats_.hops += last->hop;
}

void Workload::on_put_ended(const Put& put, const node::OperationEnded& end) {
  if (end.code == ErrorCode::none) ++stats_.puts_done;
  // Who hears of a newer record while he writes builds on that one, and on nothing if it was
  // deleted: a put has nothing to find.
  if (end.code == ErrorCode::not_found) {
    world_.report_violation("I3: no put ends with not-found",
                            "n" + std::to_string(put.operation.node) + ", " + put.key);
  }
  acknowledged_.on_put_ended(world_.now(), put.key, put.value, life_of(put.key), end);
}

void Workload::on_get_ended(const Get& get, const node::OperationEnded& end) {
  using Demand = checkers::Acknowledged::Demand;
  if (end.code == ErrorCode::none && end.record) {
    ++stats_.gets_done;
    count_way(end.steps);
  }
  // Who is going away ends everything, and that is no answer.
  const bool is_answer = end.code != ErrorCode::shutting_down;
  acknowledged_.judge(world_, get.key, get.begun, end, is_answer ? get.demand : Demand::truth);
}

void Workload::on_change_ended(const Change& change, const node::OperationEnded& end) {
  if (change.is_removal) acknowledged_.on_remove_ended(world_.now(), change.key, end);
  if (!change.is_removal) acknowledged_.on_refresh_ended(change.begun, change.key, end);
  const bool is_answer = end.code != ErrorCode::shutting_down;
  if (!change.must_succeed || !is_answer || end.code == ErrorCode::none) return;
  world_.report_violation("I3: what was acknowledged can be prolonged and deleted",
                          "n" + std::to_string(change.operation.node) + ", " +
                              (change.is_removal ? "a removal of " : "a refresh of ") + change.key +
                              " ended with " + std::string(name(end.code)));
}

/// P-KR: whoever is asked was known before or was named by somebody who was asked earlier, nobody
/// is asked twice for the same, and there is an end to it.
void Workload::judge_steps(const OperationKey& operation, const node::OperationEnded& end) {
  constexpr std::string_view kRule = "P-KR: a lookup asks each peer once, and those it was told of";
  const auto blame = [&](std::string_view what, const NodeId& peer) {
    world_.report_violation(kRule, "n" + std::to_string(operation.node) + " " + std::string(what) +
                                       " " + peer.to_short_hex());
  };
  const std::size_t most = dht::LookupOptions{}.asks_max;
  if (end.steps.size() > most) blame("asked more than it may, at last", end.steps.back().peer);
  for (std::size_t place = 0; place < end.steps.size(); ++place) {
    const dht::LookupStep& step = end.steps[place];
    const auto earlier = std::span(end.steps).first(place);
    const auto is_of = [](const NodeId& id) {
      return [&id](const dht::LookupStep& one) { return one.peer == id; };
    };
    if (std::ranges::any_of(earlier, is_of(step.peer))) blame("asked twice", step.peer);
    if (step.named_by && std::ranges::none_of(earlier, is_of(*step.named_by))) {
      blame("was told by whom it did not ask of", step.peer);
    }
    if (place > 0 && step.asked_after < earlier.back().asked_after)
      blame("went back in time to", step.peer);
    if (step.peer == world_.identity(operation.node).id) blame("asked itself,", step.peer);
  }
}

const node::OperationEnded* Workload::finish(const OperationKey& key) {
  const Instant until = after(world_.now(), kFinishMax);
  while (world_.ended(key) == nullptr && world_.next_event() <= until) {
    if (!world_.step()) break;
  }
  return world_.ended(key);
}

bool Workload::reads_back() {
  for (int attempt = 0; attempt < kReadBackAttempts && !world_.violation(); ++attempt) {
    NodeIndex writer = kNoNode;
    NodeIndex reader = kNoNode;
    while (writer == kNoNode) writer = draw_member();
    while (reader == kNoNode) reader = draw_member(writer);
    const std::string key = "last-" + std::to_string(attempt);
    const Bytes value = to_bytes(as_bytes("written at the end"));
    const auto put = world_.put(writer, key, value, options_.value_life);
    if (!put) continue;
    const node::OperationEnded* stored = finish(*put);
    if (stored == nullptr || stored->code != ErrorCode::none) continue;
    const auto get = world_.get(reader, key);
    if (!get) continue;
    const node::OperationEnded* read = finish(*get);
    if (read != nullptr && read->record && read->record->value == value) return true;
  }
  return false;
}

std::vector<std::string> Workload::read_all() {
  std::vector<std::string> missed;
  for (const checkers::Acknowledged::Truth& truth : acknowledged_.due(world_.now())) {
    bool is_found = false;
    for (int attempt = 0; attempt < kReadBackAttempts && !is_found; ++attempt) {
      if (world_.violation() || !acknowledged_.is_due(truth.key, world_.now())) break;
      NodeIndex reader = kNoNode;
      while (reader == kNoNode) reader = draw_member();
      const Instant begun = world_.now();
      const auto get = world_.get(reader, truth.key);
      if (!get) continue;
      const node::OperationEnded* read = finish(*get);
      if (read == nullptr) continue;
      acknowledged_.judge(world_, truth.key, begun, *read, checkers::Acknowledged::Demand::truth);
      is_found = read->record.has_value();
      world_.forget(*get);
    }
    if (!is_found && acknowledged_.is_due(truth.key, world_.now())) missed.push_back(truth.key);
  }
  return missed;
}

}  // namespace trestle::sim
