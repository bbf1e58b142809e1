// The bridge set in a small world: one bridge, two requests, every interleaving of what can happen
// to them. States are pruned by a fingerprint until there are no new ones.

#include <algorithm>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/wire_pair.hpp"
#include "trestle/pool/bridge_set.hpp"
#include "trestle/wire/native/codec.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kRequests = 2;

enum class Action : std::uint8_t {
  submit,
  dial_ok,
  dial_fail,
  late_open,
  answer_oldest,
  answer_newest,
  answer_again,
  foreign_answer,
  close,
  deadline,
  cancel_first,
  cancel_second,
};
constexpr std::size_t kActions = 12;

pool::BridgeSetOptions small_options(pool::BridgeMode mode) {
  pool::BridgeSetOptions options;
  options.bridges = {{{"ws://bridge"}}};
  options.mode = mode;
  // Before the first ping, so that idle closing is a few deadlines away.
  options.idle_close_after = 20s;
  options.breaker.consecutive_failures_to_open = 2;
  return options;
}

/// One story. It is told anew for each state, since a set cannot be copied.
class SmallWorld {
 public:
  explicit SmallWorld(pool::BridgeMode mode)
      : home_(1, wire::Role::bootstrap, {}, "secret"),
        bridge_(2, wire::Role::bridge, {}, "secret"),
        set_(small_options(mode), home_.local, home_.suite, Rng(7)) {
    set_.start(now_);
    settle();
  }

  /// False when that cannot happen now.
  bool act(Action action) {
    switch (action) {
      case Action::submit:
        return submit();
      case Action::dial_ok:
        return dial_ok();
      case Action::dial_fail:
        return dial_fail();
      case Action::late_open:
        return late_open();
      case Action::answer_oldest:
        return answer(0);
      case Action::answer_newest:
        return asked_.size() > 1 && answer(asked_.size() - 1);
      case Action::answer_again:
        return answer_again();
      case Action::foreign_answer:
        return foreign_answer();
      case Action::close:
        return close();
      case Action::deadline:
        return pass();
      case Action::cancel_first:
        return cancel(0);
      case Action::cancel_second:
        return cancel(1);
    }
    return false;
  }

  void check() const {
    const pool::BridgeSlot& slot = set_.slots().at(0);
    std::size_t unfinished = 0;
    for (const Asked& request : requests_) {
      REQUIRE(request.ends <= 1);
      unfinished += request.ends == 0 ? 1 : 0;
    }
    REQUIRE(set_.requests_under_way() == unfinished);
    REQUIRE(slot.in_flight + set_.requests_waiting() == unfinished);
    // P-BR-1, and P-CR-13 in stateless mode: what is open is what is used.
    const std::size_t held = dialling_.size() + connections_.size();
    REQUIRE(set_.connections_held() == held);
    if (set_.mode() == pool::BridgeMode::pool) {
      REQUIRE(held <= 1);
    } else {
      REQUIRE(held == slot.in_flight + (slot.connection ? 1 : 0));
    }
    REQUIRE(set_.next_deadline() > now_);
  }

  /// Left alone, every request ends within its total time.
  void check_that_all_ends() {
    const Instant until = now_ + 10s;
    while (set_.next_deadline() <= until) {
      now_ = set_.next_deadline();
      set_.on_deadline(now_);
      settle();
    }
    for (const Asked& request : requests_) REQUIRE(request.ends == 1);
    REQUIRE(set_.slots()[0].in_flight == 0);
  }

  /// All that the future depends on, times in steps.
  std::string fingerprint() const {
    const pool::BridgeSlot& slot = set_.slots()[0];
    const auto step = [&](Instant at) {
      if (at == kNever) return std::string("-");
      // Half seconds; a probe or an idle close lies beyond every request's time.
      const auto halves = std::clamp<std::int64_t>((at - now_) / 500ms, 0, 21);
      return std::to_string(halves);
    };
    std::string text = std::to_string(static_cast<int>(slot.state));
    text += slot.connection ? "c" : ".";
    text += slot.is_just_lost ? "l" : ".";
    text += " tries " + std::to_string(slot.backoff.attempts());
    text += now_ - slot.connected_at >= 10s ? "s" : "u";
    text += " dial " + step(slot.dial_at);
    text += " breaker " + std::string(name(slot.breaker.state(now_)));
    if (slot.breaker.times_opened() > 0) text += step(slot.breaker.open_until());
    text += " opens " + std::to_string(std::min<std::uint64_t>(slot.breaker.times_opened(), 2));
    text += " dialling " + std::to_string(dialling_.size());
    text += " open " + std::to_string(connections_.size());
    text += abandoned_.empty() ? "" : " late";
    text += last_answer_.has_value() ? " again" : "";
    for (const Asked& request : requests_) {
      text += request.ends > 0 ? " ended" : " " + step(request.at + 10s);
      for (const Question& question : asked_) text += question.marker == request.marker ? "q" : "";
    }
    return text;
  }

 private:
  struct Asked {
    pool::PoolRequestId id;
    std::string marker;
    Instant at;
    int ends = 0;
  };
  struct Connection {
    link::ConnectionId at_set;
    link::ConnectionId at_bridge;
  };
  /// A request that has reached the bridge.
  struct Question {
    link::ConnectionId connection;
    wire::RequestId id;
    std::string marker;
  };

  bool submit() {
    if (requests_.size() == kRequests) return false;
    wire::IntroduceRequest ask;
    ask.newcomer.address = "marker-" + std::to_string(requests_.size());
    ask.budget_ms = 10'000;
    const auto id = set_.submit(now_, ask);
    REQUIRE(id.has_value());
    requests_.push_back({*id, ask.newcomer.address, now_});
    settle();
    return true;
  }

  bool dial_ok() {
    if (dialling_.empty()) return false;
    const link::ConnectionId connection = dialling_.front();
    dialling_.erase(dialling_.begin());
    connections_.push_back({connection, bridge_.channels->on_accepted(now_, {"192.0.2.1"})});
    set_.on_dialled(now_, connection);
    settle();
    return true;
  }

  bool dial_fail() {
    if (dialling_.empty()) return false;
    const link::ConnectionId connection = dialling_.front();
    dialling_.erase(dialling_.begin());
    abandoned_ = {connection};
    set_.on_dial_failed(now_, connection, ErrorCode::refused, "refused");
    settle();
    return true;
  }

  /// A dial that was given up opens after all.
  bool late_open() {
    if (abandoned_.empty()) return false;
    set_.on_dialled(now_, abandoned_.back());
    set_.on_dial_failed(now_, abandoned_.back(), ErrorCode::timeout, "late");
    abandoned_.pop_back();
    settle();
    return true;
  }

  bool answer(std::size_t index) {
    if (index >= asked_.size()) return false;
    const Question question = asked_[index];
    asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(index));
    wire::IntroduceResponse response;
    response.members.emplace_back().address = question.marker;
    last_answer_ = {question.id, response};
    bridge_.channels->respond(now_, question.connection, question.id, response);
    settle();
    return true;
  }

  bool send_to_set(const wire::Envelope& envelope) {
    if (connections_.empty()) return false;
    Bytes frame;
    wire::native::append_record(frame, envelope);
    const link::ConnectionId connection = connections_.back().at_set;
    if (set_.slots()[0].connection != connection) return false;
    if (set_.slots()[0].state != pool::BridgeState::ready) return false;
    set_.on_frame(now_, connection, link::FrameKind::binary, frame);
    settle();
    return true;
  }

  bool answer_again() {
    if (!last_answer_) return false;
    const wire::Envelope again = *last_answer_;
    last_answer_.reset();
    return send_to_set(again);
  }

  bool foreign_answer() {
    wire::IntroduceResponse response;
    response.members.emplace_back().address = "nobody asked";
    return send_to_set({{(std::uint64_t{77} << 10) | 1}, response});
  }

  bool close() {
    if (connections_.empty()) return false;
    const Connection connection = connections_.front();
    forget(connection.at_set);
    bridge_.channels->on_closed(now_, connection.at_bridge, 1006, "reset");
    set_.on_closed(now_, connection.at_set, 1006, "reset");
    settle();
    return true;
  }

  bool pass() {
    if (set_.next_deadline() == kNever) return false;
    now_ = set_.next_deadline();
    set_.on_deadline(now_);
    settle();
    return true;
  }

  bool cancel(std::size_t index) {
    if (index >= requests_.size() || requests_[index].ends > 0) return false;
    set_.cancel(now_, requests_[index].id);
    settle();
    return true;
  }

  void settle() {
    while (drain_set() || drain_bridge()) {
    }
  }

  void forget(link::ConnectionId at_set) {
    last_answer_.reset();  // its id means nothing on another connection
    for (const Connection& connection : connections_) {
      if (connection.at_set != at_set) continue;
      std::erase_if(asked_, [&](const Question& question) {
        return question.connection == connection.at_bridge;
      });
    }
    std::erase_if(connections_, [&](const Connection& one) { return one.at_set == at_set; });
  }

  bool drain_set() {
    bool moved = false;
    while (auto effect = set_.poll_effect(now_)) {
      moved = true;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        perform(*order);
      } else if (const auto* answered = std::get_if<pool::BridgeSet::Answered>(&*effect)) {
        Asked& request = end_of(answered->request);
        REQUIRE(std::get<wire::IntroduceResponse>(answered->message).members.at(0).address ==
                request.marker);
      } else if (const auto* failed = std::get_if<pool::BridgeSet::Failed>(&*effect)) {
        end_of(failed->request);
      }
    }
    return moved;
  }

  Asked& end_of(pool::PoolRequestId id) {
    const auto place = std::ranges::find(requests_, id, &Asked::id);
    REQUIRE(place != requests_.end());
    ++place->ends;
    return *place;
  }

  void perform(link::TransportOrder& order) {
    if (auto* dial = std::get_if<link::Dial>(&order)) {
      dialling_.push_back(dial->connection);
    } else if (auto* frame = std::get_if<link::SendFrame>(&order)) {
      for (const Connection& connection : connections_) {
        if (connection.at_set != frame->connection) continue;
        bridge_.channels->on_frame(now_, connection.at_bridge, frame->kind, frame->bytes);
        break;
      }
      set_.on_drained(now_, frame->connection, frame->bytes.size());
    } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
      if (std::erase(dialling_, close->connection) > 0) abandoned_ = {close->connection};
      for (const Connection& connection : connections_) {
        if (connection.at_set != close->connection) continue;
        bridge_.channels->on_closed(now_, connection.at_bridge, 1000, close->reason);
        break;
      }
      forget(close->connection);
    } else if (auto* sign = std::get_if<link::Sign>(&order)) {
      set_.on_signed(now_, sign->connection, sign->ticket,
                     home_.suite.sign(home_.pair, sign->message));
    } else if (auto* verify = std::get_if<link::Verify>(&order)) {
      const bool valid = home_.suite.verify(verify->key, verify->message, verify->signature);
      set_.on_verified(now_, verify->connection, verify->ticket, valid);
    }
  }

  bool drain_bridge() {
    bool moved = false;
    while (auto effect = bridge_.channels->poll_effect()) {
      moved = true;
      if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
        on_bridge_news(*news);
        continue;
      }
      auto& order = std::get<link::TransportOrder>(*effect);
      if (auto* frame = std::get_if<link::SendFrame>(&order)) {
        for (const Connection& connection : connections_) {
          if (connection.at_bridge != frame->connection) continue;
          set_.on_frame(now_, connection.at_set, frame->kind, frame->bytes);
          break;
        }
      } else if (auto* sign = std::get_if<link::Sign>(&order)) {
        bridge_.channels->on_signed(now_, sign->connection, sign->ticket,
                                    bridge_.suite.sign(bridge_.pair, sign->message));
      } else if (auto* verify = std::get_if<link::Verify>(&order)) {
        const bool valid = bridge_.suite.verify(verify->key, verify->message, verify->signature);
        bridge_.channels->on_verified(now_, verify->connection, verify->ticket, valid);
      }
    }
    return moved;
  }

  void on_bridge_news(const link::ChannelSet::News& news) {
    if (const auto* requested = std::get_if<link::Channel::Requested>(&news.news)) {
      const auto& ask = std::get<wire::IntroduceRequest>(requested->message);
      asked_.push_back({news.connection, requested->id, ask.newcomer.address});
    } else if (const auto* withdrawn = std::get_if<link::Channel::Withdrawn>(&news.news)) {
      std::erase_if(asked_, [&](const Question& question) {
        return question.connection == news.connection && question.id == withdrawn->id;
      });
    }
  }

  test::End home_;
  test::End bridge_;
  pool::BridgeSet set_;
  Instant now_ = test::kStart;
  std::vector<link::ConnectionId> dialling_;
  std::vector<link::ConnectionId> abandoned_;
  std::vector<Connection> connections_;
  std::vector<Question> asked_;
  std::vector<Asked> requests_;
  std::optional<wire::Envelope> last_answer_;
};

using Story = std::vector<Action>;

std::string told(const Story& story) {
  std::string text;
  for (const Action action : story) text += std::to_string(static_cast<int>(action)) + " ";
  return text;
}

std::size_t explore(pool::BridgeMode mode) {
  std::set<std::string> known = {SmallWorld(mode).fingerprint()};
  std::vector<Story> open = {{}};
  for (std::size_t next = 0; next < open.size(); ++next) {
    for (std::size_t action = 0; action < kActions; ++action) {
      Story story = open[next];
      story.push_back(static_cast<Action>(action));
      INFO("story " << told(story));
      SmallWorld world(mode);
      bool can = true;
      for (const Action step : story) can = world.act(step);
      if (!can) continue;
      world.check();
      if (!known.insert(world.fingerprint()).second) continue;
      world.check_that_all_ends();
      open.push_back(std::move(story));
    }
  }
  return known.size();
}

}  // namespace

TEST_CASE("the bridge set in a small world: one bridge, two requests, to the fixpoint") {
  const std::size_t states = explore(pool::BridgeMode::pool);
  std::cout << "bridge set, small world, pooled: " << states << " states\n";
  CHECK(states > 400);
}

TEST_CASE("P-CR-13: the bridge set in a small world, stateless, to the fixpoint") {
  const std::size_t states = explore(pool::BridgeMode::stateless);
  std::cout << "bridge set, small world, stateless: " << states << " states\n";
  CHECK(states > 400);
}
