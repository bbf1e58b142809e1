#include "trestle/host/recent_window.hpp"

#include <algorithm>

namespace trestle::host {
namespace {

std::uint64_t find_counter(const std::vector<std::pair<std::string_view, std::uint64_t>>& counters,
                           std::string_view name) {
  const auto place =
      std::ranges::find(counters, name, [](const auto& entry) { return entry.first; });
  return place == counters.end() ? 0 : place->second;
}

const Histogram* find_histogram(const std::vector<node::NamedHistogram>& histograms,
                                std::string_view name) {
  const auto place = std::ranges::find(histograms, name, &node::NamedHistogram::name);
  return place == histograms.end() ? nullptr : &place->histogram;
}

/// Attached bridges say any address or none; their ids differ.
std::string key_of(const node::BridgeSlotStatus& bridge) {
  return bridge.attached ? bridge.id.to_hex() : bridge.url;
}

}  // namespace

std::uint64_t counter_of(const node::Status& status, std::string_view name) {
  return find_counter(status.counters, name);
}

void RecentWindow::sample(Instant now, const node::Status& status) {
  if (!samples_.empty() && now - samples_.back().at < options_.step) return;
  Sample& sample = samples_.emplace_back();
  sample.at = now;
  sample.counters = status.counters;
  sample.histograms = status.histograms;
  for (const node::BridgeSlotStatus& bridge : status.bridges) {
    sample.bridges.emplace_back(key_of(bridge), bridge.request_time);
  }
  while (samples_.size() > options_.steps) samples_.pop_front();
}

Duration RecentWindow::span(Instant now) const {
  return samples_.empty() ? Duration::zero() : now - samples_.front().at;
}

std::uint64_t RecentWindow::increase(const node::Status& fresh, std::string_view counter) const {
  const std::uint64_t newest = counter_of(fresh, counter);
  const std::uint64_t oldest =
      samples_.empty() ? 0 : find_counter(samples_.front().counters, counter);
  return newest - std::min(newest, oldest);
}

Histogram RecentWindow::recent(const node::Status& fresh, std::string_view histogram) const {
  const Histogram* newest = find_histogram(fresh.histograms, histogram);
  if (newest == nullptr) return {};
  const Histogram* oldest =
      samples_.empty() ? nullptr : find_histogram(samples_.front().histograms, histogram);
  return oldest == nullptr ? *newest : newest->since(*oldest);
}

Histogram RecentWindow::recent_requests(const node::BridgeSlotStatus& bridge) const {
  if (samples_.empty()) return bridge.request_time;
  const auto& bridges = samples_.front().bridges;
  const auto place =
      std::ranges::find(bridges, key_of(bridge), [](const auto& entry) { return entry.first; });
  return place == bridges.end() ? bridge.request_time : bridge.request_time.since(place->second);
}

}  // namespace trestle::host
