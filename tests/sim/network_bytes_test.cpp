// Streams that carry the bytes of the WebSocket codec, in random segments.

#include <algorithm>
#include <array>
#include <memory>

#include "catch.hpp"
#include "fake_node.hpp"
#include "trestle/sim/line_cipher.hpp"
#include "trestle/sim/stream_end.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

WorldOptions in_bytes(std::uint64_t seed) {
  WorldOptions options = Bench::plain(seed);
  options.network.carriage = Carriage::bytes;
  return options;
}

std::string message_of(std::size_t number, std::size_t bytes) {
  return std::to_string(number) + std::string(bytes, static_cast<char>('a' + number % 26));
}

std::uint64_t drained_of(FakeNode& node) {
  std::uint64_t sum = 0;
  for (const Heard& entry : node.of(Heard::Kind::drained)) sum += entry.number;
  return sum;
}

TEST_CASE("what is said is heard whole and in order, however the bytes are cut and joined") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    WorldOptions options = in_bytes(seed);
    options.network.latency = {LatencyKind::heavy_tail, 1ms, 200ms};
    options.network.loss_per_million = 20'000;
    Bench bench(options);
    const NodeIndex a = bench.add_started();
    const NodeIndex b = bench.add_started();
    const auto [near, far] = bench.connect(a, b);
    Rng rng(seed);
    std::array<std::vector<std::string>, 2> said;
    std::uint64_t bytes_said = 0;
    for (std::size_t number = 0; number < 200; ++number) {
      const bool is_long = rng.chance(1, 20);
      const std::uint64_t bytes = rng.below(is_long ? 70'000 : 400);
      const bool is_back = rng.chance(1, 2);
      const std::string text = message_of(number, static_cast<std::size_t>(bytes));
      bench.send(is_back ? b : a, is_back ? far : near, text);
      said[is_back ? 1 : 0].push_back(text);
      if (!is_back) bytes_said += text.size();
      if (rng.chance(1, 2)) bench.world.run_for(5ms);
    }
    bench.world.run_for(5min);

    CHECK_FALSE(bench.world.violation().has_value());
    for (const bool is_back : {false, true}) {
      const auto heard = bench[is_back ? a : b].of(Heard::Kind::frame);
      REQUIRE(heard.size() == said[is_back ? 1 : 0].size());
      for (std::size_t index = 0; index < heard.size(); ++index) {
        REQUIRE(heard[index].text == said[is_back ? 1 : 0][index]);
      }
    }
    CHECK(drained_of(bench[a]) == bytes_said);
    const NetworkStats& stats = bench.world.network().stats();
    CHECK(stats.segments_sent > stats.frames_sent);
    CHECK(stats.reads_joined > 20);
    CHECK(stats.reads_cut > 50);
    CHECK(bench.world.network().stream_bytes() == 0);
  }
}

TEST_CASE("a reader that stops stops the writer, and nothing is lost when it goes on") {
  WorldOptions options = in_bytes(1);
  options.network.send_buffer_bytes = 5000;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.pause(b);
  for (std::size_t number = 0; number < 20; ++number) bench.send(a, near, message_of(number, 998));
  bench.world.run_for(5min);
  CHECK(drained_of(bench[a]) == 4 * 999);  // the fifth is in the window with its beginning only
  CHECK(bench[a].count(Heard::Kind::closed) == 0);
  bench.world.resume(b);
  bench.world.run_for(1min);
  CHECK(bench[b].count(Heard::Kind::frame) == 20);
  CHECK(drained_of(bench[a]) == 10 * 999 + 10 * 1000);
}

TEST_CASE("a close is heard with its status and its reason, behind all that was said before") {
  Bench bench(in_bytes(2));
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const bool is_dialler = GENERATE(true, false);
  const NodeIndex closer = is_dialler ? a : b;
  const NodeIndex other = is_dialler ? b : a;
  const link::ConnectionId own = is_dialler ? near : far;
  bench.send(closer, own, "last");
  bench.close(closer, own);
  const std::size_t heard = bench[closer].heard.size();
  bench.world.run_for(1s);

  CHECK(bench[closer].heard.size() == heard);
  REQUIRE(bench[other].count(Heard::Kind::closed) == 1);
  CHECK(bench[other].heard.back().number == 1000);
  CHECK(bench[other].heard.back().text == "done");
  CHECK(bench[other].of(Heard::Kind::frame).at(0).text == "last");
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("dials fail as they do with frames") {
  Bench bench(in_bytes(3));
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add();
  const auto code_of = [&] {
    const auto failed = bench[a].of(Heard::Kind::dial_failed);
    return failed.empty() ? ErrorCode::none : static_cast<ErrorCode>(failed.back().number);
  };
  SECTION("nobody listens") {
    bench.dial(a, b);
    bench.world.run_for(20s);
    CHECK(code_of() == ErrorCode::refused);
  }
  SECTION("no such host") {
    bench.perform(a, link::Dial{bench[a].ids.next(), "ws://nowhere:1/", 10s});
    bench.world.run_for(20s);
    CHECK(code_of() == ErrorCode::unreachable);
  }
  SECTION("no such address") {
    bench.perform(a, link::Dial{bench[a].ids.next(), "ws://a host/ with spaces", 10s});
    bench.world.run_for(20s);
    CHECK(code_of() == ErrorCode::unreachable);
  }
  SECTION("nobody answers") {
    bench.world.start(b);
    bench.world.pause(b);
    bench.dial(a, b);
    bench.world.run_for(20s);
    CHECK(code_of() == ErrorCode::timeout);
    bench.world.resume(b);
    bench.world.run_for(20s);
    CHECK(bench[b].count(Heard::Kind::accepted) == 0);
  }
  SECTION("the dialler goes away when its request is under way") {
    bench.world.start(b);
    bench.close(a, [&] {
      const link::ConnectionId id = bench.dial(a, b);
      bench.world.run_for(25ms);
      return id;
    }());
    bench.world.run_for(20s);
    CHECK(code_of() == ErrorCode::none);
    CHECK(bench[b].count(Heard::Kind::accepted) == 1);
    CHECK(bench[b].count(Heard::Kind::closed) == 1);
    CHECK(bench.world.network().stats().late_opens == 1);
  }
  CHECK(bench.world.network().connections_in_use() == 0);
}

/// A line that turns one bit, once, in what it hands to the codec.
class TurningCipher : public LineCipher {
 public:
  explicit TurningCipher(std::size_t turns_at) : turns_at_(turns_at) {}

  std::size_t send(ByteSpan plaintext) override {
    append(out_, plaintext);
    return plaintext.size();
  }
  void close() override {}
  void receive(ByteSpan ciphertext) override { in_ = to_bytes(ciphertext); }
  std::span<std::uint8_t> plaintext() override {
    read_ = std::exchange(in_, {});
    const bool is_here = turns_at_ >= seen_ && turns_at_ < seen_ + read_.size();
    if (is_here) read_[turns_at_ - seen_] ^= 1;
    seen_ += read_.size();
    return read_;
  }
  ByteSpan ciphertext() const override { return out_; }
  void consume(std::size_t bytes) override {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(bytes));
  }
  bool has_failed() const override { return false; }

 private:
  std::size_t turns_at_;
  std::size_t seen_ = 0;
  Bytes in_;
  Bytes read_;
  Bytes out_;
};

class TurningCiphers : public LineCipherSource {
 public:
  explicit TurningCiphers(std::size_t turns_at) : turns_at_(turns_at) {}
  std::unique_ptr<LineCipher> dialler() override {
    return std::make_unique<TurningCipher>(turns_at_);
  }
  std::unique_ptr<LineCipher> acceptor() override {
    return std::make_unique<TurningCipher>(~std::size_t{0});
  }

 private:
  std::size_t turns_at_;
};

TEST_CASE("one bit that is not as it was said, upgrade and frames alike, ends the run") {
  // What the acceptor says: 129 bytes of an answer, then heads of two bytes and messages of ten.
  struct Place {
    std::size_t turned;
    bool is_wrong;
  };
  for (const Place place :
       {Place{3, true}, Place{120, true}, Place{129, true}, Place{130, true}, Place{131, true},
        Place{140, true}, Place{141, true}, Place{100'000, false}}) {
    CAPTURE(place.turned);
    TurningCiphers ciphers(place.turned);
    WorldOptions options = in_bytes(4);
    options.network.ciphers = &ciphers;
    Bench bench(options);
    const NodeIndex a = bench.add_started();
    const NodeIndex b = bench.add_started();
    bench.dial(a, b);
    bench.world.run_for(1s);
    if (bench[b].count(Heard::Kind::accepted) > 0 && !bench.world.violation()) {
      const link::ConnectionId far = bench[b].of(Heard::Kind::accepted).back().connection;
      bench.send(b, far, "ten bytes!");
      bench.send(b, far, "ten bytes.");
      bench.close(b, far);
      bench.world.run_for(10s);
    }
    CHECK(bench.world.violation().has_value() == place.is_wrong);
  }
}

// ---- whole networks

PlanRequest eleven(std::uint64_t seed, Weather weather) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 11;  // the bootstrap node, two bridges, eight members
  request.bridges = 2;
  request.minutes = 3;
  request.weather = weather;
  request.bytes = true;
  return request;
}

TEST_CASE("in calm weather a network comes to the same with bytes as with frames") {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    PlanRequest request = eleven(seed, Weather::calm);
    request.strict = true;
    Trial with_bytes(make_plan(request));
    request.bytes = false;
    Trial with_frames(make_plan(request));
    const bool good = with_bytes.run();
    INFO(with_bytes.failure());
    CHECK(good);
    CHECK(with_frames.run());
    CHECK(with_bytes.world().stats().joins == with_frames.world().stats().joins);
    for (const Trial* trial : {&with_bytes, &with_frames}) {
      CHECK(trial->acknowledged().stats().reads > 0);
      CHECK(trial->acknowledged().stats().misses == 0);
      CHECK(trial->workload().gets == trial->workload().gets_done);
    }
    CHECK(with_frames.world().network().stats().segments_sent == 0);
    CHECK(with_bytes.world().network().stats().reads_cut > 100);
  }
}

TEST_CASE("the same seed gives the same run of bytes, and another seed another") {
  const auto fingerprint_of = [](std::uint64_t seed) {
    Trial trial(make_plan(eleven(seed, Weather::storm)));
    CHECK(trial.run());
    return trial.world().fingerprint();
  };
  const std::uint64_t first = fingerprint_of(3);
  CHECK(first == fingerprint_of(3));
  CHECK(first != fingerprint_of(4));
}

TEST_CASE("no weather makes bytes arrive as they were not said") {
  for (const Weather weather :
       {Weather::mobile, Weather::storm, Weather::datacentre_cut, Weather::adversary}) {
    for (const Mode mode : {Mode::healing, Mode::liveness}) {
      PlanRequest request = eleven(5, weather);
      request.mode = mode;
      Trial trial(make_plan(request));
      const bool good = trial.run();
      INFO(trial.failure());
      CHECK(good);
      CHECK(trial.faults_applied() > 0);
    }
  }
}

}  // namespace
}  // namespace trestle::sim::test
