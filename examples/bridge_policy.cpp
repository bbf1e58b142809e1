// A bridge whose owner decides whom to admit and who goes first. The rules are one small class,
// house_rules.hpp; here it serves on real sockets, churn_study.cpp tries it in the simulator.
//
//   bridge_policy
//
// Starts the bridge, a bootstrap node and six newcomers on 127.0.0.x, prints how each of them
// fared, and ends with 0 if it was as the rules say.

#include <cstdio>
#include <cstdlib>
#include <future>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "house_rules.hpp"
#include "trestle/trestle.hpp"

using namespace trestle;
using namespace std::chrono_literals;

/// A node on a thread of its own. It tells its first fate: joined, or why it was turned away.
class Peer {
 public:
  Peer(const host::HostPort& listen, const host::Service::MakeNode& make_node) {
    host::ServiceOptions options{.listen = listen};
    options.runner.hooks.on_joined = [this](const node::Joined&) { tell("joined"); };
    options.runner.hooks.on_log = [this](const LogRecord& record) {
      const bool is_verdict =
          record.code == ErrorCode::refused || record.code == ErrorCode::rate_limited;
      if (record.event != "join.refused" || !is_verdict) return;
      tell(std::string(name(record.code)) + ", " + record.detail);
    };
    auto made = host::Service::create(options, make_node);
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().c_str());
      std::exit(1);
    }
    service_ = std::move(*made);
    thread_ = std::jthread([this] { service_->run(); });
  }
  ~Peer() { service_->stop(); }  // then the thread is joined

  host::Service& service() { return *service_; }
  std::string fate() {
    const bool is_known = future_.wait_for(10s) == std::future_status::ready;
    return is_known ? future_.get() : "nothing happened";
  }

 private:
  void tell(const std::string& fate) {
    if (!std::exchange(is_told_, true)) promise_.set_value(fate);
  }

  bool is_told_ = false;  // the node's thread alone
  std::promise<std::string> promise_;
  std::future<std::string> future_ = promise_.get_future();
  std::unique_ptr<host::Service> service_;
  std::jthread thread_;
};

int main() {
  // Bridge and bootstrap are told of each other, so one of the two needs a port beforehand.
  const host::HostPort bridge_listens = host::ListeningSocket::open({"127.0.0.2", 0})->address();
  node::BootstrapOptions bootstrap_options;
  bootstrap_options.genesis = true;
  bootstrap_options.bridges = {{{"ws://" + host::to_text(bridge_listens) + "/"}}};
  bootstrap_options.bridge_secret = to_bytes(as_bytes("what bootstrap and bridge share"));
  Peer bootstrap({"127.0.0.1", 0}, host::make<node::BootstrapNode>(bootstrap_options));

  // The owner's side: a policy, lent to the bridge.
  HouseRules rules({.banned_hosts = {"127.0.0.13"}, .per_host_max = 2});
  node::BridgeOptions bridge_options;
  bridge_options.bootstrap_urls = {bootstrap.service().address()};
  bridge_options.bridge_secret = bootstrap_options.bridge_secret;
  bridge_options.admission = &rules;
  Peer bridge(bridge_listens, host::make<node::BridgeNode>(bridge_options));
  for (int tries = 0; tries < 200; ++tries) {
    if (bootstrap.service().status().get().bridges.at(0).state == "connected") break;
    std::this_thread::sleep_for(50ms);
  }

  node::NodeOptions member;
  member.bootstrap_urls = bridge_options.bootstrap_urls;

  struct Newcomer {
    const char* host;
    const char* expected;
  };
  const Newcomer newcomers[] = {
      {"127.0.0.10", "joined"},  {"127.0.0.11", "joined"},       {"127.0.0.66", "joined"},
      {"127.0.0.66", "joined"},  {"127.0.0.66", "RATE_LIMITED"},  // the third within a minute
      {"127.0.0.13", "REFUSED"},                                  // banned
  };
  std::list<Peer> peers;
  int surprises = 0;
  for (const Newcomer& newcomer : newcomers) {
    peers.emplace_back(host::HostPort{newcomer.host, 0}, host::make<node::DhtNode>(member));
    const std::string fate = peers.back().fate();
    const bool is_expected = fate.starts_with(newcomer.expected);
    surprises += is_expected ? 0 : 1;
    std::printf("%-11s %s%s\n", newcomer.host, fate.c_str(), is_expected ? "" : "  (unexpected)");
  }
  return surprises == 0 ? 0 : 1;
}
