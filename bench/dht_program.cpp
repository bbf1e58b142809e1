// A DHT of our nodes in one process, each on a thread of its own, over WebSockets on the loopback
// interface. Prints one JSON line, see dht_load.hpp.
//   dht_program [--nodes N] [--values N] [--in-flight N] [--seconds S]
//   dht_program --crash killed|frozen  half of them in a process of their own, which is killed, so
//                                      that their sockets close, or stopped: then they stay silent
//   dht_program --join URL --nodes N   that process

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dht_load.hpp"
#include "flags.hpp"
#include "service_network.hpp"
#include "trestle/host/clock.hpp"

namespace {

using namespace trestle;
using bench::die;

std::string key_of(std::size_t value) { return "bench/" + std::to_string(value); }

/// The network, and the gets that wait for operations of its nodes.
class Net {
 public:
  Net(std::size_t nodes, const std::string& bootstrap_url)
      : tickets_(nodes),
        network_(bootstrap_url, {}, [this](std::size_t index, const node::OperationEnded& ended) {
          on_ended(index, ended);
        }) {
    network_.add_many(nodes);
  }

  void put_all(const bench::DhtLoad& load) {
    for (std::size_t value = 0; value < load.values; ++value) {
      const std::string text = bench::value_text(load, value);
      auto& service = network_[value % network_.size()];
      const auto ended =
          service.put(key_of(value), to_bytes(as_bytes(text)), std::chrono::hours(1)).get();
      if (ended.code != ErrorCode::none) die("a put failed: " + std::string(name(ended.code)));
    }
  }

  /// A value that this node keeps itself ends in the same call, as it does with the others.
  void begin(std::size_t ticket, std::size_t index, std::size_t value) {
    host::Service& service = network_[index];
    service.post([this, &service, index, ticket, value] {
      const auto begun = service.node().get(host::steady_now(), key_of(value));
      if (begun) {
        tickets_[index].insert(*begun, ticket);
      } else {
        ends.tell(ticket, false);
      }
    });
  }

  bench::DhtEnds ends;

 private:
  void on_ended(std::size_t index, const node::OperationEnded& ended) {
    const std::size_t* ticket = tickets_[index].find(ended.operation);
    if (ticket == nullptr) return;
    const std::size_t told = *ticket;
    tickets_[index].erase(ended.operation);
    ends.tell(told, ended.record.has_value());
  }

  /// Of each node, touched by its own thread alone.
  std::vector<FlatMap<node::OperationId, std::size_t>> tickets_;
  bench::ServiceNetwork network_;
};

/// So many nodes in a process of their own, which have all found peers when the constructor
/// returns.
class OtherProcess {
 public:
  OtherProcess(std::size_t nodes, const std::string& bootstrap_url) {
    int ready[2];
    if (::pipe(ready) != 0) die("no pipe");
    const std::string count = std::to_string(nodes);
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ready[1], STDOUT_FILENO);
      ::close_range(STDERR_FILENO + 1, ~0U, 0);  // our sockets are not its own
      ::execl("/proc/self/exe", "dht_program", "--join", bootstrap_url.c_str(), "--nodes",
              count.c_str(), nullptr);
      std::_Exit(1);
    }
    ::close(ready[1]);
    char said = 0;
    if (::read(ready[0], &said, 1) != 1) die("the other process does not start");
    ::close(ready[0]);
  }
  ~OtherProcess() {
    signal(SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  void signal(int number) { ::kill(child_, number); }

 private:
  pid_t child_ = 0;
};

int join(std::size_t nodes, const std::string& bootstrap_url) {
  const Net net(nodes, bootstrap_url);
  std::puts("ready");
  std::fflush(stdout);
  while (true) ::pause();
}

int measure(const bench::DhtLoad& load) {
  const auto bootstrap = bench::run_bootstrap();
  Net net(load.nodes, (*bootstrap)->address());
  net.put_all(load);
  const int result = bench::run_dht_load(
      load, net.ends, [&](std::size_t ticket, std::size_t node, std::size_t value) {
        net.begin(ticket, node, value);
      });
  // Sixty-five goodbyes take their time and are not measured.
  std::fflush(nullptr);
  std::_Exit(result);
}

int measure_crash(const std::string& end) {
  const bench::DhtLoad load = bench::crash_load();
  const auto bootstrap = bench::run_bootstrap();
  Net net(load.askers, (*bootstrap)->address());
  OtherProcess others(load.nodes - load.askers, (*bootstrap)->address());
  net.put_all(load);
  const int result = bench::run_dht_crash(
      load, net.ends,
      [&](std::size_t ticket, std::size_t node, std::size_t value) {
        net.begin(ticket, node, value);
      },
      [&] { others.signal(end == "frozen" ? SIGSTOP : SIGKILL); });
  others.signal(SIGKILL);
  std::fflush(nullptr);
  std::_Exit(result);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::DhtLoad load;
  load.nodes = load.askers = static_cast<std::size_t>(flags.number("nodes", 64));
  load.values = static_cast<std::size_t>(flags.number("values", 200));
  load.in_flight = static_cast<std::size_t>(flags.number("in-flight", 16));
  load.seconds = static_cast<double>(flags.number("seconds", 5));
  const std::string bootstrap_url = flags.text("join");
  if (!bootstrap_url.empty()) return join(load.nodes, bootstrap_url);
  const std::string end = flags.text("crash");
  return end.empty() ? measure(load) : measure_crash(end);
}
