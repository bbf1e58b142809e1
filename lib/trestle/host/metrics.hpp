#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "trestle/base/histogram.hpp"
#include "trestle/base/result.hpp"

namespace trestle::host {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// All samples of one name. A counter's and a gauge's values stand in `values`, distributions of
/// durations in `histograms`; they are shown in seconds.
struct MetricFamily {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::gauge;
  std::vector<std::pair<MetricLabels, double>> values;
  std::vector<std::pair<MetricLabels, Histogram>> histograms;
};

using MetricFamilies = std::vector<MetricFamily>;

/// Somebody who has figures to show. Asked on the loop, so it must not wait for anything. What it
/// throws costs that scrape alone.
class MetricSource {
 public:
  virtual ~MetricSource() = default;
  virtual void collect(MetricFamilies& families) = 0;
};

/// The exposition format of Prometheus, version 0.0.4. Throws what the library throws.
std::string to_prometheus_text(const MetricFamilies& families);
inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

struct MetricsOptions {
  bool is_on = true;
  /// So many failed scrapes in a row switch the metrics off (OBS-05).
  unsigned failures_max = 10;
  /// A scrape's text; 8 bridges take about 60 KB. More is a failure, not a larger buffer.
  std::size_t text_bytes_max = 4 * 1024 * 1024;
};

/// Collects figures when somebody asks for them, and never disturbs what they are about (OBS-05):
/// every failure is swallowed and counted, and too many in a row switch the metrics off.
class Metrics {
 public:
  explicit Metrics(const MetricsOptions& options = {}) : options_(options), is_on_(options.is_on) {}

  /// The source outlives this, or is removed before it goes.
  void add(MetricSource& source) { sources_.push_back(&source); }
  void remove(MetricSource& source) { std::erase(sources_, &source); }

  enum class Refusal : std::uint8_t { off, failed };
  Result<std::string, Refusal> scrape();

  bool is_on() const { return is_on_; }
  /// Switching on forgets earlier failures.
  void switch_to(bool on);

  struct Stats {
    std::uint64_t scrapes = 0;
    std::uint64_t failures = 0;
    unsigned failures_in_a_row = 0;
    std::string last_failure;
  };
  const Stats& stats() const { return stats_; }

 private:
  std::string collect();

  MetricsOptions options_;
  bool is_on_;
  std::vector<MetricSource*> sources_;
  Stats stats_;
};

}  // namespace trestle::host
