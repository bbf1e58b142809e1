#pragma once

#include <array>
#include <string>
#include <string_view>

#include "trestle/base/rng.hpp"

namespace trestle::test {

/// Pieces that hurt JSON readers: brackets, broken escapes, surrogates, cut UTF-8, odd numbers,
/// control characters.
inline constexpr std::array<std::string_view, 40> kNastyPieces = {"[",
                                                                  "]",
                                                                  "{",
                                                                  "}",
                                                                  ",",
                                                                  ":",
                                                                  "\"",
                                                                  "\\",
                                                                  "\\u",
                                                                  "\\ud800",
                                                                  "\\udc00",
                                                                  "\\u0000",
                                                                  "\\u12",
                                                                  "\\x",
                                                                  "null",
                                                                  "true",
                                                                  "nul",
                                                                  "-",
                                                                  "-0",
                                                                  "01",
                                                                  "1.",
                                                                  ".5",
                                                                  "1e",
                                                                  "1e999",
                                                                  "1E+2",
                                                                  "\x80",
                                                                  "\xC0\x80",
                                                                  "\xED\xA0\x80",
                                                                  "\xF4\x90\x80\x80",
                                                                  "\xE2\x82",
                                                                  "\xF0\x9F\x98\x80",
                                                                  "\xEF\xBB\xBF",
                                                                  "\x01",
                                                                  "\n",
                                                                  " ",
                                                                  "\t",
                                                                  "/",
                                                                  "\x7F",
                                                                  "\"\":",
                                                                  "99999999999999999999999"};

/// Changes `text` in one to four seeded places: bytes flipped, cut, doubled, or nasty pieces put
/// in.
inline std::string mutate(std::string text, Rng& rng) {
  const std::uint64_t changes = 1 + rng.below(4);
  for (std::uint64_t change = 0; change < changes; ++change) {
    const std::uint64_t kind = rng.below(6);
    const std::size_t at = rng.below(text.size() + 1);
    const std::size_t length = rng.below(12);
    const std::uint64_t draw = rng.next();
    if (kind == 0 && at < text.size()) {
      text[at] = static_cast<char>(draw);
    } else if (kind == 1) {
      text.erase(at, length);
    } else if (kind == 2) {
      text.insert(at, text.substr(at, length));
    } else if (kind == 3) {
      text.resize(at);
    } else if (kind == 4 && at < text.size()) {
      const std::string_view piece = kNastyPieces[draw % kNastyPieces.size()];
      text.replace(at, std::min(piece.size(), text.size() - at), piece);
    } else {
      text.insert(at, kNastyPieces[draw % kNastyPieces.size()]);
    }
  }
  return text;
}

}  // namespace trestle::test
