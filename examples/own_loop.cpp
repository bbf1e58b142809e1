// The core without a driver of ours: whole nodes, wired in memory, in a time that this file makes
// up. All that a loop of one's own has to do for a node::Node: feed it what happened, drain its
// effects and perform them in order, wait for the next input or its deadline. Run: own_loop
// Prints what one node reads of another's, and ends with 0 if it is what was written.

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "trestle/trestle.hpp"

using namespace trestle;
using namespace std::chrono_literals;

class Loop {
 public:
  struct Seat {
    std::string url;
    crypto::Suite suite{};
    crypto::KeyPair keys = suite.generate();
    crypto::Identity identity{keys.key, crypto::node_id_of(suite, keys.key)};
    std::unique_ptr<node::Node> node{};
    std::map<node::OperationId, node::OperationEnded> ended{};
  };

  Seat& add(const std::string& url, const host::Service::MakeNode& make_node) {
    Seat& seat = *seats_.emplace_back(std::make_unique<Seat>(url));
    seat.node = make_node(url, seat.identity, seat.suite, Rng(seats_.size()));
    seat.node->on_wall_clock(now, WallTime(1'800'000'000'000ms));
    seat.node->start(now);
    return seat;
  }

  void run(Duration time) {
    const Instant until = now + time;
    for (Instant next = now; next <= until;) {
      now = next;
      while (!inputs_.empty() && inputs_.begin()->first <= now) {
        inputs_.extract(inputs_.begin()).mapped()();
      }
      for (const auto& seat : seats_) {
        if (seat->node->next_deadline() <= now) seat->node->on_deadline(now);
        while (auto effect = seat->node->poll_effect(now)) {
          std::visit([&](auto& order) { perform(*seat, order); }, *effect);
        }
      }
      next = inputs_.empty() ? kNever : inputs_.begin()->first;
      for (const auto& seat : seats_) next = std::min(next, seat->node->next_deadline());
    }
    now = until;
  }

  Instant now{};

 private:
  using End = std::pair<Seat*, link::ConnectionId>;  // whose, and by which id he knows it
  void later(Duration wait, std::function<void()> input) { inputs_.emplace(now + wait, input); }

  void perform(Seat& seat, const link::Dial& dial) {
    later(10ms, [this, from = End(&seat, dial.connection), url = dial.url] {
      if (closed_.contains(from)) return;  // given up meanwhile
      for (const auto& other : seats_) {
        if (other->url != url) continue;
        const End to(other.get(), other->node->on_accepted(now, {"10.0.0.1"}));
        wires_[from] = to;
        wires_[to] = from;
        return from.first->node->on_dialled(now, from.second);
      }
      from.first->node->on_dial_failed(now, from.second, ErrorCode::refused, "nobody listens");
    });
  }
  void perform(Seat& seat, const link::SendFrame& frame) {
    later(5ms, [this, from = End(&seat, frame.connection), frame] {
      if (!wires_.contains(from)) return;
      const End to = wires_[from];
      if (!closed_.contains(to)) to.first->node->on_frame(now, to.second, frame.kind, frame.bytes);
      if (!closed_.contains(from))
        from.first->node->on_drained(now, from.second, frame.bytes.size());
    });
  }
  void perform(Seat& seat, const link::CloseTransport& close) {
    const End from(&seat, close.connection);
    closed_.insert(from);  // it hears nothing more from here on
    later(5ms, [this, from, status = static_cast<std::uint16_t>(close.status)] {
      if (!wires_.contains(from)) return;
      const End to = wires_.extract(from).mapped();
      wires_.erase(to);
      if (closed_.insert(to).second) to.first->node->on_closed(now, to.second, status, "");
    });
  }
  void perform(Seat& seat, const link::Sign& sign) {
    const auto proof = seat.suite.sign(seat.keys, sign.message);
    seat.node->on_signed(now, sign.connection, sign.ticket, proof);
  }
  void perform(Seat& seat, const link::Verify& order) {
    const bool valid = seat.suite.verify(order.key, order.message, order.signature);
    seat.node->on_verified(now, order.connection, order.ticket, valid);
  }
  void perform(Seat& seat, const node::OperationEnded& end) { seat.ended[end.operation] = end; }
  void perform(Seat&, const auto&) {}  // Joined, LogRecord, Stopped

  std::vector<std::unique_ptr<Seat>> seats_;
  std::map<End, End> wires_;
  std::set<End> closed_;
  std::multimap<Instant, std::function<void()>> inputs_;
};

int main() {
  Loop loop;
  node::NodeOptions member;
  member.bootstrap_urls = {"ws://bootstrap/"};
  loop.add("ws://bootstrap/", host::make<node::BootstrapNode>(node::BootstrapOptions{}));
  Loop::Seat& one = loop.add("ws://one/", host::make<node::DhtNode>(member));
  Loop::Seat& two = loop.add("ws://two/", host::make<node::DhtNode>(member));
  loop.run(30s);
  const auto put = one.node->put(loop.now, "greeting", to_bytes(as_bytes("hello")), 1h);
  loop.run(5s);
  const auto get = two.node->get(loop.now, "greeting");
  loop.run(5s);
  if (!put || !get || !two.ended[*get].record) return 1;
  const std::string read(as_text(two.ended[*get].record->value));
  std::printf("two reads what one wrote: %s\n", read.c_str());
  return read == "hello" ? 0 : 1;
}
