#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/wire_pair.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::test {

/// A bridge set and the bridges it dials: real channels on both ends, a transport that carries
/// frames at once, and faults on demand. Answers carry the asker's marker back, so that a swapped
/// answer is seen.
class BridgeWorld {
 public:
  struct Bridge {
    std::string url;
    std::shared_ptr<End> end;
    bool accepts = true;
    bool answers = true;
    bool busy = false;
    int dials = 0;
    int live_connections = 0;
    std::optional<link::ConnectionId> at_set;
    std::optional<link::ConnectionId> at_bridge;
  };

  BridgeWorld(std::size_t count, std::uint64_t seed, std::string_view bridge_secret = "secret")
      : rng(seed),
        home(1000 + seed, wire::Role::bootstrap, {}, "secret"),
        set(options(count), home.local, home.suite, Rng(seed)) {
    for (std::size_t index = 0; index < count; ++index) {
      bridges.push_back(
          {url(index),
           std::make_shared<End>(index + 1, wire::Role::bridge, bridge_channels(), bridge_secret),
           true,
           true,
           false,
           0,
           0,
           {},
           {}});
    }
  }

  void start() {
    set.start(now);
    settle();
  }

  pool::PoolRequestId submit() {
    const auto request = submit_undrained();
    settle();
    return request;
  }

  pool::PoolRequestId submit_undrained() {
    wire::IntroduceRequest ask;
    ask.newcomer.address = "marker-" + std::to_string(++submitted);
    const auto request = set.submit(now, ask);
    markers[*request] = ask.newcomer.address;
    return *request;
  }

  /// Cuts the bridge's connection as a crash does.
  void drop(std::size_t index) {
    Bridge& bridge = bridges[index];
    if (!bridge.at_set) return;
    const auto connection = *bridge.at_set;
    forget(bridge);
    set.on_closed(now, connection, 1006, "reset");
    settle();
  }

  void random_step() {
    switch (rng.below(8)) {
      case 0:
      case 1:
      case 2:
        submit();
        break;
      case 3:
        drop(rng.below(bridges.size()));
        break;
      case 4: {
        Bridge& bridge = bridges[rng.below(bridges.size())];
        bridge.accepts = !bridge.accepts;
        break;
      }
      case 5: {
        Bridge& bridge = bridges[rng.below(bridges.size())];
        bridge.answers = !bridge.answers;
        break;
      }
      default:
        run_for(rng.between(1ms, 4s));
    }
  }

  void run_for(Duration duration) {
    const Instant until = now + duration;
    while (true) {
      Instant next = set.next_deadline();
      for (const Bridge& bridge : bridges)
        next = std::min(next, bridge.end->channels->next_deadline());
      if (next > until) break;
      now = std::max(now, next);
      set.on_deadline(now);
      for (Bridge& bridge : bridges) bridge.end->channels->on_deadline(now);
      settle();
    }
    now = until;
  }

  std::size_t logged(std::string_view event) const {
    std::size_t count = 0;
    for (const std::string& name : log) count += name == event ? 1 : 0;
    return count;
  }

  Rng rng;
  Instant now = kStart;
  End home;
  std::vector<Bridge> bridges;
  pool::BridgeSet set;
  std::size_t submitted = 0;
  std::size_t mismatched = 0;
  std::map<pool::PoolRequestId, std::string> markers;
  std::map<pool::PoolRequestId, int> ends;
  std::map<pool::PoolRequestId, std::string> answers;
  std::map<pool::PoolRequestId, std::pair<ErrorCode, Instant>> failures;
  std::vector<std::string> log;

  void settle() {
    bool moved = true;
    while (moved) {
      moved = drain_set();
      for (Bridge& bridge : bridges) moved = drain_bridge(bridge) || moved;
    }
  }

 private:
  static std::string url(std::size_t index) { return "ws://bridge-" + std::to_string(index); }

  /// Bridges that take whatever the set allows itself.
  static link::ChannelSetOptions bridge_channels() {
    link::ChannelSetOptions made;
    made.channel.served_max = 1024;
    return made;
  }

  static pool::BridgeSetOptions options(std::size_t count) {
    pool::BridgeSetOptions made;
    for (std::size_t index = 0; index < count; ++index) made.bridges.push_back({{url(index)}});
    return made;
  }

  static void forget(Bridge& bridge) {
    if (bridge.at_set) --bridge.live_connections;
    bridge.at_set.reset();
    bridge.at_bridge.reset();
  }

  Bridge* bridge_at(link::ConnectionId connection) {
    for (Bridge& bridge : bridges) {
      if (bridge.at_set == connection) return &bridge;
    }
    return nullptr;
  }

  bool drain_set() {
    bool moved = false;
    while (auto effect = set.poll_effect(now)) {
      moved = true;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        perform(*order);
      } else if (auto* answered = std::get_if<pool::BridgeSet::Answered>(&*effect)) {
        ++ends[answered->request];
        const auto& response = std::get<wire::IntroduceResponse>(answered->message);
        answers[answered->request] = response.members.at(0).address;
        if (response.members[0].address != markers[answered->request]) ++mismatched;
      } else if (auto* failed = std::get_if<pool::BridgeSet::Failed>(&*effect)) {
        ++ends[failed->request];
        failures[failed->request] = {failed->code, now};
      } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
        log.emplace_back(record->event);
      }
    }
    return moved;
  }

  void perform(link::TransportOrder& order) {
    if (auto* dial = std::get_if<link::Dial>(&order)) {
      const auto bridge = std::ranges::find(bridges, dial->url, &Bridge::url);
      ++bridge->dials;
      ++bridge->live_connections;
      if (!bridge->accepts) {
        --bridge->live_connections;
        set.on_dial_failed(now, dial->connection, ErrorCode::refused, "refused");
        return;
      }
      bridge->at_set = dial->connection;
      bridge->at_bridge = bridge->end->channels->on_accepted(now, {"192.0.2.1"});
      set.on_dialled(now, dial->connection);
    } else if (auto* frame = std::get_if<link::SendFrame>(&order)) {
      Bridge* bridge = bridge_at(frame->connection);
      if (bridge != nullptr)
        bridge->end->channels->on_frame(now, *bridge->at_bridge, frame->kind, frame->bytes);
      set.on_drained(now, frame->connection, frame->bytes.size());
    } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
      Bridge* bridge = bridge_at(close->connection);
      if (bridge == nullptr) return;
      bridge->end->channels->on_closed(now, *bridge->at_bridge,
                                       static_cast<std::uint16_t>(close->status), close->reason);
      forget(*bridge);
    } else if (auto* sign = std::get_if<link::Sign>(&order)) {
      set.on_signed(now, sign->connection, sign->ticket, home.suite.sign(home.pair, sign->message));
    } else if (auto* verify = std::get_if<link::Verify>(&order)) {
      const bool valid = home.suite.verify(verify->key, verify->message, verify->signature);
      set.on_verified(now, verify->connection, verify->ticket, valid);
    }
  }

  bool drain_bridge(Bridge& bridge) {
    bool moved = false;
    End& end = *bridge.end;
    while (auto effect = end.channels->poll_effect()) {
      moved = true;
      if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
        if (auto* requested = std::get_if<link::Channel::Requested>(&news->news)) {
          answer(bridge, news->connection, *requested);
        }
        continue;
      }
      auto& order = std::get<link::TransportOrder>(*effect);
      if (auto* frame = std::get_if<link::SendFrame>(&order)) {
        Bridge* holder = holder_of(bridge, frame->connection);
        if (holder != nullptr) set.on_frame(now, *holder->at_set, frame->kind, frame->bytes);
      } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
        Bridge* holder = holder_of(bridge, close->connection);
        if (holder == nullptr) continue;
        const auto connection = *holder->at_set;
        forget(*holder);
        set.on_closed(now, connection, static_cast<std::uint16_t>(close->status), close->reason);
      } else if (auto* sign = std::get_if<link::Sign>(&order)) {
        end.channels->on_signed(now, sign->connection, sign->ticket,
                                end.suite.sign(end.pair, sign->message));
      } else if (auto* verify = std::get_if<link::Verify>(&order)) {
        const bool valid = end.suite.verify(verify->key, verify->message, verify->signature);
        end.channels->on_verified(now, verify->connection, verify->ticket, valid);
      }
    }
    return moved;
  }

  /// The place whose connection this is: two places may share one end.
  Bridge* holder_of(Bridge& first, link::ConnectionId connection) {
    for (Bridge& bridge : bridges) {
      if (bridge.end == first.end && bridge.at_bridge == connection) return &bridge;
    }
    return nullptr;
  }

  void answer(Bridge& bridge, link::ConnectionId connection,
              const link::Channel::Requested& requested) {
    if (!bridge.answers) return;
    if (bridge.busy) {
      bridge.end->channels->respond(now, connection, requested.id,
                                    wire::Failure{ErrorCode::busy, 100, "busy"});
      return;
    }
    wire::IntroduceResponse response;
    response.members.push_back(std::get<wire::IntroduceRequest>(requested.message).newcomer);
    bridge.end->channels->respond(now, connection, requested.id, response);
  }
};

}  // namespace trestle::test
