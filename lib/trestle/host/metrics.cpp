#include "trestle/host/metrics.hpp"

#include <exception>
#include <stdexcept>

namespace trestle::host {

Result<std::string, Metrics::Refusal> Metrics::scrape() {
  if (!is_on_) return refuse(Refusal::off);
  ++stats_.scrapes;
  try {
    std::string text = collect();
    stats_.failures_in_a_row = 0;
    return text;
  } catch (const std::exception& error) {
    stats_.last_failure = error.what();
  } catch (...) {
    stats_.last_failure = "something that is no std::exception was thrown";
  }
  ++stats_.failures;
  if (++stats_.failures_in_a_row >= options_.failures_max) is_on_ = false;
  return refuse(Refusal::failed);
}

std::string Metrics::collect() {
  MetricFamilies families;
  for (MetricSource* source : sources_) source->collect(families);
  std::string text = to_prometheus_text(families);
  if (text.size() > options_.text_bytes_max) throw std::length_error("the metrics are too long");
  return text;
}

void Metrics::switch_to(bool on) {
  is_on_ = on;
  stats_.failures_in_a_row = 0;
}

}  // namespace trestle::host
