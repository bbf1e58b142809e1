// A service with a life of its own that embeds a dht-node: the node has its own thread and sockets,
// the service goes on with its work and talks to it through futures.
//
//   embed_service ws://bootstrap.example:8080      joins that network
//   embed_service                                  makes a small one in this process and joins it
//
// Publishes what the service computes, reads it back from the network, says goodbye, ends with 0.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "trestle/trestle.hpp"

using namespace trestle;

/// A node with the thread that runs it.
class Embedded {
 public:
  explicit Embedded(const host::Service::MakeNode& make_node) {
    auto made = host::Service::create({}, make_node);
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().c_str());
      std::exit(1);
    }
    service_ = std::move(*made);
    thread_ = std::jthread([this] { service_->run(); });
  }
  ~Embedded() { service_->stop(); }  // then the thread is joined
  host::Service* operator->() { return service_.get(); }

 private:
  std::unique_ptr<host::Service> service_;
  std::jthread thread_;
};

/// The service's own work.
unsigned primes_below(unsigned bound) {
  unsigned count = 0;
  for (unsigned number = 2; number < bound; ++number) {
    unsigned divisor = 2;
    while (divisor * divisor <= number && number % divisor != 0) ++divisor;
    count += divisor * divisor > number;
  }
  return count;
}

bool has_peers(host::Service& service) {
  for (int tries = 0; tries < 300; ++tries) {
    if (!service.status().get().peers.empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::fprintf(stderr, "no peer was found within 15 s\n");
  return false;
}

int main(int argc, char** argv) {
  node::NodeOptions wanted;
  std::vector<std::unique_ptr<Embedded>> others;
  if (argc > 1) {
    wanted.bootstrap_urls = {argv[1]};
  } else {
    others.push_back(
        std::make_unique<Embedded>(host::make<node::BootstrapNode>(node::BootstrapOptions{})));
    wanted.bootstrap_urls = {(*others[0])->address()};
    others.push_back(std::make_unique<Embedded>(host::make<node::DhtNode>(wanted)));
  }
  Embedded node(host::make<node::DhtNode>(wanted));
  std::printf("node %s listens on %s\n", node->id().to_hex().c_str(), node->address().c_str());
  if (!has_peers(*node.operator->())) return 1;

  for (const unsigned bound : {1'000u, 100'000u}) {
    const std::string key = "primes below " + std::to_string(bound);
    const std::string value = std::to_string(primes_below(bound));
    const auto put = node->put(key, to_bytes(as_bytes(value)), std::chrono::hours(1)).get();
    const auto got = node->get(key).get();
    if (put.code != ErrorCode::none || !got.record) return 1;
    const std::string read(as_text(got.record->value));
    std::printf("%s: %s, on %u nodes\n", key.c_str(), read.c_str(), put.replicas);
    if (read != value) return 1;
  }
  std::printf("links: %zu\n", node->status().get().peers.size());
  return 0;
}
