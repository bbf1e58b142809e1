// The only file that includes prometheus-cpp.
#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "trestle/host/metrics.hpp"

namespace trestle::host {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return MetricType::Counter;
    case MetricKind::gauge:
      return MetricType::Gauge;
    case MetricKind::histogram:
      return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::vector<ClientMetric::Label> labels_of(const MetricLabels& labels) {
  std::vector<ClientMetric::Label> made;
  made.reserve(labels.size());
  for (const auto& [name, value] : labels) made.push_back({name, value});
  return made;
}

/// One bucket a doubling: a fourth of what is counted, since every bucket is a time series of its
/// own in the database that scrapes us.
ClientMetric::Histogram buckets_of(const Histogram& histogram) {
  ClientMetric::Histogram made;
  made.sample_count = histogram.count();
  made.sample_sum = seconds(histogram.sum());
  std::uint64_t cumulative = 0;
  for (std::size_t index = 0; index + 1 < Histogram::kBuckets; ++index) {
    cumulative += histogram.bucket(index);
    if (index % Histogram::kPerDoubling != 0) continue;
    made.bucket.push_back({cumulative, seconds(Histogram::upper_bound(index))});
  }
  return made;
}

}  // namespace

std::string to_prometheus_text(const MetricFamilies& families) {
  std::vector<prometheus::MetricFamily> shown;
  shown.reserve(families.size());
  for (const MetricFamily& family : families) {
    prometheus::MetricFamily& made = shown.emplace_back();
    made.name = family.name;
    made.help = family.help;
    made.type = type_of(family.kind);
    for (const auto& [labels, value] : family.values) {
      ClientMetric& metric = made.metric.emplace_back();
      metric.label = labels_of(labels);
      metric.counter.value = value;
      metric.gauge.value = value;
    }
    for (const auto& [labels, histogram] : family.histograms) {
      ClientMetric& metric = made.metric.emplace_back();
      metric.label = labels_of(labels);
      metric.histogram = buckets_of(histogram);
    }
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, shown);
  if (!text) throw std::ios_base::failure("the metrics could not be written");
  return text.str();
}

}  // namespace trestle::host
