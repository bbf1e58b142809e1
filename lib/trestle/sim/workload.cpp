#include "trestle/sim/workload.hpp"

#include <algorithm>
#include <utility>

namespace trestle::sim {
namespace {

/// How long one operation is waited for.
constexpr Duration kFinishMax = std::chrono::seconds(60);
constexpr int kReadBackAttempts = 3;

constexpr std::uint64_t kHundred = 100;

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
  if (stats_.puts + stats_.gets + stats_.finds >= options_.operations_max) return;
  const std::uint64_t kind = rng_.below(kHundred);
  const std::uint64_t word = rng_.next();
  const bool rewrites = rng_.chance(options_.rewrites_percent, kHundred);
  const NodeIndex node = draw_member();
  if (node == kNoNode) return;
  if (kind < options_.puts_percent) return put(node, word, rewrites);
  const std::string known = acknowledged_.pick(word);
  if (kind < options_.puts_percent + options_.gets_percent && !known.empty()) {
    return get(node, known);
  }
  find(node, word);
}

void Workload::put(NodeIndex node, std::uint64_t word, bool rewrites) {
  ++stats_.puts;
  std::string key = rewrites ? acknowledged_.pick(word) : std::string();
  if (key.empty()) key = "key-" + std::to_string(stats_.puts);
  const Bytes value = to_bytes(as_bytes("value-" + std::to_string(word)));
  acknowledged_.on_put_begun(world_.now(), key, value, options_.value_life);
  const auto begun = world_.put(node, key, value, options_.value_life);
  if (!begun) {
    ++stats_.refused;
    return;
  }
  puts_.push_back({*begun, std::move(key), value});
}

void Workload::get(NodeIndex node, const std::string& key) {
  ++stats_.gets;
  const bool is_settled = world_.now() - world_.started_at(node) >= options_.reader_age_min;
  const auto begun = world_.get(node, key);
  if (!begun) {
    ++stats_.refused;
    return;
  }
  gets_.push_back({*begun, key, world_.now(), options_.reads_must_succeed && is_settled});
}

void Workload::find(NodeIndex node, std::uint64_t word) {
  ++stats_.finds;
  const NodeId target(word, word * 0x9e3779b97f4a7c15u, static_cast<std::uint32_t>(word >> 7));
  const auto begun = world_.find(node, target);
  if (begun) finds_.push_back(*begun);
  if (!begun) ++stats_.refused;
}

// ---- their ends

bool Workload::is_lost(const OperationKey& key) const {
  return !world_.is_running(key.node) || world_.incarnation(key.node) != key.incarnation;
}

void Workload::collect() {
  acknowledged_.forget_ended(world_.now());
  std::erase_if(puts_, [this](const Put& put) {
    const node::OperationEnded* end = world_.ended(put.operation);
    if (end == nullptr) return is_lost(put.operation);
    if (end->code == ErrorCode::none) ++stats_.puts_done;
    acknowledged_.on_put_ended(world_.now(), put.key, put.value, options_.value_life, *end);
    world_.forget(put.operation);
    return true;
  });
  std::erase_if(gets_, [this](const Get& get) {
    const node::OperationEnded* end = world_.ended(get.operation);
    if (end == nullptr) return is_lost(get.operation);
    if (end->code == ErrorCode::none && end->record) {
      ++stats_.gets_done;
      count_way(end->steps);
    }
    // Who is going away ends everything, and that is no answer.
    const bool is_answer = end->code != ErrorCode::shutting_down;
    acknowledged_.judge(world_, get.key, get.begun, *end, get.must_be_found && is_answer);
    world_.forget(get.operation);
    return true;
  });
  std::erase_if(finds_, [this](const OperationKey& key) {
    const node::OperationEnded* end = world_.ended(key);
    if (end == nullptr) return is_lost(key);
    if (end->code == ErrorCode::none) ++stats_.finds_done;
    world_.forget(key);
    return true;
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
      acknowledged_.judge(world_, truth.key, begun, *read, false);
      is_found = read->record.has_value();
      world_.forget(*get);
    }
    if (!is_found && acknowledged_.is_due(truth.key, world_.now())) missed.push_back(truth.key);
  }
  return missed;
}

}  // namespace trestle::sim
