#pragma once

// RFC 6455, section 5, once more: a byte at a time out of a whole stream, slow and obvious. What
// `MessageReader` finds must be the same.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frames.hpp"

namespace trestle::test {

class SlowReader {
 public:
  SlowReader(ByteSpan bytes, ws::Role sender, const ws::ReaderLimits& limits)
      : bytes_(bytes), sender_(sender), limits_(limits) {}

  std::vector<std::string> read() {
    while (!is_over_ && read_frame()) {
    }
    return found_;
  }

 private:
  /// Nothing at the end of the stream.
  std::optional<std::uint8_t> byte() {
    if (place_ == bytes_.size()) return std::nullopt;
    return bytes_[place_++];
  }

  bool fail(ws::Flaw flaw) {
    found_.push_back(told(ws::ReadingFailed{flaw}));
    is_over_ = true;
    return false;
  }

  bool read_frame() {
    const auto first = byte();
    if (!first) return false;
    if (*first & 0b01110000) return fail(ws::Flaw::reserved_bits);
    const int opcode = *first & 0b1111;
    const bool is_final = (*first & 0b10000000) != 0;
    const bool is_control = opcode >= 8;
    if ((opcode > 2 && opcode < 8) || opcode > 10) return fail(ws::Flaw::reserved_opcode);
    if (is_control && !is_final) return fail(ws::Flaw::fragmented_control);

    const auto second = byte();
    if (!second) return false;
    const bool is_masked = *second >= 128;
    if (sender_ == ws::Role::client && !is_masked) return fail(ws::Flaw::not_masked);
    if (sender_ == ws::Role::server && is_masked) return fail(ws::Flaw::masked);
    std::uint64_t length = *second % 128;
    if (is_control && length >= 126) return fail(ws::Flaw::long_control);
    if (length >= 126) {
      const int count = length == 126 ? 2 : 8;
      std::uint64_t number = 0;
      for (int index = 0; index < count; ++index) {
        const auto next = byte();
        if (!next) return false;
        number = number * 256 + *next;
      }
      if (number >= std::uint64_t{1} << 63) return fail(ws::Flaw::length_out_of_bounds);
      if (number < 126 || (count == 8 && number < 65536)) {
        return fail(ws::Flaw::length_not_minimal);
      }
      length = number;
    }
    std::array<std::uint8_t, 4> key{};
    for (std::size_t index = 0; is_masked && index < 4; ++index) {
      const auto next = byte();
      if (!next) return false;
      key[index] = *next;
    }
    return is_control ? read_control(opcode, length, key)
                      : read_data(opcode, is_final, length, key);
  }

  bool read_control(int opcode, std::uint64_t length, const std::array<std::uint8_t, 4>& key) {
    // All of it comes in the same instant: so many at once, and no more.
    if (opcode != 8 && ++controls_ > limits_.controls.at_once) {
      return fail(ws::Flaw::too_many_controls);
    }
    std::string payload;
    for (std::uint64_t index = 0; index < length; ++index) {
      const auto next = byte();
      if (!next) return false;
      payload.push_back(static_cast<char>(*next ^ key[index % 4]));
    }
    if (opcode == 9) found_.push_back("ping " + shown(payload));
    if (opcode == 10) found_.push_back("pong " + shown(payload));
    if (opcode != 8) return true;
    is_over_ = true;
    if (payload.empty()) {
      found_.push_back("close 1005 ''");
      return false;
    }
    if (payload.size() == 1) return fail(ws::Flaw::half_status);
    const int status =
        static_cast<std::uint8_t>(payload[0]) * 256 + static_cast<std::uint8_t>(payload[1]);
    const bool is_reserved = status == 1004 || status == 1005 || status == 1006 || status == 1015;
    const bool is_defined =
        (status >= 1000 && status <= 1015 && !is_reserved) || (status >= 3000 && status <= 4999);
    if (!is_defined) return fail(ws::Flaw::unsendable_status);
    const std::string reason = payload.substr(2);
    if (utf8_of(reason) != Utf8::whole) return fail(ws::Flaw::reason_not_utf8);
    found_.push_back("close " + std::to_string(status) + " " + shown(reason));
    return false;
  }

  bool read_data(int opcode, bool is_final, std::uint64_t length,
                 const std::array<std::uint8_t, 4>& key) {
    if (opcode == 0 && !is_in_message_) return fail(ws::Flaw::stray_continuation);
    if (opcode != 0 && is_in_message_) return fail(ws::Flaw::nested_message);
    if (opcode != 0) {
      is_in_message_ = true;
      is_text_ = opcode == 1;
      message_.clear();
      frames_ = 0;
    }
    if (++frames_ > limits_.fragments_max) return fail(ws::Flaw::too_many_fragments);
    if (length > limits_.frame_bytes_max) return fail(ws::Flaw::too_large);
    if (length + message_.size() > limits_.message_bytes_max) return fail(ws::Flaw::too_large);
    bool is_cut = false;
    for (std::uint64_t index = 0; index < length && !is_cut; ++index) {
      const auto next = byte();
      is_cut = !next;
      if (next) message_.push_back(static_cast<char>(*next ^ key[index % 4]));
    }
    if (is_text_ && utf8_of(message_) == Utf8::broken) return fail(ws::Flaw::not_utf8);
    if (is_cut) return false;
    if (!is_final) return true;
    if (is_text_ && utf8_of(message_) != Utf8::whole) return fail(ws::Flaw::not_utf8);
    is_in_message_ = false;
    found_.push_back((is_text_ ? "text " : "binary ") + shown(message_));
    return true;
  }

  enum class Utf8 : std::uint8_t { whole, cut, broken };

  /// By what the characters are: a cut one is one that some continuation could complete.
  static Utf8 utf8_of(const std::string& text) {
    std::size_t place = 0;
    while (place < text.size()) {
      const auto first = static_cast<std::uint8_t>(text[place]);
      const std::size_t size = first < 0x80   ? 1
                               : first < 0xc0 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf8 ? 4
                                              : 0;
      if (size == 0) return Utf8::broken;
      // The least and the greatest number that this beginning can still become.
      std::uint32_t least = size == 1 ? first : first & (0x7fu >> size);
      std::uint32_t greatest = least;
      bool is_cut = false;
      for (std::size_t index = 1; index < size; ++index) {
        if (place + index < text.size()) {
          const auto byte = static_cast<std::uint8_t>(text[place + index]);
          if ((byte & 0xc0) != 0x80) return Utf8::broken;
          least = least << 6 | (byte & 0x3fu);
          greatest = greatest << 6 | (byte & 0x3fu);
        } else {
          is_cut = true;
          least = least << 6;
          greatest = greatest << 6 | 0x3f;
        }
      }
      constexpr std::array<std::uint32_t, 5> kFirstOfSize = {0, 0, 0x80, 0x800, 0x10000};
      if (greatest < kFirstOfSize[size] || least > 0x10ffff) return Utf8::broken;
      if (least >= 0xd800 && greatest < 0xe000) return Utf8::broken;
      if (is_cut) return Utf8::cut;
      place += size;
    }
    return Utf8::whole;
  }

  ByteSpan bytes_;
  ws::Role sender_;
  ws::ReaderLimits limits_;
  std::size_t place_ = 0;
  bool is_over_ = false;
  std::vector<std::string> found_;
  std::size_t controls_ = 0;
  bool is_in_message_ = false;
  bool is_text_ = false;
  std::string message_;
  std::size_t frames_ = 0;
};

}  // namespace trestle::test
