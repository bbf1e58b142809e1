// One stream in every state, and every way for its other end to fail it.

#include "trestle/sim/stream_end.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <tuple>

#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

/// Where an end can be. The words of a dialler; what they are for who accepts stands beside them.
enum class State {
  nothing_said,   ///< Nothing heard.
  request_half,   ///< Half of the request heard.
  awaits_answer,  ///< Half of the answer said.
  answer_half,    ///< All of the answer said, and not heard.
  idle,
  message_half_read,
  message_half_written,
  close_said,
  close_heard,  ///< The peer's, and answered.
  closes_crossed,
  ended,
};
constexpr std::array kStates = {
    State::nothing_said,         State::request_half, State::awaits_answer,
    State::answer_half,          State::idle,         State::message_half_read,
    State::message_half_written, State::close_said,   State::close_heard,
    State::closes_crossed,       State::ended};

/// What the other end, or the line, does from then on.
enum class Fault {
  stops_reading,
  reads_again,  ///< After three seconds.
  vanishes,
  reset,
  ends,  ///< The stream, in order, and without a close.
};
constexpr std::array kFaults = {Fault::stops_reading, Fault::reads_again, Fault::vanishes,
                                Fault::reset, Fault::ends};

/// The one last thing between an end and its owner.
enum class Last {
  none,  ///< The owner never heard of it.
  own_close,
  refused,
  lost,
  timed_out,
  closed,  ///< 1000, by the peer.
  broken,  ///< 1006.
};

/// A stream must carry a request, or an answer, in several windows.
constexpr std::size_t kWindow = 64;
constexpr std::size_t kMessageBytes = 500;
/// Of a head, of a message with its own head, of the codec's closing: more is never there.
constexpr std::size_t kBufferedMax = kMessageBytes + 256;
constexpr Duration kDialTimeout = 10s;
/// When the owner of an end gives up by itself.
constexpr Duration kOwnerPatience = 30s;

class Cell {
 public:
  Cell(Side side, std::uint64_t seed) : bench_(options(seed)), side_(side) {
    const NodeIndex dialler = bench_.add_started();
    const NodeIndex acceptor = bench_.add_started();
    own_ = side == kDialler ? dialler : acceptor;
    peer_ = side == kDialler ? acceptor : dialler;
    dialled_ = bench_.dial(dialler, acceptor, kDialTimeout);
  }

  /// Nothing is left to be done once it is true.
  void reach(State state) {
    if (state > State::nothing_said || side_ == kAcceptor) until([&] { return end() != nullptr; });
    if (state < State::idle) return reach_upgrade(state);
    run_for(1s);
    REQUIRE(end()->is_open());
    switch (state) {
      case State::message_half_read:
        bench_.send(peer_, id_of(peer_), std::string(kMessageBytes, 'p'));
        return until([&] { return end()->is_reading(); });
      case State::message_half_written:
        bench_.send(own_, id_of(own_), std::string(kMessageBytes, 'o'));
        return until([&] { return end()->is_writing(); });
      case State::close_said:
        return close(own_);
      case State::close_heard:
        close(peer_);
        return until([&] { return end() == nullptr || end()->has_heard_close(); });
      case State::closes_crossed:
        close(own_);
        close(peer_);
        return until([&] { return end() == nullptr || end()->has_heard_close(); });
      case State::ended:
        close(own_);
        run_for(20s);
        REQUIRE(network().connections_in_use() == 0);
        return;
      default:
        REQUIRE(state == State::idle);
    }
  }

  void suffer(Fault fault) {
    switch (fault) {
      case Fault::stops_reading:
        return bench_.world.pause(peer_);
      case Fault::reads_again:
        bench_.world.pause(peer_);
        run_for(3s);
        return bench_.world.resume(peer_);
      case Fault::vanishes:
        return bench_.world.kill(peer_, KillKind::power);
      case Fault::reset:
        if (network().connections_in_use() > 0) network().reset_slot(bench_.world.now(), 0);
        return;
      case Fault::ends:
        return bench_.world.kill(peer_, KillKind::process);
    }
  }

  /// The owner waits, gives up, and everything has time to end.
  void live_on() {
    run_for(kOwnerPatience);
    if (id_of_own() && last_ == Last::none && reports() == 0) close(own_);
    run_for(2min);
  }

  /// Of what the owner was told and did, exactly one is the last.
  Last last() const {
    CHECK(reports() + (last_ == Last::own_close ? 1 : 0) <= 1);
    if (last_ == Last::own_close) return last_;
    for (const Heard& heard : bench_.fakes[own_]->heard) {
      if (heard.kind == Heard::Kind::closed) {
        REQUIRE((heard.number == 1000 || heard.number == 1006));
        return heard.number == 1000 ? Last::closed : Last::broken;
      }
      if (heard.kind != Heard::Kind::dial_failed) continue;
      const auto code = static_cast<ErrorCode>(heard.number);
      if (code == ErrorCode::timeout) return Last::timed_out;
      if (code == ErrorCode::refused) return Last::refused;
      REQUIRE(code == ErrorCode::connection_lost);
      return Last::lost;
    }
    return Last::none;
  }

  bool is_last_word_last() const {
    const auto& heard = bench_.fakes[own_]->heard;
    if (reports() == 0) return heard.size() == heard_at_close_.value_or(heard.size());
    return heard.back().kind == Heard::Kind::closed ||
           heard.back().kind == Heard::Kind::dial_failed;
  }

  /// Whether our end was ended by its codec, and not because somebody lost patience with it.
  bool ended_in_order() const { return ended_in_order_.value_or(false); }

  /// Whether our end keeps nothing, though the peer may stand still for ever.
  bool is_over() const { return end() == nullptr || end()->has_said_end(); }

  /// Whoever is left goes too.
  void clear_away() {
    if (bench_.world.is_running(peer_)) bench_.world.kill(peer_);
    run_for(2min);
  }

  std::size_t frames_of_peer() { return frames_of(peer_); }
  std::size_t frames_of_own() { return frames_of(own_); }
  Network& network() { return bench_.world.network(); }
  bool is_sound() const { return !bench_.world.violation() && is_bounded_; }

 private:
  static WorldOptions options(std::uint64_t seed) {
    WorldOptions made = Bench::plain(seed);
    made.network.carriage = Carriage::bytes;
    made.network.send_buffer_bytes = kWindow;
    return made;
  }

  void reach_upgrade(State state) {
    const auto far = [&] { return bench_.world.network().stream(0, opposite(side_)); };
    const bool is_dialler = side_ == kDialler;
    switch (state) {
      case State::nothing_said:
        return;
      case State::request_half:
        return until([&] { return is_dialler ? end()->is_writing() : end()->is_reading(); });
      case State::awaits_answer:
        if (is_dialler) return until([&] { return end()->has_said_head(); });
        return until([&] { return end()->is_upgraded() && end()->is_writing(); });
      case State::answer_half:
        if (is_dialler) return until([&] { return end()->is_reading(); });
        return until([&] { return end()->is_upgraded() && end()->has_said_head(); },
                     [&] { return !far()->is_upgraded(); });
      default:
        FAIL();
    }
  }

  template <typename Reached>
  void until(Reached reached) {
    until(reached, [] { return true; });
  }
  template <typename Reached, typename Holds>
  void until(Reached reached, Holds holds) {
    while (!reached()) {
      REQUIRE(bench_.world.now() < Instant(8s));
      step();
    }
    REQUIRE(holds());
  }
  void run_for(Duration duration) {
    const Instant ends = after(bench_.world.now(), duration);
    while (bench_.world.next_event() <= ends) step();
    bench_.world.run_until(ends);
  }
  void step() {
    REQUIRE(bench_.world.step());
    for (const Side side : {kDialler, kAcceptor}) {
      const StreamEnd* end = bench_.world.network().stream(0, side);
      if (end != nullptr && end->buffered_bytes() > kBufferedMax) is_bounded_ = false;
    }
    if (!ended_in_order_ && end() != nullptr && end()->has_said_end()) {
      ended_in_order_ = !end()->is_deaf();
    }
    // Both ends, and a window in either direction.
    if (network().stream_bytes() > 2 * (kBufferedMax + kWindow)) is_bounded_ = false;
  }

  const StreamEnd* end() const { return bench_.world.network().stream(0, side_); }

  std::optional<link::ConnectionId> id_of_own() const {
    if (side_ == kDialler) return dialled_;
    const auto accepted = bench_.fakes[own_]->of(Heard::Kind::accepted);
    return accepted.empty() ? std::nullopt : std::optional(accepted.back().connection);
  }
  link::ConnectionId id_of(NodeIndex node) {
    const bool is_dialler = (node == own_) == (side_ == kDialler);
    return is_dialler ? dialled_ : bench_[node].of(Heard::Kind::accepted).back().connection;
  }
  void close(NodeIndex node) {
    const link::ConnectionId id = id_of(node);
    bench_.close(node, id);
    if (node != own_) return;
    last_ = Last::own_close;
    heard_at_close_ = bench_[own_].heard.size();
  }
  std::size_t reports() const {
    const FakeNode& node = *bench_.fakes[own_];
    return node.count(Heard::Kind::closed) + node.count(Heard::Kind::dial_failed);
  }
  std::size_t frames_of(NodeIndex node) {
    return bench_.world.is_running(node) ? bench_[node].count(Heard::Kind::frame) : 0;
  }

  Bench bench_;
  Side side_;
  NodeIndex own_ = kNoNode;
  NodeIndex peer_ = kNoNode;
  link::ConnectionId dialled_;
  Last last_ = Last::none;
  std::optional<std::size_t> heard_at_close_;
  std::optional<bool> ended_in_order_;
  bool is_bounded_ = true;
};

/// What has been closed by its owner, or by the peer, stays so whatever comes then.
std::optional<Last> settled(State state) {
  switch (state) {
    case State::close_said:
    case State::closes_crossed:
    case State::ended:
      return Last::own_close;
    case State::close_heard:
      return Last::closed;
    default:
      return std::nullopt;
  }
}

Last expected_of_dialler(State state, Fault fault) {
  const bool is_dialling = state < State::idle;
  switch (fault) {
    case Fault::stops_reading:
    case Fault::vanishes:
      return is_dialling ? Last::timed_out : Last::own_close;
    case Fault::reads_again:
      return Last::own_close;
    case Fault::reset:
      return is_dialling ? Last::lost : Last::broken;
    case Fault::ends:
      if (state == State::nothing_said) return Last::refused;
      return is_dialling ? Last::lost : Last::broken;
  }
  return Last::none;
}

/// Who has not read a whole request has nothing to tell his owner.
Last expected_of_acceptor(State state, Fault fault) {
  if (fault == Fault::reads_again) return Last::own_close;
  if (state == State::nothing_said || state == State::request_half) return Last::none;
  return fault == Fault::stops_reading || fault == Fault::vanishes ? Last::own_close : Last::broken;
}

Last expected(Side side, State state, Fault fault) {
  if (const auto last = settled(state)) return *last;
  return side == kDialler ? expected_of_dialler(state, fault) : expected_of_acceptor(state, fault);
}

/// A close that can leave, and is answered or not, is the codec's to end within its own time: where
/// nothing else stands before it in the window, and the line lives.
bool must_end_in_order(State state, Fault fault) {
  if (fault == Fault::reads_again) return true;
  const bool is_free = state == State::idle || state == State::message_half_read ||
                       state == State::close_said || state == State::close_heard ||
                       state == State::closes_crossed;
  return is_free && (fault == Fault::stops_reading || fault == Fault::vanishes);
}

TEST_CASE("in every state, whatever its other end does, an end is told once and leaves nothing") {
  std::set<std::tuple<Side, State, Fault>> visited;
  for (const Side side : {kDialler, kAcceptor}) {
    for (const State state : kStates) {
      for (const Fault fault : kFaults) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
          CAPTURE(int{side}, static_cast<int>(state), static_cast<int>(fault), seed);
          Cell cell(side, seed);
          cell.reach(state);
          cell.suffer(fault);
          cell.live_on();
          CHECK(cell.last() == expected(side, state, fault));
          CHECK(cell.is_last_word_last());
          CHECK(cell.is_over());
          if (state != State::ended && must_end_in_order(state, fault)) {
            CHECK(cell.ended_in_order());
          }
          const bool is_read = fault == Fault::reads_again;
          if (state == State::message_half_written && is_read) CHECK(cell.frames_of_peer() == 1);
          if (state == State::message_half_read) CHECK(cell.frames_of_own() == (is_read ? 1 : 0));
          cell.clear_away();
          CHECK(cell.network().connections_in_use() == 0);
          CHECK(cell.network().stream_bytes() == 0);
          CHECK(cell.is_sound());
          visited.emplace(side, state, fault);
        }
      }
    }
  }
  CHECK(visited.size() == 2 * kStates.size() * kFaults.size());
  CHECK(visited.size() == 110);
}

TEST_CASE("a megabyte for a reader that stopped waits with whoever said it, and nowhere else") {
  WorldOptions options = Bench::plain(1);
  options.network.carriage = Carriage::bytes;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.pause(b);
  constexpr std::size_t kSaid = 1024 * 1024;
  for (std::size_t said = 0; said < kSaid; said += 1024) {
    bench.send(a, near, std::string(1024, 'm'));
  }
  bench.world.run_for(10min);
  const StreamEnd* said_by = bench.world.network().stream(0, kDialler);
  REQUIRE(said_by != nullptr);
  // What the line has taken, plus what waits, is what was said, and 8 bytes of head a message.
  CHECK(said_by->buffered_bytes() + options.network.send_buffer_bytes >= kSaid);
  CHECK(said_by->buffered_bytes() <= kSaid + 8 * 1024);
  CHECK(bench.world.network().stream(0, kAcceptor)->buffered_bytes() == 0);
  bench.close(a, near);
  bench.world.run_for(9s);
  CHECK(said_by->buffered_bytes() == 0);
  bench.world.kill(b);
  bench.world.run_for(2min);
  CHECK(bench.world.network().connections_in_use() == 0);
  CHECK(bench.world.network().stream_bytes() == 0);
}

TEST_CASE("who says more than may wait is cut off, told so once, and keeps nothing") {
  WorldOptions options = Bench::plain(1);
  options.network.carriage = Carriage::bytes;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.pause(b);
  const std::size_t said_max = wire::websocket::EndpointOptions{}.queue_bytes_max;
  for (std::size_t said = 0; said <= said_max; said += 1024) {
    bench.send(a, near, std::string(1024, 'm'));
  }
  bench.world.run_for(1s);
  REQUIRE(bench[a].count(Heard::Kind::closed) == 1);
  CHECK(bench[a].heard.back().number == 1006);
  CHECK(bench[a].heard.back().text == "more queued than the connection may hold");
  CHECK(bench.world.network().stream(0, kDialler)->buffered_bytes() == 0);
  bench.world.kill(b);
  bench.world.run_for(2min);
  CHECK(bench.world.network().connections_in_use() == 0);
  CHECK(bench[a].count(Heard::Kind::closed) == 1);
}

}  // namespace
}  // namespace trestle::sim::test
