#include "trestle/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::sim {
namespace {

/// `10.x.y.z`, one per node.
std::string remote_address(NodeIndex node) {
  return "10." + std::to_string(node >> 16 & 255) + "." + std::to_string(node >> 8 & 255) + "." +
         std::to_string(node & 255);
}

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      rng_(options_.seed),
      network_(options_.network, rng_.fork("network"), scheduler_),
      trace_(options_.trace_lines) {}

World::~World() = default;

// ---- nodes ----

NodeIndex World::add_node(NodeSpec spec) {
  const NodeIndex node = network_.add_node(spec.url);
  TRESTLE_ASSERT(node == hosts_.size());
  Host host;
  host.role = spec.role;
  host.is_honest = spec.is_honest;
  host.url = std::move(spec.url);
  host.factory = std::move(spec.factory);
  host.remote_address =
      spec.remote_address.empty() ? remote_address(node) : std::move(spec.remote_address);
  host.rng = rng_.fork("node", node);
  host.suite = std::make_unique<crypto::Suite>(host.rng.fork("suite").next());
  host.pair = host.suite->generate();
  host.identity = crypto::identity_of(*host.suite, host.pair);
  host.wall_skew = host.rng.between(-options_.wall_skew_max, options_.wall_skew_max);
  host.disk = Disk(options_.disk, host.rng.fork("disk"));
  hosts_.push_back(std::move(host));
  return node;
}

void World::start(NodeIndex node) {
  Host& host = hosts_[node];
  TRESTLE_ASSERT(host.node == nullptr);
  ++host.incarnation;
  host.started_at = now_;
  host.stopped = false;
  const NodeSeat seat{host.identity, *host.suite, host.rng.fork("incarnation", host.incarnation),
                      host.url, host.pair};
  host.node = host.factory(seat);
  TRESTLE_ASSERT(host.node != nullptr);
  network_.node_up(now_, node, host.incarnation);
  happened(happening(HappeningKind::started, node));
  tell_wall_clock(host);
  node::Restored restored = host.disk.restored(wall(host));
  if (!restored.empty()) {
    host.node->restore(now_, std::move(restored));
  }
  host.node->start(now_);
  drain(node);
}

void World::begin_shutdown(NodeIndex node) {
  Host& host = running(node);
  happened(happening(HappeningKind::shutdown_begun, node));
  host.node->begin_shutdown(now_);
  drain(node);
}

void World::kill(NodeIndex node, KillKind kind, std::string_view how) {
  running(node);
  Happening news = happening(HappeningKind::killed, node);
  news.text = how;
  happened(news);
  take_down(node, kind);
}

void World::reload(NodeIndex node, const node::Reload& reload) {
  Host& host = running(node);
  TRESTLE_ASSERT(!host.paused);
  happened(happening(HappeningKind::reloaded, node));
  host.node->on_reload(now_, reload);
  drain(node);
}

void World::crash_after(NodeIndex node, std::optional<std::uint32_t> orders) {
  running(node).orders_left = orders;
}

void World::tell_wall_clock(Host& host) { host.node->on_wall_clock(now_, wall(host)); }

void World::jump_clock(NodeIndex node, Duration jump) {
  Host& host = hosts_[node];
  host.wall_skew += jump;
  if (host.node == nullptr || host.paused) return;
  tell_wall_clock(host);
  drain(node);
}

void World::pause(NodeIndex node) {
  Host& host = running(node);
  TRESTLE_ASSERT(!host.paused);
  host.paused = true;
  timers_.erase(node);
  network_.pause(node);
}

void World::resume(NodeIndex node) {
  Host& host = running(node);
  TRESTLE_ASSERT(host.paused);
  host.paused = false;
  host.resumed_at = now_;
  for (const std::uint32_t slot : host.held_jobs) {
    scheduler_.add(now_, EventKind::crypto_done, slot, 0);
  }
  host.held_jobs.clear();
  if (std::exchange(host.is_disk_held, false)) {
    scheduler_.add(now_, EventKind::disk_done, node, 0);
  }
  network_.resume(now_, node);
  tell_wall_clock(host);  // it may have jumped meanwhile
  drain(node);
}

void World::take_down(NodeIndex node, KillKind kind) {
  Host& host = hosts_[node];
  timers_.erase(node);
  host.node.reset();
  host.paused = false;
  host.orders_left.reset();
  host.disk.crash();
  host.is_disk_held = false;
  for (const std::uint32_t slot : host.held_jobs) free_jobs_.push_back(slot);
  host.held_jobs.clear();
  network_.node_down(now_, node, kind);
}

void World::lose_disk(NodeIndex node) {
  TRESTLE_ASSERT(!is_running(node));
  hosts_[node].disk.replace();
  happened(happening(HappeningKind::disk_lost, node));
}

World::Host& World::running(NodeIndex node) {
  TRESTLE_ASSERT(node < hosts_.size() && hosts_[node].node != nullptr);
  return hosts_[node];
}

const node::Node& World::node(NodeIndex node) const {
  TRESTLE_ASSERT(node < hosts_.size() && hosts_[node].node != nullptr);
  return *hosts_[node].node;
}

// ---- users ----

Result<OperationKey, ErrorCode> World::put(NodeIndex node, std::string key, Bytes value,
                                           Duration ttl) {
  return accepted(node, running(node).node->put(now_, std::move(key), std::move(value), ttl));
}

Result<OperationKey, ErrorCode> World::put_as(NodeIndex node, std::string key, Bytes value,
                                              const node::PutOptions& options) {
  return accepted(node,
                  running(node).node->put_as(now_, std::move(key), std::move(value), options));
}

Result<OperationKey, ErrorCode> World::get(NodeIndex node, std::string key, dht::LookupWish wish) {
  wish.steps = dht::StepReport::told;
  return accepted(node, running(node).node->get_as(now_, std::move(key), wish));
}

Result<OperationKey, ErrorCode> World::remove(NodeIndex node, std::string key) {
  return accepted(node, running(node).node->remove(now_, std::move(key)));
}

Result<OperationKey, ErrorCode> World::refresh(NodeIndex node, std::string key) {
  return accepted(node, running(node).node->refresh(now_, std::move(key)));
}

Result<OperationKey, ErrorCode> World::find(NodeIndex node, const NodeId& target,
                                            dht::LookupWish wish) {
  wish.steps = dht::StepReport::told;
  return accepted(node, running(node).node->find_as(now_, target, wish));
}

Result<OperationKey, ErrorCode> World::accepted(
    NodeIndex node, const Result<node::OperationId, ErrorCode>& result) {
  const OperationKey key{node, hosts_[node].incarnation, result ? *result : node::OperationId{}};
  Happening news = happening(
      result ? HappeningKind::operation_accepted : HappeningKind::operation_refused, node);
  news.number = key.operation.value;
  if (!result) news.code = result.error();
  happened(news);
  drain(node);
  if (!result) return refuse(result.error());
  return key;
}

// ---- time ----

Instant World::next_event() const { return std::min(scheduler_.next(), timers_.next()); }

bool World::step() {
  if (violation_) return false;
  const Instant scheduled = scheduler_.next();
  const Instant timer = timers_.next();
  const Instant next = std::min(scheduled, timer);
  if (next == kNever) return false;
  now_ = std::max(now_, next);
  ++stats_.events;
  if (scheduled <= timer) {
    const Event event = scheduler_.pop();
    if (event.kind == EventKind::crypto_done) {
      finish_crypto(event.slot);
    } else if (event.kind == EventKind::disk_done) {
      finish_disk(event.slot);
    } else if (event.kind == EventKind::action) {
      const std::function<void(World&)> action = std::exchange(actions_[event.slot], nullptr);
      free_actions_.push_back(event.slot);
      action(*this);
    } else {
      std::optional<Delivery> delivery = network_.handle(now_, event);
      if (network_.has_complaint()) hear_complaint(network_.take_complaint());
      if (delivery) deliver(std::move(*delivery));
    }
  } else {
    // Its timer is armed anew when the node is drained.
    const std::optional<Deadlines::Slot> due = timers_.due(now_);
    TRESTLE_ASSERT(due.has_value());
    ++stats_.deadlines;
    happened(happening(HappeningKind::deadline, *due));
    hosts_[*due].node->on_deadline(now_);
    drain(*due);
  }
  for (Observer* observer : event_observers_) observer->after_event(*this);
  return !violation_;
}

void World::run_until(Instant until) {
  while (!violation_ && next_event() <= until) {
    if (!step()) break;
  }
  if (!violation_) now_ = std::max(now_, until);
}

void World::schedule(Instant at, std::function<void(World&)> action) {
  auto slot = static_cast<std::uint32_t>(actions_.size());
  if (free_actions_.empty()) {
    actions_.push_back(std::move(action));
  } else {
    slot = free_actions_.back();
    free_actions_.pop_back();
    actions_[slot] = std::move(action);
  }
  scheduler_.add(std::max(now_, at), EventKind::action, slot, 0);
}

// ---- watch ----

void World::add_observer(Observer& observer) {
  const Interest interest = observer.interest();
  for (std::size_t kind = 0; kind < kHappeningKinds; ++kind) {
    if (interest.contains(static_cast<HappeningKind>(kind))) observers_[kind].push_back(&observer);
  }
  if (interest.wants_events) event_observers_.push_back(&observer);
}

Happening World::happening(HappeningKind kind, NodeIndex node) const {
  Happening result;
  result.kind = kind;
  result.at = now_;
  result.node = node;
  if (node != kNoNode) result.incarnation = hosts_[node].incarnation;
  return result;
}

void World::happened(const Happening& happening, std::uint64_t content) {
  ++stats_.happenings;
  fingerprint_.add(static_cast<std::uint64_t>(happening.at.time_since_epoch().count()));
  fingerprint_.add(std::uint64_t{happening.node} << 32 |
                   std::uint64_t{static_cast<std::uint8_t>(happening.kind)} << 8 |
                   static_cast<std::uint8_t>(happening.code));
  fingerprint_.add(happening.connection);
  fingerprint_.add(happening.number ^ content);
  // A frame's bytes count when it is ordered; that the same ones arrive is the network's order of
  // events.
  if (happening.kind == HappeningKind::frame_ordered) fingerprint_.add(happening.bytes);
  if (happening.kind != HappeningKind::drained) trace_.add(happening);
  for (Observer* observer : observers_[static_cast<std::size_t>(happening.kind)]) {
    observer->observe(*this, happening);
  }
}

void World::note_fault(std::string_view text, NodeIndex node, ConnectionSerial hit) {
  Happening news = happening(HappeningKind::fault, node);
  news.connection = hit;
  news.text = text;
  happened(news, Fingerprint::of(as_bytes(text)));
}

/// A network that carries bytes must hand over what was said. Of liars alone it may refuse it.
void World::hear_complaint(const Complaint& complaint) {
  if (complaint.is_refusal && !hosts_[complaint.speaker].is_honest) return;
  report_violation("what is said on a stream of bytes is heard", complaint.text);
}

void World::report_violation(std::string_view rule, std::string text) {
  if (violation_) return;
  violation_ = Violation{now_, std::string(rule), std::move(text)};
}

std::string World::report() const {
  std::string out = "seed " + std::to_string(options_.seed) + ", virtual time " + to_text(now_) +
                    " s, " + std::to_string(stats_.events) + " events\n";
  out += options_.plan;
  out += "---- the last lines\n" + trace_.to_text();
  if (violation_) {
    out += "---- violated at " + to_text(violation_->at) + ": " + violation_->rule + "\n" +
           violation_->text + "\n";
  }
  if (!options_.replay.empty()) out += "---- again: " + options_.replay + "\n";
  return out;
}

}  // namespace trestle::sim
