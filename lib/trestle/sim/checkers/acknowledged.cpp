#include "trestle/sim/checkers/acknowledged.hpp"

#include <algorithm>

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kRule = "I3: what was acknowledged is readable";

/// A record is kept for its whole life and refused as soon as it has ended; in between lies what
/// its ways take.
constexpr Duration kGrace = std::chrono::seconds(30);

/// What is over is remembered for as long, to see whether anybody reads it still.
constexpr Duration kRemembered = std::chrono::minutes(10);

/// A removal is acknowledged by a majority and reaches the other holders within the time of a
/// lookup; who asks one of those before reads what was deleted.
constexpr Duration kRemovalSpreads = std::chrono::seconds(60);

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::floor<std::chrono::milliseconds>(duration).count()) + " ms";
}

/// Who was asked, and what came of it.
std::string describe(const dht::LookupStep& step) {
  std::string line = "\n  " + step.peer.to_short_hex() + " (hop " + std::to_string(step.hop) +
                     ", " + std::string(dht::name(step.reason)) +
                     (step.connected ? ", linked" : "") +
                     (step.through ? ", through another" : "") + ") after " +
                     milliseconds(step.asked_after) + ": ";
  if (!step.took) return line + "no answer yet";
  line += step.code == ErrorCode::none ? std::to_string(step.contacts) + " contacts"
                                       : std::string(name(step.code));
  return line + " in " + milliseconds(*step.took);
}

std::string describe(const std::string& key, const node::OperationEnded& end) {
  std::string text = "a get of " + key + " ended with " + std::string(name(end.code));
  for (const dht::LookupStep& step : end.steps) text += describe(step);
  return text;
}

}  // namespace

void Acknowledged::on_put_begun(Instant now, const std::string& key, const Bytes& value,
                                Duration ttl) {
  Key& entry = *keys_.insert(key, {}).first;
  entry.written.push_back({.value = value,
                           .expires = after(now, ttl),
                           .ttl = ttl,
                           .begun = now,
                           .gone_by = after(now, ttl)});
}

void Acknowledged::on_put_ended(Instant now, const std::string& key, const Bytes& value,
                                Duration ttl, const node::OperationEnded& end) {
  Key* entry = keys_.find(key);
  if (entry == nullptr) return;
  const auto written = std::ranges::find(entry->written, value, &Written::value);
  if (written == entry->written.end()) return;
  written->version = end.version;
  written->gone_by = std::max(written->gone_by, after(now, ttl));
  if (end.code != ErrorCode::none) return;
  if (end.weak) {
    ++stats_.weak;
    return;
  }
  ++stats_.acknowledged;
  written->acknowledged_at = now;
  written->copies = end.replicas_wanted;
}

void Acknowledged::on_remove_begun(const std::string& key) {
  if (Key* entry = keys_.find(key)) ++entry->removing;
}

void Acknowledged::on_remove_ended(Instant now, const std::string& key,
                                   const node::OperationEnded& end) {
  Key* entry = keys_.find(key);
  if (entry == nullptr || entry->removing == 0) return;
  --entry->removing;
  entry->removed_at = now;
  if (end.code != ErrorCode::none || end.weak || end.version < entry->removed_version) return;
  ++stats_.deleted;
  entry->removed_version = end.version;
  entry->removal_acknowledged_at = now;
}

void Acknowledged::on_refresh_begun(Instant now, const std::string& key) {
  Key* entry = keys_.find(key);
  if (entry == nullptr) return;
  for (Written& written : entry->written) {
    // As long as an operation may take, and the whole life after it.
    written.gone_by = std::max(written.gone_by, after(now, kRemovalSpreads + written.ttl));
  }
}

void Acknowledged::on_refresh_ended(Instant begun, const std::string& key,
                                    const node::OperationEnded& end) {
  Key* entry = keys_.find(key);
  if (entry == nullptr || end.code != ErrorCode::none || end.weak) return;
  for (Written& written : entry->written) {
    if (written.version != end.version) continue;
    ++stats_.prolonged;
    written.expires = std::max(written.expires, after(begun, written.ttl));
  }
}

const Acknowledged::Written* Acknowledged::newest_due(const Key& key, Instant acknowledged_by,
                                                      Instant at) const {
  const Written* newest = nullptr;
  if (key.removing > 0) return nullptr;
  for (const Written& written : key.written) {
    const bool lives_on = after(at, kGrace) < written.expires;
    const bool was_removed = written.begun < key.removed_at ||
                             (key.removed_version != 0 && written.version < key.removed_version);
    const bool is_due = lives_on && !was_removed && written.acknowledged_at <= acknowledged_by;
    if (is_due && (newest == nullptr || written.version >= newest->version)) newest = &written;
  }
  return newest;
}

void Acknowledged::judge(World& world, const std::string& key, Instant begun,
                         const node::OperationEnded& end, Demand demand) {
  const Key* entry = keys_.find(key);
  if (entry == nullptr) return;
  const Written* due = newest_due(*entry, begun, world.now());
  if (due != nullptr) ++stats_.reads;
  if (!end.record) {
    if (due == nullptr) return;
    ++stats_.misses;
    if (demand == Demand::everything) world.report_violation(kRule, describe(key, end));
    return;
  }
  judge_found(world, key, *entry, begun, end, demand);
}

void Acknowledged::judge_found(World& world, const std::string& key, const Key& entry,
                               Instant begun, const node::OperationEnded& end, Demand demand) {
  const auto written = std::ranges::find(entry.written, end.record->value, &Written::value);
  if (written == entry.written.end()) {
    return world.report_violation("I3: nothing is read that nobody wrote", describe(key, end));
  }
  if (demand == Demand::everything && after(written->gone_by, kGrace) < begun) {
    return world.report_violation("I3: what is over is not read", describe(key, end));
  }
  const bool was_removed = entry.removal_acknowledged_at != kNever &&
                           after(entry.removal_acknowledged_at, kRemovalSpreads) < begun &&
                           written->version != 0 && written->version < entry.removed_version;
  if (demand == Demand::everything && was_removed) {
    return world.report_violation("I3: what was deleted is not read", describe(key, end));
  }
  const Written* due = newest_due(entry, begun, world.now());
  const bool is_older = due != nullptr && written->version != 0 && written->version < due->version;
  if (is_older) ++stats_.stale;
}

bool Acknowledged::is_due(const std::string& key, Instant at) const {
  const Key* entry = keys_.find(key);
  return entry != nullptr && newest_due(*entry, at, at) != nullptr;
}

bool Acknowledged::stays_due(const std::string& key, Instant at, Duration longer) const {
  return is_due(key, at) && is_due(key, after(at, longer));
}

std::vector<Acknowledged::Truth> Acknowledged::due(Instant at) const {
  std::vector<Truth> all;
  for (const auto& [key, entry] : keys_) {
    if (const Written* written = newest_due(entry, at, at)) {
      all.push_back({key, written->version, written->expires, written->copies});
    }
  }
  return all;
}

std::string Acknowledged::pick(std::uint64_t pick) const {
  if (keys_.empty()) return {};
  const auto first = static_cast<std::size_t>(pick % keys_.size());
  for (std::size_t step = 0; step < keys_.size(); ++step) {
    const auto& [key, entry] = keys_.at_index((first + step) % keys_.size());
    const bool is_acknowledged = std::ranges::any_of(
        entry.written, [](const Written& one) { return one.acknowledged_at != kNever; });
    if (is_acknowledged) return key;
  }
  return {};
}

void Acknowledged::forget_ended(Instant now) {
  for (auto place = keys_.begin(); place != keys_.end();) {
    std::erase_if(place->second.written,
                  [now](const Written& one) { return after(one.gone_by, kRemembered) < now; });
    place = place->second.written.empty() ? keys_.erase(place) : std::next(place);
  }
}

}  // namespace trestle::sim::checkers
