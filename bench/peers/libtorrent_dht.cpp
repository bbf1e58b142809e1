// The same DHT load on libtorrent: immutable items (BEP 44), a session a node, over UDP. Run in a
// network namespace where 11.0.0.1 to 11.0.0.N are addresses of the loopback interface: libtorrent
// ignores nodes on loopback addresses. With the argument `crash`, half of the sessions are aborted,
// which says no goodbye.

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/kademlia/dht_state.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>

#include "../dht_load.hpp"

namespace {

namespace lt = libtorrent;
using trestle::bench::DhtEnds;
using trestle::bench::DhtLoad;

constexpr int kPort = 6881;

std::string address_of(std::size_t index) { return "11.0.0." + std::to_string(index + 1); }

/// An id that belongs to the address (BEP 42): a node that begins with another one changes it as
/// soon as it hears its address, and its neighbours look for the old one for minutes.
lt::sha1_hash id_of(std::size_t index) {
  const std::uint8_t salt = static_cast<std::uint8_t>(index * 37);
  const std::uint8_t address[] = {static_cast<std::uint8_t>((11 & 0x03) | (salt & 7) << 5), 0, 0,
                                  static_cast<std::uint8_t>(index + 1)};
  std::uint32_t crc = 0xffffffff;  // CRC-32C
  for (const std::uint8_t byte : address) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc;
  std::mt19937 random(static_cast<unsigned>(index));
  lt::sha1_hash id;
  for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(random());
  id[0] = static_cast<std::uint8_t>(crc >> 24);
  id[1] = static_cast<std::uint8_t>(crc >> 16);
  id[2] = static_cast<std::uint8_t>((crc >> 8 & 0xf8) | (id[2] & 7));
  id[19] = salt;
  return id;
}

lt::session_params params_of(std::size_t index) {
  lt::session_params params;
  params.dht_state.nids.emplace_back(lt::make_address(address_of(index)), id_of(index));
  lt::settings_pack& pack = params.settings;
  pack.set_int(lt::settings_pack::alert_mask,
               lt::alert_category::dht | lt::alert_category::dht_operation);
  pack.set_int(lt::settings_pack::alert_queue_size, 100'000);
  pack.set_str(lt::settings_pack::listen_interfaces,
               address_of(index) + ":" + std::to_string(kPort));
  pack.set_str(lt::settings_pack::dht_bootstrap_nodes, "");
  // Later: a DHT that starts with its session does not see the id it was given.
  pack.set_bool(lt::settings_pack::enable_dht, false);
  pack.set_bool(lt::settings_pack::enable_lsd, false);
  pack.set_bool(lt::settings_pack::enable_upnp, false);
  pack.set_bool(lt::settings_pack::enable_natpmp, false);
  // The engine is measured, not its limits.
  pack.set_bool(lt::settings_pack::dht_restrict_routing_ips, false);
  pack.set_bool(lt::settings_pack::dht_restrict_search_ips, false);
  pack.set_bool(lt::settings_pack::dht_prefer_verified_node_ids, false);
  pack.set_bool(lt::settings_pack::dht_enforce_node_id, false);
  pack.set_bool(lt::settings_pack::dht_ignore_dark_internet, false);
  pack.set_int(lt::settings_pack::dht_block_ratelimit, 1'000'000);
  pack.set_int(lt::settings_pack::dht_upload_rate_limit, 100'000'000);
  pack.set_int(lt::settings_pack::dht_max_dht_items, 10'000);
  return params;
}

/// Sessions and the gets that wait for their answers.
class Net {
 public:
  explicit Net(const DhtLoad& load) : load_(load), waiting_(load.nodes), locks_(load.nodes) {
    for (std::size_t index = 0; index < load.nodes; ++index) {
      sessions_.push_back(std::make_unique<lt::session>(params_of(index)));
      lt::settings_pack with_dht;
      with_dht.set_bool(lt::settings_pack::enable_dht, true);
      sessions_[index]->apply_settings(with_dht);
      // Called on the session's own thread; another one looks at what came.
      sessions_[index]->set_alert_notify([this, index] { arrived(index); });
    }
    for (std::size_t index = 0; index < load.nodes; ++index) {
      for (std::size_t step = 1; step <= 8; ++step) {
        sessions_[index]->add_dht_node({address_of((index + step) % load.nodes), kPort});
      }
    }
    std::this_thread::sleep_for(std::chrono::seconds(8));
    reader_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
  }

  void put_all() {
    for (std::size_t value = 0; value < load_.values; ++value) {
      targets_.push_back(sessions_[value % load_.nodes]->dht_put_item(
          lt::entry(trestle::bench::value_text(load_, value))));
    }
    std::this_thread::sleep_for(std::chrono::seconds(3));
  }

  void begin(std::size_t ticket, std::size_t node, std::size_t value) {
    {
      const std::lock_guard lock(locks_[node]);
      waiting_[node].emplace(targets_[value], ticket);
    }
    sessions_[node]->dht_get_item(targets_[value]);
  }

  void kill_half() {
    for (std::size_t index = load_.askers; index < load_.nodes; ++index) {
      ending_.push_back(sessions_[index]->abort());
    }
  }

  DhtEnds ends;

 private:
  void arrived(std::size_t index) {
    const std::lock_guard lock(mutex_);
    busy_.push_back(index);
    told_.notify_one();
  }
  void read(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<std::size_t> busy;
      {
        std::unique_lock lock(mutex_);
        told_.wait_for(lock, std::chrono::milliseconds(100), [&] { return !busy_.empty(); });
        busy.swap(busy_);
      }
      for (const std::size_t index : busy) read(index);
    }
  }
  void read(std::size_t index) {
    std::vector<lt::alert*> alerts;
    sessions_[index]->pop_alerts(&alerts);
    for (const lt::alert* alert : alerts) {
      const auto* item = lt::alert_cast<lt::dht_immutable_item_alert>(alert);
      if (item == nullptr) continue;
      // Two gets of one value at one node are told one by one.
      std::size_t ticket = 0;
      {
        const std::lock_guard lock(locks_[index]);
        const auto place = waiting_[index].find(item->target);
        if (place == waiting_[index].end()) continue;
        ticket = place->second;
        waiting_[index].erase(place);
      }
      ends.tell(ticket, item->item.type() != lt::entry::undefined_t);
    }
  }

  DhtLoad load_;
  std::vector<std::unique_ptr<lt::session>> sessions_;
  /// Of aborted ones; each waits in its destructor.
  std::vector<lt::session_proxy> ending_;
  std::vector<lt::sha1_hash> targets_;
  std::vector<std::unordered_multimap<lt::sha1_hash, std::size_t>> waiting_;
  std::vector<std::mutex> locks_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<std::size_t> busy_;
  std::jthread reader_;
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
