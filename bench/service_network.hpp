#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "die.hpp"
#include "trestle/host/service.hpp"
#include "trestle/node/options.hpp"

namespace trestle::bench {

/// What was created, or the end of the program.
std::unique_ptr<host::Service> created(Result<std::unique_ptr<host::Service>, std::string>&& made);

/// A service on a thread of its own, until it is destroyed.
class RunningService {
 public:
  explicit RunningService(std::unique_ptr<host::Service> service);
  ~RunningService();

  host::Service& operator*() const { return *service_; }
  host::Service* operator->() const { return service_.get(); }

 private:
  std::unique_ptr<host::Service> service_;
  std::thread thread_;
};

/// A bootstrap node of our own, which begins an open network.
std::unique_ptr<RunningService> run_bootstrap();

/// Nodes of one open network in this process, each on a thread of its own, over WebSockets on the
/// loopback interface. They start one after the other; each has links when the next one does.
class ServiceNetwork {
 public:
  using OnEnded = std::function<void(std::size_t node, const node::OperationEnded& ended)>;

  explicit ServiceNetwork(std::string bootstrap_url, node::NodeOptions wanted = {},
                          OnEnded on_ended = {});

  /// Starts one more, which has `links` links, or as many as there are others, when this returns.
  void add(std::size_t links = 3);
  void add_many(std::size_t nodes) {
    for (std::size_t count = 0; count < nodes; ++count) add();
  }

  std::size_t size() const { return nodes_.size(); }
  host::Service& operator[](std::size_t index) { return **nodes_[index]; }
  /// The sum of a figure of `/status` over all nodes.
  std::uint64_t counter(std::string_view name);

 private:
  std::string bootstrap_url_;
  node::NodeOptions wanted_;
  OnEnded on_ended_;
  std::vector<std::unique_ptr<RunningService>> nodes_;
};

}  // namespace trestle::bench
