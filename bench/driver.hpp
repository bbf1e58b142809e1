#pragma once

#include <memory>
#include <string>

#include "flags.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

/// What a measuring program needs to run a node on real sockets: the programs' own loop, runner and
/// transport (`--transport library|raw`; the programs' default without; `--threads N` beside its
/// own for what it dials), and keys made at start. With `--cert FILE --key FILE` it accepts TLS,
/// with `--ca FILE` it dials it.
class Driver {
 public:
  Driver(wire::Role role, const Flags& flags);
  ~Driver();

  const link::LocalPeer& local() const { return local_; }
  crypto::Suite& suite() { return suite_; }
  host::EventLoop& loop() { return *loop_; }

  /// Takes the node that is to be run. Once.
  void attach(node::Node& node);
  /// Listens on a free port of the loopback interface and prints `ready PORT`.
  void listen();
  void run();
  void stop() { loop_->stop(); }

 private:
  crypto::Suite suite_;
  crypto::KeyPair keys_;
  link::LocalPeer local_;
  host::Log log_;
  std::string transport_;
  std::size_t threads_;
  std::unique_ptr<host::Tls> tls_;
  std::unique_ptr<host::EventLoop> loop_;
  std::unique_ptr<host::Runner> runner_;
};

/// CPU seconds of this process so far, kernel included.
double cpu_seconds();

}  // namespace trestle::bench
