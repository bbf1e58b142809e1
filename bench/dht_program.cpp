// A DHT of our nodes in one process, each on a thread of its own, over WebSockets on the loopback
// interface: dht_program [--nodes N] [--values N] [--in-flight N] [--seconds S]. Prints one JSON
// line, see dht_load.hpp.

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "dht_load.hpp"
#include "flags.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/service.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace {

using namespace trestle;

[[noreturn]] void die(const std::string& reason) {
  std::fprintf(stderr, "%s\n", reason.c_str());
  std::exit(1);
}

std::string key_of(std::size_t value) { return "bench/" + std::to_string(value); }

/// One node and the gets that wait for its operations. All but `begin` happens on its own thread.
struct Member {
  std::unique_ptr<host::Service> service;
  FlatMap<node::OperationId, std::size_t> tickets;
};

class Net {
 public:
  explicit Net(const bench::DhtLoad& load) : load_(load), members_(load.nodes) {
    node::BootstrapOptions bootstrap;
    bootstrap.genesis = true;
    bootstrap_ = created(host::Service::create({}, host::make<node::BootstrapNode>(bootstrap)));
    threads_.emplace_back([this] { bootstrap_->run(); });
    for (std::size_t index = 0; index < load.nodes; ++index) {
      node::NodeOptions options;
      options.bootstrap_urls = {bootstrap_->address()};
      host::ServiceOptions service;
      service.runner.hooks.on_operation_ended = [this, index](const node::OperationEnded& ended) {
        Member& member = members_[index];
        const std::size_t* ticket = member.tickets.find(ended.operation);
        if (ticket == nullptr) return;
        const std::size_t told = *ticket;
        member.tickets.erase(ended.operation);
        ends.tell(told, ended.record.has_value());
      };
      members_[index].service =
          created(host::Service::create(service, host::make<node::DhtNode>(options)));
      threads_.emplace_back([this, index] { members_[index].service->run(); });
      wait_for_links(index);
    }
  }
  ~Net() {
    for (Member& member : members_) member.service->stop();
    bootstrap_->stop();
    for (std::thread& thread : threads_) thread.join();
  }

  void put_all() {
    for (std::size_t value = 0; value < load_.values; ++value) {
      const std::string text = bench::value_text(load_, value);
      auto& service = *members_[value % load_.nodes].service;
      const auto ended =
          service.put(key_of(value), to_bytes(as_bytes(text)), std::chrono::hours(1)).get();
      if (ended.code != ErrorCode::none) die("a put failed: " + std::string(name(ended.code)));
    }
  }

  /// A value that this node keeps itself ends in the same call, as it does with the others.
  void begin(std::size_t ticket, std::size_t index, std::size_t value) {
    Member& member = members_[index];
    member.service->post([this, &member, ticket, value] {
      const auto begun = member.service->node().get(host::steady_now(), key_of(value));
      if (begun) {
        member.tickets.insert(*begun, ticket);
      } else {
        ends.tell(ticket, false);
      }
    });
  }

  bench::DhtEnds ends;

 private:
  static std::unique_ptr<host::Service> created(
      Result<std::unique_ptr<host::Service>, std::string>&& made) {
    if (!made) die(made.error());
    return std::move(*made);
  }
  void wait_for_links(std::size_t index) {
    const std::size_t wanted = std::min<std::size_t>(index, 3);
    for (int tries = 0; tries < 1000; ++tries) {
      if (members_[index].service->status().get().peers.size() >= wanted) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    die("node " + std::to_string(index) + " finds no peers");
  }

  bench::DhtLoad load_;
  std::unique_ptr<host::Service> bootstrap_;
  std::vector<Member> members_;
  std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::DhtLoad load;
  load.nodes = static_cast<std::size_t>(flags.number("nodes", 64));
  load.values = static_cast<std::size_t>(flags.number("values", 200));
  load.in_flight = static_cast<std::size_t>(flags.number("in-flight", 16));
  load.seconds = static_cast<double>(flags.number("seconds", 5));
  Net net(load);
  net.put_all();
  const int result = bench::run_dht_load(
      load, net.ends, [&](std::size_t ticket, std::size_t node, std::size_t value) {
        net.begin(ticket, node, value);
      });
  // Sixty-five goodbyes take their time and are not measured.
  std::fflush(nullptr);
  std::_Exit(result);
}
