#pragma once

// Two connections of WebSocket, what is under way between them, and everything that may happen.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "web_socket_input.hpp"

namespace trestle::fuzz {

/// Commands in any order, bytes in any pieces, time, ends of the transport, and a stranger in the
/// place of a peer. What arrives is what was said, in its order, and all of it where the peer said
/// that this was all; each end is told once.
class Talk {
 public:
  explicit Talk(const Beginning& story)
      : input_(story.rest),
        options_(options_of(story)),
        masks_(std::array<std::uint8_t, MaskSource::kSeedBytes>{story.seed}),
        sides_{Side(Connection::server(options_)), Side(Connection::client(options_, masks_))} {}

  void play() {
    constexpr int kStepsMax = 120;
    for (int step = 0; step < kStepsMax && !input_.is_over(); ++step) {
      const std::uint8_t choice = input_.byte();
      take_step(choice >> 1, sides_[choice & 1], sides_[1 - (choice & 1)]);
      for (const Side& side : sides_) check(side);
    }
    for (std::size_t index = 0; index < sides_.size(); ++index) end(sides_[index]);
  }

 private:
  /// What an owner does when a message comes.
  enum class Habit : std::uint8_t { none, echo, close, release, forbid };

  struct Side {
    explicit Side(const Connection& made) : connection(made) {}

    Connection connection;
    Habit habit = Habit::none;
    bool hears_a_stranger = false;
    std::vector<std::string> said;  ///< Whole messages.
    std::uint64_t heard = 0;
    std::vector<std::string> pings;  ///< Those that may still be answered.
    MessageKind kind{};
    Bytes parts;
    bool is_in_parts = false;
    bool has_closed = false;
    bool has_hung_up = false;
  };

  static ConnectionOptions options_of(const Beginning& story) {
    ConnectionOptions options;
    if (story.has_small_limits()) options.reader = kSmallLimits;
    if ((story.choice & 8) != 0) options.output_bytes_max = 300;
    return options;
  }

  // ---- what happens

  void take_step(int what, Side& side, Side& other) {
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
        return say(side);
      case 3:
      case 4:
        return ping(side);
      case 5:
        return close(side);
      case 6:
      case 7:
        return carry(side, other, 1 + input_.number(2));
      case 8:
      case 9:
        return carry(side, other, SIZE_MAX);
      case 10:
        return pass(std::chrono::milliseconds(input_.number(2)));
      case 11:
        side.connection.on_end();
        return drain(side);
      case 12:
        return side.connection.release_storage();
      case 13:
        return side.connection.set_reader_limits(input_.flag() ? kSmallLimits : ReaderLimits{});
      case 14:
        side.hears_a_stranger = true;
        return hear(side, input_.take(input_.byte()));
      default:
        side.habit = static_cast<Habit>(input_.below(5));
    }
  }

  /// A message or a part of one.
  void say(Side& side) {
    const std::uint8_t how = input_.byte();
    const bool is_long = how == 0xff && ++long_messages_ <= kLongMessagesMax;
    const bool is_final = (how & 6) != 0;
    // Longer than 65,535 bytes, some of them: those have another form of length.
    Bytes payload =
        is_long ? Bytes(2 * input_.number(2), 0x20) : to_bytes(input_.take(input_.byte()));
    if (!side.is_in_parts) {
      side.kind = is_utf8(payload) && (how & 1) != 0 ? MessageKind::text : MessageKind::binary;
    } else if (side.kind == MessageKind::text && !is_utf8(payload)) {
      payload.clear();
    }
    const Part part = side.is_in_parts ? (is_final ? Part::last : Part::middle)
                                       : (is_final ? Part::whole : Part::first);
    const auto sent = side.connection.send(side.kind, payload, part);
    if (!sent) return check_refusal(side, sent.error(), payload.size());
    append(side.parts, payload);
    side.is_in_parts = !is_final;
    if (!is_final) return;
    side.said.push_back(test::told(MessageArrived{side.kind, side.parts}));
    side.parts.clear();
  }
  void ping(Side& side) {
    const ByteSpan payload = input_.take(input_.below(126));
    const auto sent = side.connection.ping(payload);
    if (!sent) return check_refusal(side, sent.error(), payload.size());
    side.pings.push_back(test::shown(payload));
  }
  void close(Side& side) {
    constexpr std::array<std::uint16_t, 4> kStatuses = {1000, kNoStatus, 1011, 4999};
    const std::uint16_t status = kStatuses[input_.below(kStatuses.size())];
    side.connection.close(now_, status, as_text(input_.take(input_.byte())));
    MUST_HOLD(!side.connection.is_open());
  }
  void check_refusal(const Side& side, SendRefusal why, std::size_t bytes) const {
    MUST_HOLD((why == SendRefusal::closed) == !side.connection.is_open());
    if (why == SendRefusal::closed) return;
    MUST_HOLD(side.connection.output().size() + bytes + kFrameHeadBytesMax >
              options_.output_bytes_max);
  }

  void carry(Side& from, Side& to, std::size_t count) {
    const ByteSpan waiting = from.connection.output();
    const Bytes carried = to_bytes(waiting.first(std::min(count, waiting.size())));
    from.connection.on_written(carried.size());
    hear(to, carried);
  }
  /// As a copy of exactly that size, which dies when the effects have been drained.
  void hear(Side& side, ByteSpan bytes) {
    Bytes input = to_bytes(bytes);
    side.connection.on_bytes(now_, input);
    drain(side);
  }
  void pass(Duration time) {
    now_ = after(now_, time);
    for (Side& side : sides_) {
      side.connection.on_deadline(now_);
      MUST_HOLD(side.connection.next_deadline() > now_);
      drain(side);
    }
  }
  void end(Side& side) {
    side.connection.on_end();
    drain(side);
    MUST_HOLD(side.has_hung_up && side.connection.next_deadline() == kNever);
    side.connection.close(now_, 1000, "again");
    MUST_HOLD(!side.connection.send(MessageKind::binary, {}).has_value());
    MUST_HOLD(!side.connection.ping({}).has_value());
  }

  // ---- what is told

  void drain(Side& side) {
    while (const auto effect = side.connection.poll_effect()) {
      MUST_HOLD(!side.has_hung_up);
      std::visit([&](const auto& news) { hear_of(side, news); }, *effect);
    }
  }
  const Side& peer_of(const Side& side) const { return sides_[&side == &sides_[0] ? 1 : 0]; }
  void hear_of(Side& side, const MessageArrived& message) {
    MUST_HOLD(!side.has_closed);
    const std::vector<std::string>& said = peer_of(side).said;
    if (!side.hears_a_stranger) {
      MUST_HOLD(side.heard < said.size() && said[side.heard] == test::told(message));
    }
    ++side.heard;
    switch (side.habit) {
      case Habit::none:
        return;
      case Habit::echo:
        if (side.is_in_parts || !side.connection.send(message.kind, message.payload)) return;
        return side.said.push_back(test::told(message));
      case Habit::close:
        return side.connection.close(now_, 1000, {});
      case Habit::release:
        return side.connection.release_storage();
      case Habit::forbid:
        return side.connection.set_reader_limits(kSmallLimits);
    }
  }
  /// Not every ping has an answer, but they are answered in their order (RFC 6455, 5.5.3).
  void hear_of(Side& side, const PongArrived& pong) {
    MUST_HOLD(!side.has_closed);
    if (side.hears_a_stranger || peer_of(side).hears_a_stranger) return;
    const auto found = std::find(side.pings.begin(), side.pings.end(), test::shown(pong.payload));
    MUST_HOLD(found != side.pings.end());
    side.pings.erase(side.pings.begin(), found + 1);
  }
  void hear_of(Side& side, const Closed& closed) {
    MUST_HOLD(!side.has_closed && !side.connection.is_open());
    side.has_closed = true;
    MUST_HOLD((closed.by == EndedBy::flaw) == closed.flaw.has_value());
    if (side.hears_a_stranger) return;
    if (closed.by == EndedBy::peer) MUST_HOLD(side.heard == peer_of(side).said.size());
    if (!closed.flaw) return;
    // Our own peers break nothing but limits.
    MUST_HOLD(*closed.flaw == Flaw::too_large || *closed.flaw == Flaw::too_many_fragments ||
              *closed.flaw == Flaw::too_many_controls);
  }
  void hear_of(Side& side, const HangUp&) {
    MUST_HOLD(side.has_closed);
    side.has_hung_up = true;
  }

  void check(const Side& side) const {
    const Connection& one = side.connection;
    MUST_HOLD(one.output().size() <= options_.output_bytes_max + kCloseBytesMax);
    MUST_HOLD(one.storage_bytes() <=
              ReaderLimits{}.message_bytes_max + 2 * options_.output_bytes_max + 256);
    MUST_HOLD(one.buffered_bytes() <= ReaderLimits{}.message_bytes_max + 139);
    MUST_HOLD(one.incomplete_since() <= now_ || one.incomplete_since() == kNever);
    MUST_HOLD(one.stats().messages_received_total == side.heard);
    MUST_HOLD(one.stats().messages_sent_total == side.said.size());
  }

  static constexpr std::size_t kCloseBytesMax = 131;

  /// They take most of the time of a story that has one, and show little that others do not.
  static constexpr int kLongMessagesMax = 3;

  Input input_;
  ConnectionOptions options_;
  MaskSource masks_;
  std::array<Side, 2> sides_;
  Instant now_ = test::kTestEpoch;
  int long_messages_ = 0;
};

}  // namespace trestle::fuzz
