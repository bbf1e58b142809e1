#include "trestle/wire/websocket/utf8_check.hpp"

#include <array>
#include <string>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/json/utf8.hpp"

using namespace trestle;
using namespace trestle::wire::websocket;

namespace {

/// By the reader of single characters.
bool slow_is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = wire::json::utf8_sequence_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool in_two(std::string_view text, std::size_t cut) {
  Utf8Check check;
  return check.take(as_bytes(text.substr(0, cut))) && check.take(as_bytes(text.substr(cut))) &&
         check.is_whole();
}

}  // namespace

TEST_CASE("of all sequences of up to three bytes exactly UTF-8 is taken") {
  for (unsigned number = 0; number < 0x1000000; ++number) {
    // What begins with ASCII is two bytes more; a few stand for all of them.
    if (number >> 16 > 2 && number >> 16 < 0x80) continue;
    const std::array<char, 3> bytes = {static_cast<char>(number >> 16),
                                       static_cast<char>(number >> 8), static_cast<char>(number)};
    const std::string_view text(bytes.data(), bytes.size());
    if (is_utf8(as_bytes(text)) != slow_is_utf8(text)) FAIL("number " << number);
  }
}

TEST_CASE("of sequences of four bytes exactly UTF-8 is taken, wherever they are cut") {
  constexpr std::array<unsigned, 12> kEdges = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                               0xa0, 0xbf, 0xc0, 0xed, 0xf4, 0xff};
  for (unsigned first = 0xe0; first < 0x100; ++first) {
    for (const unsigned second : kEdges) {
      for (const unsigned third : kEdges) {
        for (const unsigned fourth : kEdges) {
          const std::array<char, 4> bytes = {static_cast<char>(first), static_cast<char>(second),
                                             static_cast<char>(third), static_cast<char>(fourth)};
          const std::string_view text(bytes.data(), bytes.size());
          const bool expected = slow_is_utf8(text);
          for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            if (in_two(text, cut) != expected) FAIL(first << " " << second << " " << third);
          }
        }
      }
    }
  }
}

TEST_CASE("text of any mixture is judged as character by character, whatever the pieces") {
  Rng rng(7);
  const std::array<std::string, 8> kParts = {"a",
                                             "plain ASCII of some length, more than a word",
                                             "\xc3\xa9",
                                             "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80",
                                             std::string(1, '\0'),
                                             "\x7f",
                                             "\xef\xbf\xbf"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const std::uint64_t parts = rng.below(12);
    for (std::uint64_t part = 0; part < parts; ++part) text += kParts[rng.below(kParts.size())];
    if (rng.chance(1, 2) && !text.empty()) {
      const std::uint64_t place = rng.below(text.size());
      text[place] = static_cast<char>(rng.below(256));
    }
    Utf8Check check;
    bool is_right = true;
    for (std::size_t begin = 0; begin < text.size() && is_right;) {
      const std::size_t piece = std::min<std::size_t>(1 + rng.below(40), text.size() - begin);
      is_right = check.take(as_bytes(text).subspan(begin, piece));
      begin += piece;
    }
    CHECK((is_right && check.is_whole()) == slow_is_utf8(text));
  }
}
