#pragma once

// Frames as a test writes them, right and wrong, with an encoder of its own; and what becomes of
// them, as text.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pieces.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/message_reader.hpp"

namespace trestle::test {

namespace ws = wire::websocket;

enum class LengthForm : std::uint8_t { minimal, two_bytes, eight_bytes };

/// A frame, or bytes that pretend to be one.
struct Sketch {
  std::uint8_t opcode = 0;
  std::string payload;
  bool is_final = true;
  std::uint8_t reserved = 0;  ///< 0x40, 0x20, 0x10.
  LengthForm length = LengthForm::minimal;
  std::optional<std::uint64_t> claims;  ///< A length that is not the payload's.
  bool has_wrong_mask = false;          ///< None from a client, or one from a server.
  std::array<std::uint8_t, 4> mask = {0x37, 0xfa, 0x21, 0x3d};
};

inline void append_sketch(Bytes& out, const Sketch& frame, ws::Role sender) {
  const bool is_masked = (sender == ws::Role::client) != frame.has_wrong_mask;
  const std::uint64_t length = frame.claims.value_or(frame.payload.size());
  out.push_back(
      static_cast<std::uint8_t>((frame.is_final ? 0x80 : 0) | frame.reserved | frame.opcode));
  LengthForm form = frame.length;
  if (form == LengthForm::minimal && length > 125) {
    form = length > 65535 ? LengthForm::eight_bytes : LengthForm::two_bytes;
  }
  const int bytes = form == LengthForm::minimal ? 0 : form == LengthForm::two_bytes ? 2 : 8;
  const std::uint64_t seven = bytes == 0 ? length : bytes == 2 ? 126 : 127;
  out.push_back(static_cast<std::uint8_t>((is_masked ? 0x80 : 0) | seven));
  for (int index = bytes - 1; index >= 0; --index) {
    out.push_back(static_cast<std::uint8_t>(length >> (8 * index)));
  }
  if (is_masked) append(out, frame.mask);
  for (std::size_t index = 0; index < frame.payload.size(); ++index) {
    const auto byte = static_cast<std::uint8_t>(frame.payload[index]);
    out.push_back(is_masked ? static_cast<std::uint8_t>(byte ^ frame.mask[index % 4]) : byte);
  }
}

inline Bytes encoded(const std::vector<Sketch>& frames, ws::Role sender) {
  Bytes bytes;
  for (const Sketch& frame : frames) append_sketch(bytes, frame, sender);
  return bytes;
}

// ---- what becomes of them

/// Short text as it is, anything else as its size and a checksum (FNV-1a).
inline std::string shown(std::string_view content) {
  const bool is_plain =
      content.size() <= 24 && std::all_of(content.begin(), content.end(), [](char letter) {
        return letter >= ' ' && letter <= '~' && letter != ',';
      });
  if (is_plain) return "'" + std::string(content) + "'";
  std::uint32_t sum = 2166136261u;
  for (const char letter : content) sum = (sum ^ static_cast<std::uint8_t>(letter)) * 16777619u;
  return std::to_string(content.size()) + "#" + std::to_string(sum);
}

inline std::string shown(ByteSpan content) { return shown(as_text(content)); }

inline std::string told(const ws::MessageArrived& message) {
  return (message.kind == ws::MessageKind::text ? "text " : "binary ") + shown(message.payload);
}
inline std::string told(const ws::PingArrived& ping) { return "ping " + shown(ping.payload); }
inline std::string told(const ws::PongArrived& pong) { return "pong " + shown(pong.payload); }
inline std::string told(const ws::CloseArrived& close) {
  return "close " + std::to_string(close.notice.status) + " " + shown(close.notice.reason);
}
inline std::string told(const ws::ReadingFailed& failed) {
  return std::to_string(ws::status_of(failed.flaw)) + ": " + std::string(sentence(failed.flaw));
}
inline std::string told(const ws::Closed& closed) {
  constexpr std::array<std::string_view, 4> kBy = {"peer", "us", "flaw", "transport"};
  return "closed " + std::to_string(closed.status) + " by " +
         std::string(kBy[static_cast<std::size_t>(closed.by)]);
}
inline std::string told(const ws::HangUp&) { return "hang up"; }

template <typename... Kinds>
std::string told(const std::variant<Kinds...>& one) {
  return std::visit([](const auto& kind) { return told(kind); }, one);
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// ---- pieces

inline constexpr Instant kTestEpoch = Instant(std::chrono::seconds(1000));

/// Everything that a reader finds, as text.
inline std::vector<std::string> read_in_pieces(ByteSpan bytes, const Pieces& pieces,
                                               ws::Role sender, const ws::ReaderLimits& limits) {
  ws::MessageReader reader(sender, limits);
  std::vector<std::string> found;
  in_pieces(bytes, pieces, [&](std::span<std::uint8_t> piece) {
    reader.on_bytes(kTestEpoch, piece);
    while (const auto arrival = reader.next()) found.push_back(told(*arrival));
  });
  return found;
}

}  // namespace trestle::test
