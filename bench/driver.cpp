#include "driver.hpp"

#include <cstdio>
#include <utility>

#include <sys/resource.h>

#include "die.hpp"
#include "tls_flags.hpp"

namespace trestle::bench {
namespace {

/// Twelve thousand connections and some files; the runner raises the bound to what is allowed.
constexpr rlim_t kDescriptors = 30'000;
constexpr std::size_t kConnectionsMax = 12'000;
constexpr std::size_t kPendingMax = 2048;

}  // namespace

Driver::Driver(wire::Role role, const Flags& flags)
    : keys_(suite_.generate()),
      log_({.level = LogLevel::error}),
      transport_(flags.text("transport")),
      threads_(static_cast<std::size_t>(flags.number("threads", 0))) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(kDescriptors, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);

  local_.identity = {keys_.key, crypto::node_id_of(suite_, keys_.key)};
  local_.role = role;
  local_.network = "bench";
  local_.bridge_secret = to_bytes(as_bytes("bench"));
  tls_ = std::make_unique<host::Tls>(tls_of(flags));
  host::EventLoopOptions loop_options;
  loop_options.tls = tls_.get();
  auto loop = host::EventLoop::create(loop_options);
  if (!loop) die(loop.error());
  loop_ = std::move(*loop);
}

Driver::~Driver() = default;

void Driver::attach(node::Node& node) {
  host::RunnerOptions options;
  options.transport.connections_max = kConnectionsMax;
  options.transport.pending_max = kPendingMax;
  if (transport_ == "raw") options.transport.kind = host::TransportKind::raw;
  if (transport_ == "library") options.transport.kind = host::TransportKind::library;
  options.threads.threads = threads_;
  runner_ = std::make_unique<host::Runner>(*loop_, node, suite_, keys_, log_, options);
  if (const auto started = runner_->start_threads(); !started) die(started.error());
}

void Driver::listen() {
  auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
  if (!socket) die(socket.error());
  const int port = socket->address().port;
  runner_->listen(std::move(*socket),
                  tls_->accepts() ? host::Security::tls : host::Security::plain);
  std::printf("ready %d\n", port);
  std::fflush(stdout);
}

void Driver::run() {
  runner_->start();
  loop_->run();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace trestle::bench
