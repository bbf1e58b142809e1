// Simulated streams through real TLS. OpenSSL draws its own entropy, so that no seed repeats the
// bytes; what comes of them is the same all the same.

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sim/fake_node.hpp"
#include "tls/party.hpp"
#include "trestle/sim/line_cipher.hpp"
#include "trestle/sim/trial.hpp"
#include "trestle/tls/engine.hpp"

namespace trestle::sim::test {
namespace {

class EngineCipher : public LineCipher {
 public:
  template <typename... Given>
  explicit EngineCipher(Given&&... given) : engine_(given...), room_(kRoomBytes) {}

  std::size_t send(ByteSpan plaintext) override { return engine_.send(plaintext); }
  void close() override { engine_.close(); }
  void receive(ByteSpan ciphertext) override { engine_.receive(ciphertext); }
  std::span<std::uint8_t> plaintext() override { return engine_.plaintext(room_); }
  ByteSpan ciphertext() const override { return engine_.ciphertext(); }
  void consume(std::size_t bytes) override { engine_.consume(bytes); }
  bool has_failed() const override { return engine_.state() == tls::State::failed; }

 private:
  static constexpr std::size_t kRoomBytes = std::size_t{64} * 1024;

  tls::Engine engine_;
  Bytes room_;
};

class EngineCiphers : public LineCipherSource {
 public:
  std::unique_ptr<LineCipher> dialler() override {
    ++made;
    return std::make_unique<EngineCipher>(contexts_.dialling, contexts_.here);
  }
  std::unique_ptr<LineCipher> acceptor() override {
    return std::make_unique<EngineCipher>(contexts_.accepting);
  }

  std::size_t made = 0;

 private:
  trestle::test::Contexts contexts_;
};

TEST_CASE("messages pass a line of TLS in both directions, and a close ends it in order") {
  EngineCiphers ciphers;
  WorldOptions options = Bench::plain(1);
  options.network.carriage = Carriage::bytes;
  options.network.ciphers = &ciphers;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  for (std::size_t number = 0; number < 50; ++number) {
    bench.send(a, near, std::string(1000 * number, 'a'));
    bench.send(b, far, std::string(500 * number, 'b'));
  }
  bench.world.run_for(10s);
  const auto heard = bench[b].of(Heard::Kind::frame);
  REQUIRE(heard.size() == 50);
  for (std::size_t number = 0; number < 50; ++number) {
    CHECK(heard[number].text == std::string(1000 * number, 'a'));
  }
  CHECK(bench[a].count(Heard::Kind::frame) == 50);
  bench.close(b, far);
  bench.world.run_for(1s);
  REQUIRE(bench[a].count(Heard::Kind::closed) == 1);
  CHECK(bench[a].heard.back().number == 1000);
  CHECK_FALSE(bench.world.violation().has_value());
  CHECK(bench.world.network().connections_in_use() == 0);
  CHECK(bench.world.network().stream_bytes() == 0);
}

TEST_CASE("a whole network over TLS becomes whole, in calm weather and in a storm") {
  for (const Weather weather : {Weather::calm, Weather::storm}) {
    EngineCiphers ciphers;
    PlanRequest request;
    request.seed = 6;
    request.nodes = 11;  // the bootstrap node, two bridges, eight members
    request.bridges = 2;
    request.minutes = 3;
    request.weather = weather;
    request.strict = weather == Weather::calm;
    request.bytes = true;
    Plan plan = make_plan(request);
    plan.world.network.ciphers = &ciphers;
    Trial trial(plan);
    const bool good = trial.run();
    INFO(trial.failure());
    CHECK(good);
    CHECK(ciphers.made > 20);
    CHECK(trial.world().stats().joins >= 10);
    CHECK(trial.acknowledged().stats().reads > 0);
    if (weather == Weather::calm) CHECK(trial.acknowledged().stats().misses == 0);
  }
}

}  // namespace
}  // namespace trestle::sim::test
