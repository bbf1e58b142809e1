#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "support/wire_pair.hpp"

namespace trestle::test {

/// Two ends and any number of connections between them, all dialled by the left one. Frames arrive
/// at once and in order.
class WireBundle {
 public:
  struct Wire {
    link::ConnectionId left;
    link::ConnectionId right;
  };

  WireBundle(End& left_end, End& right_end) : left(left_end), right(right_end) {}

  End& left;
  End& right;
  /// Those that neither side has closed.
  std::vector<Wire> wires;

  /// A further connection, open on both sides when this returns.
  Wire connect(Instant now) {
    const link::ConnectionId dialled = left.channels->dial(now, right.local.address);
    settle(now);
    return *std::ranges::find(wires, dialled, &Wire::left);
  }

  void settle(Instant now) {
    while (drain(now, left) + drain(now, right) > 0) {
    }
  }

  /// The connection breaks; both sides are told.
  void break_wire(Instant now, Wire wire) {
    forget(wire);
    left.channels->on_closed(now, wire.left, 1006, "reset");
    right.channels->on_closed(now, wire.right, 1006, "reset");
    settle(now);
  }

 private:
  std::size_t drain(Instant now, End& from) {
    std::size_t count = 0;
    while (auto effect = from.channels->poll_effect()) {
      ++count;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        std::visit([&](auto& one) { perform(now, from, one); }, *order);
      } else {
        from.news.push_back(std::get<link::ChannelSet::News>(std::move(*effect)));
      }
    }
    return count;
  }

  void perform(Instant now, End&, link::Dial& dial) {
    wires.push_back({dial.connection, right.channels->on_accepted(now, {"127.0.0.1"})});
    left.channels->on_dialled(now, dial.connection);
  }
  void perform(Instant now, End& from, link::SendFrame& frame) {
    from.channels->on_drained(now, frame.connection, frame.bytes.size());
    const auto wire = find(from, frame.connection);
    if (wire == wires.end()) return;
    if (&from == &left) {
      right.channels->on_frame(now, wire->right, frame.kind, frame.bytes);
    } else {
      left.channels->on_frame(now, wire->left, frame.kind, frame.bytes);
    }
  }
  void perform(Instant now, End& from, link::CloseTransport& close) {
    const auto found = find(from, close.connection);
    if (found == wires.end()) return;
    const Wire wire = *found;
    forget(wire);
    const auto status = static_cast<std::uint16_t>(close.status);
    if (&from == &left) {
      right.channels->on_closed(now, wire.right, status, close.reason);
    } else {
      left.channels->on_closed(now, wire.left, status, close.reason);
    }
  }
  void perform(Instant now, End& from, link::Sign& sign) {
    from.channels->on_signed(now, sign.connection, sign.ticket,
                             from.suite.sign(from.pair, sign.message));
  }
  void perform(Instant now, End& from, link::Verify& verify) {
    const bool valid = from.suite.verify(verify.key, verify.message, verify.signature);
    from.channels->on_verified(now, verify.connection, verify.ticket, valid);
  }

  std::vector<Wire>::iterator find(const End& from, link::ConnectionId connection) {
    return std::ranges::find(wires, connection, &from == &left ? &Wire::left : &Wire::right);
  }
  void forget(const Wire& wire) {
    std::erase_if(wires, [&](const Wire& one) { return one.left == wire.left; });
  }
};

}  // namespace trestle::test
