#include "trestle/sim/checkers/acknowledged.hpp"

#include <algorithm>

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kRule = "I3: what was acknowledged is readable";

/// A record is kept for its whole life and refused as soon as it has ended; in between lies what
/// its ways take.
constexpr Duration kGrace = std::chrono::seconds(30);

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
  entry.written.push_back({value, 0, after(now, ttl), kNever, 0});
}

void Acknowledged::on_put_ended(Instant now, const std::string& key, const Bytes& value,
                                Duration ttl, const node::OperationEnded& end) {
  Key* entry = keys_.find(key);
  if (entry == nullptr) return;
  const auto written = std::ranges::find(entry->written, value, &Written::value);
  if (written == entry->written.end()) return;
  written->version = end.version;
  written->expires = std::max(written->expires, after(now, ttl));
  if (end.code != ErrorCode::none) return;
  if (end.weak) {
    ++stats_.weak;
    return;
  }
  ++stats_.acknowledged;
  written->acknowledged_at = now;
  written->copies = end.replicas_wanted;
}

const Acknowledged::Written* Acknowledged::newest_due(const Key& key, Instant acknowledged_by,
                                                      Instant at) const {
  const Written* newest = nullptr;
  for (const Written& written : key.written) {
    const bool lives_on = after(at, kGrace) < written.expires;
    const bool is_due = lives_on && written.acknowledged_at <= acknowledged_by;
    if (is_due && (newest == nullptr || written.version >= newest->version)) newest = &written;
  }
  return newest;
}

void Acknowledged::judge(World& world, const std::string& key, Instant begun,
                         const node::OperationEnded& end, bool must_be_found) {
  const Key* entry = keys_.find(key);
  if (entry == nullptr) return;
  const Written* due = newest_due(*entry, begun, world.now());
  if (due != nullptr) ++stats_.reads;
  if (!end.record) {
    if (due == nullptr) return;
    ++stats_.misses;
    if (must_be_found) world.report_violation(kRule, describe(key, end));
    return;
  }
  const auto written = std::ranges::find(entry->written, end.record->value, &Written::value);
  if (written == entry->written.end()) {
    return world.report_violation("I3: nothing is read that nobody wrote", describe(key, end));
  }
  const bool is_older = due != nullptr && written->version != 0 && written->version < due->version;
  if (is_older) ++stats_.stale;
}

bool Acknowledged::is_due(const std::string& key, Instant at) const {
  const Key* entry = keys_.find(key);
  return entry != nullptr && newest_due(*entry, at, at) != nullptr;
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
                  [now](const Written& one) { return after(one.expires, kGrace) < now; });
    place = place->second.written.empty() ? keys_.erase(place) : std::next(place);
  }
}

}  // namespace trestle::sim::checkers
