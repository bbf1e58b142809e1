#include "service_network.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace trestle::bench {

std::unique_ptr<host::Service> created(Result<std::unique_ptr<host::Service>, std::string>&& made) {
  if (!made) die(made.error());
  return std::move(*made);
}

RunningService::RunningService(std::unique_ptr<host::Service> service)
    : service_(std::move(service)), thread_([this] { service_->run(); }) {}

RunningService::~RunningService() {
  service_->stop();
  thread_.join();
}

std::unique_ptr<RunningService> run_bootstrap() {
  node::BootstrapOptions options;
  options.genesis = true;
  return std::make_unique<RunningService>(
      created(host::Service::create({}, host::make<node::BootstrapNode>(options))));
}

ServiceNetwork::ServiceNetwork(std::string bootstrap_url, node::NodeOptions wanted,
                               OnEnded on_ended)
    : bootstrap_url_(std::move(bootstrap_url)),
      wanted_(std::move(wanted)),
      on_ended_(std::move(on_ended)) {
  wanted_.bootstrap_urls = {bootstrap_url_};
}

void ServiceNetwork::add(std::size_t links) {
  host::ServiceOptions options;
  const std::size_t index = nodes_.size();
  if (on_ended_) {
    options.runner.hooks.on_operation_ended = [this, index](const node::OperationEnded& ended) {
      on_ended_(index, ended);
    };
  }
  nodes_.push_back(std::make_unique<RunningService>(
      created(host::Service::create(options, host::make<node::DhtNode>(wanted_)))));
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((*nodes_[index])->status().get().peers.size() < std::min(index, links)) {
    if (std::chrono::steady_clock::now() > give_up) {
      die("node " + std::to_string(index) + " finds no peers");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

std::uint64_t ServiceNetwork::counter(std::string_view name) {
  std::uint64_t sum = 0;
  for (const auto& one : nodes_) {
    for (const auto& [counter, value] : (*one)->status().get().counters) {
      if (counter == name) sum += value;
    }
  }
  return sum;
}

}  // namespace trestle::bench
