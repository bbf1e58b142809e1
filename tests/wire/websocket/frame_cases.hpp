#pragma once

// What may come over a WebSocket, right and wrong, and what becomes of it: the table. Every row
// holds for both roles: as a client's frames at a server, and as a server's at a client.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frames.hpp"

namespace trestle::test {

/// `expects` lists the effects of a connection, and behind `>` what it sends; `alive` says that it
/// hears a marker that is sent behind the frames.
struct FrameCase {
  std::string name;
  std::vector<Sketch> frames;
  std::string expects;
};

inline constexpr std::uint8_t kCont = 0x0;
inline constexpr std::uint8_t kText = 0x1;
inline constexpr std::uint8_t kBinary = 0x2;
inline constexpr std::uint8_t kClose = 0x8;
inline constexpr std::uint8_t kPing = 0x9;
inline constexpr std::uint8_t kPong = 0xa;
/// The bounds that the table is about.
inline constexpr ws::ReaderLimits kCaseLimits = {.frame_bytes_max = 70'000,
                                                 .message_bytes_max = 70'000,
                                                 .fragments_max = 8,
                                                 .controls = Pace::per_second(12, 12)};

inline Sketch sketch(std::uint8_t opcode, std::string payload) {
  Sketch frame;
  frame.opcode = opcode;
  frame.payload = std::move(payload);
  return frame;
}
inline Sketch text(std::string payload) { return sketch(kText, std::move(payload)); }
inline Sketch binary(std::string payload) { return sketch(kBinary, std::move(payload)); }
inline Sketch last(std::string payload) { return sketch(kCont, std::move(payload)); }
inline Sketch ping(std::string payload) { return sketch(kPing, std::move(payload)); }
inline Sketch pong(std::string payload) { return sketch(kPong, std::move(payload)); }
inline Sketch not_final(Sketch frame) {
  frame.is_final = false;
  return frame;
}
inline Sketch more(std::string payload) { return not_final(last(std::move(payload))); }
inline Sketch with_reserved(std::uint8_t bits, Sketch frame) {
  frame.reserved = bits;
  return frame;
}
inline Sketch claiming(std::uint64_t length, LengthForm form, Sketch frame) {
  frame.claims = length;
  frame.length = form;
  return frame;
}
inline Sketch in_form(LengthForm form, Sketch frame) {
  frame.length = form;
  return frame;
}
inline Sketch wrongly_masked(Sketch frame) {
  frame.has_wrong_mask = true;
  return frame;
}
inline Sketch closing(int status, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(status >> 8), static_cast<char>(status)};
  return sketch(kClose, payload.append(reason));
}

/// Bytes of every value.
inline std::string content(std::size_t bytes) {
  std::string made;
  for (std::size_t index = 0; index < bytes; ++index) {
    made.push_back(static_cast<char>(index * 7 + index / 256));
  }
  return made;
}

inline std::string fails(int status) {
  return "closed " + std::to_string(status) + " by flaw, hang up > close " + std::to_string(status);
}
inline std::string closes(int status) {
  return "closed " + std::to_string(status) + " by peer, hang up > close " + std::to_string(status);
}
inline std::string arrives(std::string_view kind, std::string_view payload) {
  return std::string(kind) + " " + shown(payload) + ", alive";
}

inline void add_lengths(std::vector<FrameCase>& cases) {
  for (const std::size_t size : std::initializer_list<std::size_t>{
           0,   1,   2,   3,   4,   5,    7,    8,     9,     31,    32,    33,    64,
           124, 125, 126, 127, 128, 1000, 4096, 65534, 65535, 65536, 65537, 70'000}) {
    cases.push_back({"a message of " + std::to_string(size) + " bytes",
                     {binary(content(size))},
                     arrives("binary", content(size))});
  }
  cases.push_back({"one byte more than a frame may have", {binary(content(70'001))}, fails(1009)});
  constexpr std::uint64_t kOne = 1;
  const std::vector<std::pair<std::string, std::uint64_t>> claims = {
      {"2^31", kOne << 31},
      {"2^32 + 1", (kOne << 32) + 1},
      {"2^62", kOne << 62},
      {"2^63 - 1", (kOne << 63) - 1}};
  for (const auto& [name, length] : claims) {
    cases.push_back({"a frame that claims " + name + " bytes",
                     {claiming(length, LengthForm::eight_bytes, binary("xxx"))},
                     fails(1009)});
  }
  for (const std::uint64_t length : {kOne << 63, (kOne << 63) + 3, ~std::uint64_t{0}}) {
    cases.push_back({"a length with its highest bit set, " + std::to_string(length),
                     {claiming(length, LengthForm::eight_bytes, binary("xxx"))},
                     fails(1002)});
  }
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 3, 124, 125}) {
    cases.push_back({std::to_string(size) + " bytes, said in 16 bits",
                     {in_form(LengthForm::two_bytes, binary(content(size)))},
                     fails(1002)});
  }
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 3, 125, 126, 65535}) {
    cases.push_back({std::to_string(size) + " bytes, said in 64 bits",
                     {in_form(LengthForm::eight_bytes, binary(content(size)))},
                     fails(1002)});
  }
  std::vector<Sketch> hundred;
  std::vector<std::string> hundred_told;
  for (int number = 0; number < 100; ++number) {
    hundred.push_back(text(std::to_string(number)));
    hundred_told.push_back("text " + shown(std::to_string(number)));
  }
  cases.push_back({"a hundred messages", hundred, joined(hundred_told) + ", alive"});
  cases.push_back({"a text and a binary message",
                   {text("one"), binary("two")},
                   "text 'one', binary 'two', alive"});
  cases.push_back({"an empty text", {text("")}, "text '', alive"});
  cases.push_back({"half a frame", {claiming(100, LengthForm::minimal, binary("half"))}, ""});
}

inline void add_heads(std::vector<FrameCase>& cases) {
  const std::vector<std::pair<std::string, Sketch>> right = {
      {"a text", text("t")}, {"a binary message", binary("b")}, {"a ping", ping("p")},
      {"a pong", pong("p")}, {"a close", closing(1000)},        {"an empty text", text("")}};
  for (const auto& [name, frame] : right) {
    for (const int bit : {1, 2, 3}) {
      const auto bits = static_cast<std::uint8_t>(0x80 >> bit);
      cases.push_back({"reserved bit " + std::to_string(bit) + " on " + name,
                       {with_reserved(bits, frame)},
                       fails(1002)});
    }
    cases.push_back({"all reserved bits on " + name, {with_reserved(0x70, frame)}, fails(1002)});
    cases.push_back({"the wrong mask bit on " + name, {wrongly_masked(frame)}, fails(1002)});
  }
  cases.push_back({"a reserved bit on a continuation",
                   {not_final(text("a")), with_reserved(0x40, last("b"))},
                   fails(1002)});
  cases.push_back({"the wrong mask bit on a continuation",
                   {not_final(text("a")), wrongly_masked(last("b"))},
                   fails(1002)});
  for (const std::uint8_t opcode :
       std::initializer_list<std::uint8_t>{0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf}) {
    const std::string name = "opcode " + std::to_string(opcode);
    cases.push_back({name, {sketch(opcode, "x")}, fails(1002)});
    cases.push_back({name + " without payload", {sketch(opcode, "")}, fails(1002)});
    cases.push_back({name + " that is not final", {not_final(sketch(opcode, "x"))}, fails(1002)});
  }
  Sketch zeros = binary(content(100));
  zeros.mask = {0, 0, 0, 0};
  cases.push_back({"a mask of zeros", {zeros}, arrives("binary", content(100))});
  Sketch ones = binary(content(101));
  ones.mask = {0xff, 0xff, 0xff, 0xff};
  cases.push_back({"a mask of ones", {ones}, arrives("binary", content(101))});
  cases.push_back({"what is right before what is wrong",
                   {text("right"), wrongly_masked(text("x"))},
                   "text 'right', " + fails(1002)});
  cases.push_back(
      {"what is right behind what is wrong", {sketch(0x3, ""), text("x")}, fails(1002)});
}

inline void add_controls(std::vector<FrameCase>& cases) {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 4, 124, 125}) {
    const std::string bytes = std::to_string(size) + " bytes";
    cases.push_back(
        {"a ping of " + bytes, {ping(content(size))}, "alive > pong " + shown(content(size))});
    cases.push_back(
        {"a pong of " + bytes, {pong(content(size))}, "pong " + shown(content(size)) + ", alive"});
  }
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{kPing, kPong, kClose}) {
    const std::string name = "control " + std::to_string(opcode);
    for (const std::size_t size : std::initializer_list<std::size_t>{126, 127, 65536}) {
      cases.push_back({name + " of " + std::to_string(size) + " bytes",
                       {sketch(opcode, content(size))},
                       fails(1002)});
    }
    cases.push_back(
        {name + " in fragments", {not_final(sketch(opcode, "ab")), last("c")}, fails(1002)});
    cases.push_back({name + ", 3 bytes said in 16 bits",
                     {in_form(LengthForm::two_bytes, sketch(opcode, "abc"))},
                     fails(1002)});
  }
  cases.push_back(
      {"three pings", {ping("a"), ping("b"), ping("c")}, "alive > pong 'a', pong 'b', pong 'c'"});
  cases.push_back(
      {"a ping that is no UTF-8", {ping("\xff\xfe")}, "alive > pong " + shown("\xff\xfe")});
  cases.push_back({"a ping between fragments",
                   {not_final(text("ab")), ping("p"), last("cd")},
                   "text 'abcd', alive > pong 'p'"});
  cases.push_back({"a pong between fragments",
                   {not_final(text("ab")), pong("p"), last("cd")},
                   "pong 'p', text 'abcd', alive"});
  cases.push_back(
      {"pings between many fragments",
       {not_final(binary("a")), ping("1"), more("b"), ping("2"), more("c"), ping(""), last("d")},
       "binary 'abcd', alive > pong '1', pong '2', pong ''"});
  cases.push_back({"a ping inside a character",
                   {not_final(text("\xe2\x82")), ping("p"), last("\xac")},
                   "text " + shown("\xe2\x82\xac") + ", alive > pong 'p'"});
  cases.push_back({"as many pings as may be", std::vector<Sketch>(12, ping("")),
                   "alive > " + joined(std::vector<std::string>(12, "pong ''"))});
  cases.push_back({"one ping more", std::vector<Sketch>(13, ping("")),
                   "closed 1008 by flaw, hang up > " +
                       joined(std::vector<std::string>(12, "pong ''")) + ", close 1008"});
  cases.push_back({"pongs count as well", std::vector<Sketch>(13, pong("")),
                   joined(std::vector<std::string>(12, "pong ''")) + ", " + fails(1008)});
}

inline void add_fragments(std::vector<FrameCase>& cases) {
  const auto add = [&](std::string name, std::vector<Sketch> frames, std::string expects) {
    cases.push_back({std::move(name), std::move(frames), std::move(expects)});
  };
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{kText, kBinary}) {
    const std::string kind = opcode == kText ? "text" : "binary";
    const auto first = [&](std::string part) { return not_final(sketch(opcode, std::move(part))); };
    add("a " + kind + " in two fragments", {first("ab"), last("cd")}, arrives(kind, "abcd"));
    add("a " + kind + ", its first fragment empty", {first(""), last("cd")}, arrives(kind, "cd"));
    add("a " + kind + ", its last fragment empty", {first("ab"), last("")}, arrives(kind, "ab"));
    add("a " + kind + ", its middle fragment empty", {first("ab"), more(""), last("c")},
        arrives(kind, "abc"));
    add("a " + kind + " of empty fragments", {first(""), more(""), last("")}, arrives(kind, ""));
    std::vector<Sketch> eight = {first("1"), more("2"), more("3"), more("4"),
                                 more("5"),  more("6"), more("7"), last("8")};
    add("a " + kind + " in as many fragments as may be", eight, arrives(kind, "12345678"));
    eight.back() = more("8");
    eight.push_back(last("9"));
    add("a " + kind + " in one fragment more", eight, fails(1002));
    add("a new text inside a " + kind, {first("a"), text("b")}, fails(1002));
    add("a new binary message inside a " + kind, {first("a"), binary("b")}, fails(1002));
    add("another beginning inside a " + kind, {first("a"), not_final(text("b"))}, fails(1002));
    add("two " + kind + "s in fragments", {first("ab"), last("cd"), first("ef"), last("gh")},
        kind + " 'abcd', " + arrives(kind, "efgh"));
    add("a close inside a " + kind, {first("ab"), closing(1000)}, closes(1000));
    add("a " + kind + " that is not ended", {first("ab"), more("cd")}, fails(1002));
  }
  add("a continuation of nothing", {last("x")}, fails(1002));
  add("a continuation of nothing, not the last", {more("x")}, fails(1002));
  add("an empty continuation of nothing", {last("")}, fails(1002));
  add("a continuation behind a whole message", {text("a"), last("b")}, "text 'a', " + fails(1002));
  add("a continuation behind a fragmented message", {not_final(text("a")), last("b"), last("c")},
      "text 'ab', " + fails(1002));
  add("a continuation behind a ping", {ping(""), last("b")},
      "closed 1002 by flaw, hang up > pong '', close 1002");
  add("fragments as long as a message may be",
      {not_final(binary(content(35'000))), last(content(35'000))},
      arrives("binary", content(35'000) + content(35'000)));
  add("fragments one byte longer", {not_final(binary(content(35'000))), last(content(35'001))},
      fails(1009));
  add("fragments that claim to be longer",
      {not_final(binary(content(35'000))), claiming(60'000, LengthForm::minimal, last(""))},
      fails(1009));
  add("fragments whose lengths overflow together",
      {not_final(binary("a")),
       claiming((std::uint64_t{1} << 63) - 1, LengthForm::eight_bytes, last(""))},
      fails(1009));
}

inline void add_texts(std::vector<FrameCase>& cases) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> good = {
      {"two bytes", "\xc3\xa9"},
      {"three bytes", "\xe2\x82\xac"},
      {"four bytes", "\xf0\x9f\x98\x80"},
      {"the first of two bytes", "\xc2\x80"},
      {"the last of two bytes", "\xdf\xbf"},
      {"the first of three bytes", "\xe0\xa0\x80"},
      {"before the surrogates", "\xed\x9f\xbf"},
      {"behind the surrogates", "\xee\x80\x80"},
      {"no character", "\xef\xbf\xbf"},
      {"the first of four bytes", "\xf0\x90\x80\x80"},
      {"the last code point", "\xf4\x8f\xbf\xbf"},
      {"a mark of byte order", "\xef\xbb\xbf"},
      {"a zero", "\0"s},
      {"DEL", "\x7f"},
      {"Greek", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"},
      {"a long one, its last character behind much ASCII", std::string(100, 'a') + "\xe2\x82\xac"},
      {"a long one, its first character before much ASCII",
       "\xe2\x82\xac" + std::string(100, 'a')}};
  for (const auto& [name, bytes] : good) {
    cases.push_back({"UTF-8: " + name, {text(bytes)}, arrives("text", bytes)});
    std::vector<Sketch> parts = {not_final(text("")), last("")};
    parts.front().payload = bytes.substr(0, bytes.size() / 2);
    parts.back().payload = bytes.substr(bytes.size() / 2);
    cases.push_back({"UTF-8 cut by a fragment: " + name, parts, arrives("text", bytes)});
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a continuation alone", "\x80"},
      {"the last continuation alone", "\xbf"},
      {"a first byte alone", "\xc3"},
      {"two of three bytes", "\xe2\x82"},
      {"three of four bytes", "\xf0\x9f\x98"},
      {"a slash in two bytes", "\xc0\xaf"},
      {"a slash in three bytes", "\xe0\x80\xaf"},
      {"a slash in four bytes", "\xf0\x80\x80\xaf"},
      {"the last overlong of two bytes", "\xc1\xbf"},
      {"the last overlong of three bytes", "\xe0\x9f\xbf"},
      {"the last overlong of four bytes", "\xf0\x8f\xbf\xbf"},
      {"the first surrogate", "\xed\xa0\x80"},
      {"the last surrogate", "\xed\xbf\xbf"},
      {"a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80"},
      {"above the last code point", "\xf4\x90\x80\x80"},
      {"F5", "\xf5\x80\x80\x80"},
      {"five bytes", "\xf8\x88\x80\x80\x80"},
      {"six bytes", "\xfc\x84\x80\x80\x80\x80"},
      {"FE", "\xfe"},
      {"FF", "\xff"},
      {"Latin-1", "caf\xe9 noir"},
      {"two bytes and ASCII", "\xc3("},
      {"three bytes and ASCII", "\xe2\x82("},
      {"a start and a start", "\xc3\xc3"},
      {"behind much ASCII", std::string(100, 'a') + "\xff"},
      {"cut behind much ASCII", std::string(64, 'a') + "\xe2"},
      // More than the buffer of any library that shows text by pieces.
      {"before very much ASCII", "\xff" + std::string(60'000, 'a')}};
  for (const auto& [name, bytes] : bad) {
    cases.push_back({"not UTF-8: " + name, {text(bytes)}, fails(1007)});
    cases.push_back({"not UTF-8, but binary: " + name, {binary(bytes)}, arrives("binary", bytes)});
    cases.push_back({"not UTF-8, in the last fragment: " + name,
                     {not_final(text("good")), last(bytes)},
                     fails(1007)});
  }
  cases.push_back({"a fragment that can become no UTF-8", {not_final(text("\xff"))}, fails(1007)});
  cases.push_back(
      {"a cut character that goes on wrongly", {not_final(text("\xe2")), last("(")}, fails(1007)});
  cases.push_back({"half a frame that can become no UTF-8",
                   {claiming(100, LengthForm::minimal, text("ab\xc0"))},
                   fails(1007)});
}

inline void add_closes(std::vector<FrameCase>& cases) {
  for (const int status : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                           3000, 3999, 4000, 4001, 4999}) {
    cases.push_back({"close " + std::to_string(status), {closing(status)}, closes(status)});
    cases.push_back(
        {"close " + std::to_string(status) + " and why", {closing(status, "why")}, closes(status)});
  }
  for (const int status :
       {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535}) {
    cases.push_back({"close " + std::to_string(status) + ", which nobody may send",
                     {closing(status)},
                     fails(1002)});
  }
  const auto add = [&](std::string name, std::vector<Sketch> frames, std::string expects) {
    cases.push_back({std::move(name), std::move(frames), std::move(expects)});
  };
  add("a close without a status", {sketch(kClose, "")}, closes(1005));
  add("a close with half a status", {sketch(kClose, "\x03")}, fails(1002));
  add("a close with the longest reason", {closing(1000, std::string(123, 'r'))}, closes(1000));
  add("a close with a reason too long", {closing(1000, std::string(124, 'r'))}, fails(1002));
  add("a close whose reason is no UTF-8", {closing(1000, "\xff\xfe")}, fails(1007));
  add("a close whose reason ends inside a character", {closing(1000, "bye \xe2\x82")}, fails(1007));
  add("a close whose reason is UTF-8", {closing(1000, "\xe2\x82\xac")}, closes(1000));
  add("a bad status and a bad reason", {closing(1005, "\xff")}, fails(1002));
  add("a message behind a close", {closing(1000), text("late")}, closes(1000));
  add("a ping behind a close", {closing(1000), ping("late")}, closes(1000));
  add("nonsense behind a close", {closing(1000), sketch(0xf, "late")}, closes(1000));
  add("a close and another", {closing(1000), closing(1001)}, closes(1000));
  add("a message before a close", {text("word"), closing(1001)}, "text 'word', " + closes(1001));
  add("a ping before a close", {ping("p"), closing(1001)},
      "closed 1001 by peer, hang up > pong 'p', close 1001");
}

inline std::vector<FrameCase> frame_cases() {
  std::vector<FrameCase> cases;
  add_lengths(cases);
  add_heads(cases);
  add_controls(cases);
  add_fragments(cases);
  add_texts(cases);
  add_closes(cases);
  return cases;
}

}  // namespace trestle::test
