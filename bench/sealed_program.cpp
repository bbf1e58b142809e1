// What sealing costs, and checking what was seen: two networks in this process, one whose values
// are sealed for it and one without a key; sealed_program [--nodes N] [--rounds N]. Each round puts
// a kilobyte through one node and gets it through another, once in either network. Then every node
// of the sealed one reads a hundred values, and reads them again. Prints one JSON line.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "flags.hpp"
#include "nanoseconds.hpp"
#include "service_network.hpp"
#include "trestle/crypto/network_key.hpp"

namespace {

using namespace trestle;

constexpr std::size_t kValueBytes = 1000;
constexpr std::size_t kReadValues = 100;

node::NodeOptions with_key() {
  crypto::Suite suite;
  node::NodeOptions options;
  options.values.network_keys.renew(suite);
  return options;
}

void put(host::Service& service, const std::string& key, crypto::Audience audience) {
  node::PutOptions options;
  options.audience = audience;
  const auto ended = service.put_as(key, Bytes(kValueBytes, 'v'), options).get();
  if (ended.code != ErrorCode::none) bench::die("put: " + std::string(name(ended.code)));
  const auto sealed_for = ended.audience.value_or(crypto::Audience::everybody);
  if (sealed_for != audience) bench::die("not sealed as it was wanted");
}

void get(host::Service& service, const std::string& key) {
  const auto ended = service.get(key).get();
  if (!ended.record) bench::die("get: " + std::string(name(ended.code)));
}

struct Net {
  Net(const node::NodeOptions& options, crypto::Audience values_are_for, std::size_t nodes)
      : audience(values_are_for),
        bootstrap(bench::run_bootstrap()),
        network((*bootstrap)->address(), options) {
    network.add_many(nodes);
  }

  void round(std::size_t writer, std::size_t reader, const std::string& key) {
    const std::uint64_t begun = nanoseconds();
    put(network[writer], key, audience);
    const std::uint64_t acknowledged = nanoseconds();
    get(network[reader], key);
    puts.push_back(static_cast<std::uint32_t>(acknowledged - begun));
    both.push_back(static_cast<std::uint32_t>(nanoseconds() - begun));
  }
  static std::uint64_t nanoseconds() { return bench::nanoseconds(); }

  crypto::Audience audience;
  std::unique_ptr<bench::RunningService> bootstrap;
  bench::ServiceNetwork network;
  std::vector<std::uint32_t> puts;
  std::vector<std::uint32_t> both;
};

/// Every node reads every value once: checks made meanwhile, by all nodes together, for each read.
double checks_of_reads(bench::ServiceNetwork& network) {
  const std::uint64_t before = network.counter("verify.checked_total");
  for (std::size_t node = 0; node < network.size(); ++node) {
    for (std::size_t value = 0; value < kReadValues; ++value) {
      get(network[node], "read/" + std::to_string(value));
    }
  }
  const auto checks = static_cast<double>(network.counter("verify.checked_total") - before);
  return checks / static_cast<double>(network.size() * kReadValues);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const auto nodes = static_cast<std::size_t>(flags.number("nodes", 32));
  Net plain({}, crypto::Audience::everybody, nodes);
  Net sealed(with_key(), crypto::Audience::network, nodes);

  std::mt19937_64 random(7);
  const long rounds = flags.number("rounds", 400);
  for (long round = 0; round < rounds; ++round) {
    const std::size_t writer = random() % nodes;
    const std::size_t reader = (writer + 1 + random() % (nodes - 1)) % nodes;
    const std::string key = "round/" + std::to_string(round);
    Net& first = round % 2 == 0 ? plain : sealed;
    Net& second = round % 2 == 0 ? sealed : plain;
    first.round(writer, reader, key);
    second.round(writer, reader, key);
  }

  for (std::size_t value = 0; value < kReadValues; ++value) {
    put(sealed.network[value % nodes], "read/" + std::to_string(value), sealed.audience);
  }
  const double when_new = checks_of_reads(sealed.network);
  const double when_seen = checks_of_reads(sealed.network);
  std::printf(
      "{\"plain_us\": %.1f, \"sealed_us\": %.1f, \"plain_put_us\": %.1f, \"sealed_put_us\": %.1f, "
      "\"checks_when_new\": %.4f, \"checks_when_seen\": %.6f}\n",
      bench::quantile_us(plain.both, 500), bench::quantile_us(sealed.both, 500),
      bench::quantile_us(plain.puts, 500), bench::quantile_us(sealed.puts, 500), when_new,
      when_seen);
  // The goodbyes of all of them take their time and are not measured.
  std::fflush(nullptr);
  std::_Exit(0);
}
