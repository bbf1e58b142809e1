// The same DHT load on OpenDHT, a runner a node, over UDP. Run in a network namespace where
// 11.0.0.1 to 11.0.0.N are addresses of the loopback interface: OpenDHT rewrites loopback contacts.
// With the argument `crash`, half of the runners are ended, which says no goodbye.

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <opendht.h>

#include "../dht_load.hpp"

namespace {

using trestle::bench::DhtEnds;
using trestle::bench::DhtLoad;

constexpr std::uint16_t kPort = 4222;

std::string address_of(std::size_t index) { return "11.0.0." + std::to_string(index + 1); }

class Net {
 public:
  explicit Net(const DhtLoad& load) : load_(load) {
    for (std::size_t index = 0; index < load.nodes; ++index) {
      dht::DhtRunner::Config config;
      config.threaded = true;
      auto& node = config.dht_config.node_config;
      // The engine is measured, not its limits.
      node.max_req_per_sec = -1;
      node.max_peer_req_per_sec = -1;
      node.max_searches = -1;
      node.max_store_size = -1;
      node.max_store_keys = -1;
      runners_.push_back(std::make_unique<dht::DhtRunner>());
      config.bind4.setFamily(AF_INET);
      config.bind4.setAddress(address_of(index).c_str());
      config.bind4.setPort(kPort);
      runners_[index]->run(config, {});
      if (index > 0) runners_[index]->bootstrap(address_of(index / 2), std::to_string(kPort));
    }
    std::this_thread::sleep_for(std::chrono::seconds(10));
  }

  void put_all() {
    std::atomic<std::size_t> done{0};
    for (std::size_t value = 0; value < load_.values; ++value) {
      const std::string text = trestle::bench::value_text(load_, value);
      keys_.push_back(dht::InfoHash::get("bench/" + std::to_string(value)));
      runners_[value % load_.nodes]->put(
          keys_[value],
          std::make_shared<dht::Value>(reinterpret_cast<const std::uint8_t*>(text.data()),
                                       text.size()),
          [&](bool) { ++done; });
    }
    for (int tries = 0; done < load_.values && tries < 1000; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// Ends at the first value, or when the search has found nothing.
  void begin(std::size_t ticket, std::size_t node, std::size_t value) {
    auto told = std::make_shared<std::atomic<bool>>(false);
    runners_[node]->get(
        keys_[value],
        [this, ticket, told](const std::vector<std::shared_ptr<dht::Value>>& values) {
          if (values.empty()) return true;
          if (!told->exchange(true)) ends.tell(ticket, true);
          return false;
        },
        [this, ticket, told](bool) {
          if (!told->exchange(true)) ends.tell(ticket, false);
        });
  }

  /// All at the same moment: each has to wait for its threads.
  void kill_half() {
    std::vector<std::thread> ending;
    for (std::size_t index = load_.askers; index < load_.nodes; ++index) {
      ending.emplace_back([this, index] { runners_[index]->join(); });
    }
    for (std::thread& one : ending) one.join();
  }

  DhtEnds ends;

 private:
  DhtLoad load_;
  std::vector<std::unique_ptr<dht::DhtRunner>> runners_;
  std::vector<dht::InfoHash> keys_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool is_crash = trestle::bench::is_crash_wanted(argc, argv);
  const DhtLoad load = is_crash ? trestle::bench::crash_load() : DhtLoad{};
  Net net(load);
  net.put_all();
  const auto begin = [&](std::size_t ticket, std::size_t node, std::size_t value) {
    net.begin(ticket, node, value);
  };
  const int result =
      is_crash ? trestle::bench::run_dht_crash(load, net.ends, begin, [&] { net.kill_half(); })
               : trestle::bench::run_dht_load(load, net.ends, begin);
  std::fflush(nullptr);
  std::_Exit(result);
}
