#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/wire_pair.hpp"
#include "trestle/pool/bridge_set.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::test {

/// A bridge set and the bridges it dials: real channels on both ends, a transport that carries
/// frames at once, and faults on demand. Answers carry the asker's marker back, so that a swapped
/// answer is seen.
class BridgeWorld {
 public:
  struct Bridge {
    pool::BridgeEndpoint endpoint;
    std::shared_ptr<End> end;
    bool accepts = true;    ///< Dials succeed.
    bool answers = true;    ///< Requests are answered.
    bool busy = false;      ///< ... with BUSY.
    bool nonsense = false;  ///< ... with a message that is no answer to them.
    bool slow = false;      ///< Dials stay pending until `end_dial`.
    /// Addresses at which nobody listens.
    std::vector<std::string> deaf;
    std::vector<std::string> dialled;
    int live_connections = 0;
    int live_connections_max = 0;
    std::vector<Duration> budgets;
    /// Requests that were not answered at once.
    std::vector<std::pair<link::ConnectionId, link::Channel::Requested>> held;

    std::size_t dials() const { return dialled.size(); }
  };

  BridgeWorld(std::size_t count, std::uint64_t seed, std::string_view bridge_secret = "secret")
      : BridgeWorld(options_for(count), seed, bridge_secret) {}

  BridgeWorld(const pool::BridgeSetOptions& options, std::uint64_t seed,
              std::string_view bridge_secret = "secret")
      : rng(seed),
        home(1000 + seed, wire::Role::bootstrap, {}, "secret"),
        set(options, home.local, home.suite, Rng(seed)) {
    for (const pool::BridgeEndpoint& endpoint : options.bridges) add(endpoint, bridge_secret);
  }

  /// A bridge that exists, whether or not the set knows of it.
  void add(const pool::BridgeEndpoint& endpoint, std::string_view bridge_secret = "secret") {
    Bridge bridge;
    bridge.endpoint = endpoint;
    bridge.end = std::make_shared<End>(bridges.size() + 1, wire::Role::bridge, bridge_channels(),
                                       bridge_secret);
    bridges.push_back(std::move(bridge));
  }

  static std::string url(std::size_t index) { return "ws://bridge-" + std::to_string(index); }

  static pool::BridgeSetOptions options_for(std::size_t count) {
    pool::BridgeSetOptions made;
    for (std::size_t index = 0; index < count; ++index) made.bridges.push_back({{url(index)}});
    return made;
  }

  void start() {
    set.start(now);
    settle();
  }

  pool::PoolRequestId submit(pool::Hedging hedging = pool::Hedging::never) {
    const auto request = submit_undrained(hedging);
    settle();
    return request;
  }

  pool::PoolRequestId submit_undrained(pool::Hedging hedging = pool::Hedging::never) {
    wire::IntroduceRequest ask;
    ask.newcomer.address = "marker-" + std::to_string(++submitted);
    ask.budget_ms = budget_ms;
    const auto request = set.submit(now, ask, hedging);
    markers[*request] = ask.newcomer.address;
    return *request;
  }

  /// Cuts the bridge's connections as a crash does.
  void drop(std::size_t index) {
    std::vector<link::ConnectionId> lost;
    for (const Connection& connection : connections_) {
      if (connection.bridge == index) lost.push_back(connection.at_set);
    }
    for (const link::ConnectionId connection : lost) {
      forget(connection);
      set.on_closed(now, connection, 1006, "reset");
    }
    settle();
  }

  /// The bridge answers what it has held back.
  void answer_held(std::size_t index) {
    Bridge& bridge = bridges[index];
    bridge.answers = true;
    for (const auto& [connection, requested] : std::exchange(bridge.held, {})) {
      answer(bridge, connection, requested);
    }
    settle();
  }

  /// A pending dial comes to its end; one that was abandoned meanwhile opens late.
  void end_dial(bool opens) {
    if (pending_.empty()) return;
    const std::size_t choice = rng.below(pending_.size());
    const Pending pending = pending_[choice];
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(choice));
    if (pending.is_abandoned) {
      set.on_dialled(now, pending.connection);
    } else if (opens) {
      open(pending.bridge, pending.connection);
    } else {
      --bridges[pending.bridge].live_connections;
      set.on_dial_failed(now, pending.connection, ErrorCode::timeout, "no answer");
    }
    settle();
  }

  /// The bridge says something that nobody asked, on each of its connections.
  void inject(std::size_t bridge, const wire::Envelope& envelope) {
    Bytes frame;
    wire::native::append_record(frame, envelope);
    const std::vector<Connection> targets = connections_;
    for (const Connection& connection : targets) {
      if (connection.bridge != bridge) continue;
      set.on_frame(now, connection.at_set, link::FrameKind::binary, frame);
    }
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
    return static_cast<std::size_t>(std::ranges::count(log, event));
  }
  /// Open ones, and dials that were not abandoned.
  std::size_t connections() const {
    const auto dials = std::ranges::count(pending_, false, &Pending::is_abandoned);
    return connections_.size() + static_cast<std::size_t>(dials);
  }

  Rng rng;
  Instant now = kStart;
  End home;
  std::vector<Bridge> bridges;
  pool::BridgeSet set;
  std::uint32_t budget_ms = 10'000;
  /// Nothing arrives from or at this bridge any more, and nobody is told: a half-open link.
  std::optional<std::size_t> cut;
  std::size_t submitted = 0;
  std::size_t mismatched = 0;
  std::map<pool::PoolRequestId, std::string> markers;
  std::map<pool::PoolRequestId, int> ends;
  std::map<pool::PoolRequestId, std::string> answers;
  std::map<pool::PoolRequestId, std::pair<ErrorCode, Instant>> failures;
  std::vector<std::string> log;
  std::vector<pool::BridgeSet::AskAttached> asked;
  std::vector<pool::BridgeSet::WithdrawAttached> withdrawn;
  std::optional<wire::Contacts> available;
  /// What was open when the last answer was reported (P-CR-13).
  std::size_t connections_at_answer = 0;

  void settle() {
    bool moved = true;
    while (moved) {
      moved = drain_set();
      for (Bridge& bridge : bridges) moved = drain_bridge(bridge) || moved;
    }
  }

 private:
  struct Connection {
    std::size_t bridge = 0;
    link::ConnectionId at_set;
    link::ConnectionId at_bridge;
  };

  struct Pending {
    std::size_t bridge = 0;
    link::ConnectionId connection;
    bool is_abandoned = false;
  };

  /// Bridges that take whatever the set allows itself.
  static link::ChannelSetOptions bridge_channels() {
    link::ChannelSetOptions made;
    made.channel.served_max = 1024;
    return made;
  }

  void forget(link::ConnectionId at_set) {
    const auto place = std::ranges::find(connections_, at_set, &Connection::at_set);
    if (place == connections_.end()) return;
    --bridges[place->bridge].live_connections;
    connections_.erase(place);
  }

  const Connection* find(link::ConnectionId at_set) const {
    const auto place = std::ranges::find(connections_, at_set, &Connection::at_set);
    return place == connections_.end() ? nullptr : &*place;
  }

  bool drain_set() {
    bool moved = false;
    while (auto effect = set.poll_effect(now)) {
      moved = true;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        perform(*order);
      } else if (auto* answered = std::get_if<pool::BridgeSet::Answered>(&*effect)) {
        ++ends[answered->request];
        connections_at_answer = connections_.size();
        if (const auto* response = std::get_if<wire::IntroduceResponse>(&answered->message)) {
          answers[answered->request] = response->members.at(0).address;
          if (response->members[0].address != markers[answered->request]) ++mismatched;
        }
      } else if (auto* failed = std::get_if<pool::BridgeSet::Failed>(&*effect)) {
        ++ends[failed->request];
        failures[failed->request] = {failed->code, now};
      } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
        log.emplace_back(record->event);
      } else if (auto* ask = std::get_if<pool::BridgeSet::AskAttached>(&*effect)) {
        asked.push_back(std::move(*ask));
      } else if (auto* withdraw = std::get_if<pool::BridgeSet::WithdrawAttached>(&*effect)) {
        withdrawn.push_back(*withdraw);
      } else if (auto* changed = std::get_if<pool::BridgeSet::BridgesChanged>(&*effect)) {
        available = std::move(changed->available);
      }
    }
    return moved;
  }

  void perform(link::TransportOrder& order) {
    if (auto* dial = std::get_if<link::Dial>(&order)) {
      this->dial(*dial);
    } else if (auto* frame = std::get_if<link::SendFrame>(&order)) {
      const Connection* connection = find(frame->connection);
      if (connection != nullptr && connection->bridge != cut) {
        bridges[connection->bridge].end->channels->on_frame(now, connection->at_bridge, frame->kind,
                                                            frame->bytes);
      }
      set.on_drained(now, frame->connection, frame->bytes.size());
    } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
      const Connection* connection = find(close->connection);
      if (connection == nullptr) return abandon(close->connection);
      bridges[connection->bridge].end->channels->on_closed(
          now, connection->at_bridge, static_cast<std::uint16_t>(close->status), close->reason);
      forget(close->connection);
    } else if (auto* sign = std::get_if<link::Sign>(&order)) {
      set.on_signed(now, sign->connection, sign->ticket, home.suite.sign(home.pair, sign->message));
    } else if (auto* verify = std::get_if<link::Verify>(&order)) {
      const bool valid = home.suite.verify(verify->key, verify->message, verify->signature);
      set.on_verified(now, verify->connection, verify->ticket, valid);
    }
  }

  void dial(const link::Dial& dial) {
    const auto place = std::ranges::find_if(bridges, [&](const Bridge& bridge) {
      const auto& urls = bridge.endpoint.urls;
      return std::ranges::find(urls, dial.url) != urls.end();
    });
    place->dialled.push_back(dial.url);
    const bool is_deaf = std::ranges::find(place->deaf, dial.url) != place->deaf.end();
    if (!place->accepts || is_deaf) {
      set.on_dial_failed(now, dial.connection, ErrorCode::refused, "refused");
      return;
    }
    const auto index = static_cast<std::size_t>(place - bridges.begin());
    ++place->live_connections;
    place->live_connections_max = std::max(place->live_connections_max, place->live_connections);
    if (place->slow) {
      pending_.push_back({index, dial.connection});
    } else {
      open(index, dial.connection);
    }
  }

  void open(std::size_t bridge, link::ConnectionId connection) {
    const auto at_bridge = bridges[bridge].end->channels->on_accepted(now, {"192.0.2.1"});
    connections_.push_back({bridge, connection, at_bridge});
    set.on_dialled(now, connection);
  }

  void abandon(link::ConnectionId connection) {
    const auto place = std::ranges::find(pending_, connection, &Pending::connection);
    if (place == pending_.end() || place->is_abandoned) return;
    place->is_abandoned = true;
    --bridges[place->bridge].live_connections;
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
        const Connection* holder = holder_of(end, frame->connection);
        if (holder != nullptr) set.on_frame(now, holder->at_set, frame->kind, frame->bytes);
      } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
        const Connection* holder = holder_of(end, close->connection);
        if (holder == nullptr) continue;
        const auto connection = holder->at_set;
        forget(connection);
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

  /// The connection with that id at this end: two places may share one end.
  const Connection* holder_of(const End& end, link::ConnectionId at_bridge) const {
    const auto place = std::ranges::find_if(connections_, [&](const Connection& connection) {
      return bridges[connection.bridge].end.get() == &end && connection.at_bridge == at_bridge;
    });
    return place == connections_.end() ? nullptr : &*place;
  }

  void answer(Bridge& bridge, link::ConnectionId connection,
              const link::Channel::Requested& requested) {
    if (!bridge.answers) {
      bridge.held.emplace_back(connection, requested);
      return;
    }
    const auto& ask = std::get<wire::IntroduceRequest>(requested.message);
    bridge.budgets.push_back(std::chrono::milliseconds(ask.budget_ms));
    wire::Message message;
    if (bridge.busy) {
      message = wire::Failure{ErrorCode::busy, 100, "busy"};
    } else if (bridge.nonsense) {
      message = wire::FindNodeResponse{};
    } else {
      wire::IntroduceResponse response;
      response.members.push_back(ask.newcomer);
      message = std::move(response);
    }
    bridge.end->channels->respond(now, connection, requested.id, message);
  }

  std::vector<Connection> connections_;
  std::vector<Pending> pending_;
};

}  // namespace trestle::test
