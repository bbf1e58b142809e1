// How a running program is: its figures, and whether its memory lasts.

#include "trestle/host/process_figures.hpp"
#include "trestle/host/runner.hpp"

namespace trestle::host {
namespace {

const char* sentence_for(node::MemoryState state) {
  switch (state) {
    case node::MemoryState::plenty:
      return "there is memory again: everybody is let in as usual";
    case node::MemoryState::short_of:
      return "memory is short: caches and idle links go, few strangers are let in at a time";
    case node::MemoryState::exhausted:
      return "memory is used up: nobody new is let in and nothing new is kept";
  }
  return "";
}

}  // namespace

bool Runner::is_healthy() { return !is_stopping_ && node_.is_healthy(steady_now()); }

TransportStats Runner::transport_stats() const {
  TransportStats stats = transport_.stats();
  if (threads_ != nullptr) threads_->add_figures(stats);
  return stats;
}

std::vector<ThreadFigures> Runner::threads() {
  return threads_ == nullptr ? std::vector<ThreadFigures>{} : threads_->figures();
}

node::Status Runner::status() {
  node::Status status = node_.status(steady_now());
  const TransportStats stats = transport_stats();
  status.counters.emplace_back("host.connections", stats.connections);
  status.counters.emplace_back("host.connections_accepted", stats.accepted);
  status.counters.emplace_back("host.pending", stats.pending);
  status.counters.emplace_back("host.accepted_total", stats.accepted_total);
  status.counters.emplace_back("host.accepted_secure_total", stats.accepted_secure_total);
  status.counters.emplace_back("host.dialled_total", stats.dialled_total);
  status.counters.emplace_back("host.dial_failures_total", stats.dial_failures_total);
  status.counters.emplace_back("host.refused_total", stats.refused_total);
  status.counters.emplace_back("host.refused_arrivals_total", stats.refused_arrivals_total);
  status.counters.emplace_back("host.refused_descriptors_total", stats.refused_descriptors_total);
  status.counters.emplace_back("host.refused_memory_total", stats.refused_memory_total);
  status.counters.emplace_back("host.slow_messages_total", stats.slow_messages_total);
  status.counters.emplace_back("host.side_floods_total", stats.side_floods_total);
  status.counters.emplace_back("host.pages_refused_total", stats.pages_refused_total);
  status.counters.emplace_back("host.frames_received_total", stats.frames_received_total);
  status.counters.emplace_back("host.frames_sent_total", stats.frames_sent_total);
  status.counters.emplace_back("host.bytes_received_total", stats.bytes_received_total);
  status.counters.emplace_back("host.bytes_sent_total", stats.bytes_sent_total);
  status.counters.emplace_back("host.tls_handshakes_total", stats.tls_handshakes_total);
  status.counters.emplace_back("host.tls_resumptions_total", stats.tls_resumptions_total);
  status.counters.emplace_back("host.tls_failures_total", stats.tls_failures_total);
  status.counters.emplace_back("host.memory_short", static_cast<std::uint64_t>(memory_.state()));
  status.counters.emplace_back("host.memory_budget_bytes", options_.memory.bytes);
  if (storage_ != nullptr) storage_->add_figures(status);
  admin_.add_figures(status);
  return status;
}

void Runner::look_at_memory() {
  memory_timer_.start(options_.memory_looks_every);
  const Instant now = steady_now();
  const node::MemoryState before = memory_.state();
  const node::MemoryState state = memory_.judge(read_resident_bytes());
  if (state != before) {
    transport_.set_memory_state(state);
    node_.on_memory(now, state);
    LogRecord record{state == node::MemoryState::plenty ? LogLevel::info : LogLevel::warning,
                     "host.memory",
                     ErrorCode::none,
                     {},
                     sentence_for(state)};
    perform(record);
  }
  if (state == node::MemoryState::plenty || now < memory_returned_at_) return;
  memory_returned_at_ = after(now, options_.memory_returned_every);
  return_freed_memory();
}

}  // namespace trestle::host
