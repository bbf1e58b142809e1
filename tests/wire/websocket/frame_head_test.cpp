#include "trestle/wire/websocket/frame_head.hpp"

#include <array>
#include <set>

#include "catch.hpp"
#include "frames.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

Bytes from_text(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  REQUIRE(from_hex(hex, bytes));
  return bytes;
}

std::string found_in(std::string_view hex, ws::Role sender) {
  const Bytes bytes = from_text(hex);
  const std::string at_once = joined(read_in_pieces(bytes, whole(bytes.size()), sender, {}));
  CHECK(joined(read_in_pieces(bytes, byte_by_byte(bytes.size()), sender, {})) == at_once);
  return at_once;
}

}  // namespace

TEST_CASE("the examples of RFC 6455, section 5.7, are read as they are meant") {
  CHECK(found_in("810548656c6c6f", ws::Role::server) == "text 'Hello'");
  CHECK(found_in("818537fa213d7f9f4d5158", ws::Role::client) == "text 'Hello'");
  CHECK(found_in("010348656c80026c6f", ws::Role::server) == "text 'Hello'");
  CHECK(found_in("890548656c6c6f", ws::Role::server) == "ping 'Hello'");
  CHECK(found_in("8a8537fa213d7f9f4d5158", ws::Role::client) == "pong 'Hello'");
  const std::string bytes_256(256, 'x');
  const std::string bytes_65536(65536, 'x');
  CHECK(found_in("827e0100" + to_hex(as_bytes(bytes_256)), ws::Role::server) ==
        "binary " + shown(bytes_256));
  CHECK(found_in("827f0000000000010000" + to_hex(as_bytes(bytes_65536)), ws::Role::server) ==
        "binary " + shown(bytes_65536));
}

TEST_CASE("a head is read back as it was written, and needs all of its bytes") {
  for (const std::uint64_t length :
       std::initializer_list<std::uint64_t>{0, 1, 125, 126, 127, 65535, 65536,
                                            std::uint64_t{1} << 40, (std::uint64_t{1} << 63) - 1}) {
    for (const bool is_masked : {false, true}) {
      ws::FrameHead head{ws::Opcode::text, length % 2 == 0, is_masked, {}, length};
      if (is_masked) head.mask = {1, 2, 3, 4};
      const ws::Role sender = is_masked ? ws::Role::client : ws::Role::server;
      std::array<std::uint8_t, ws::kFrameHeadBytesMax> bytes{};
      const std::size_t size = write_head(head, bytes);
      CHECK(size == ws::head_bytes(sender, length));
      ws::FrameHead read;
      REQUIRE(read_head(ByteSpan(bytes).first(size), sender, read) == size);
      CHECK(read == head);
      for (std::size_t less = 0; less < size; ++less) {
        CHECK(read_head(ByteSpan(bytes).first(less), sender, read) == 0u);
      }
    }
  }
}

TEST_CASE("of all first two bytes exactly those are taken that the RFC has") {
  for (const ws::Role sender : {ws::Role::client, ws::Role::server}) {
    std::size_t taken = 0;
    for (unsigned pair = 0; pair < 0x10000; ++pair) {
      const auto first = static_cast<std::uint8_t>(pair >> 8);
      const auto second = static_cast<std::uint8_t>(pair);
      const unsigned opcode = first & 0x0fu;
      const bool is_data = opcode <= 2;
      const bool is_control = opcode >= 8 && opcode <= 10;
      const bool has_sound_control = (first & 0x80) != 0 && (second & 0x7f) <= 125;
      const bool has_mask = (second & 0x80) != 0;
      const bool is_right = (first & 0x70) == 0 && (is_data || (is_control && has_sound_control)) &&
                            has_mask == (sender == ws::Role::client);
      ws::FrameHead head;
      const std::array<std::uint8_t, 2> bytes = {first, second};
      const auto size = read_head(bytes, sender, head);
      if (size.has_value() != is_right) FAIL("pair " << pair);
      taken += is_right ? 1 : 0;
    }
    // Three data opcodes with FIN or without and 128 lengths, three control opcodes with 126.
    CHECK(taken == 3 * 2 * 128 + 3 * 126);
  }
}

TEST_CASE("each flaw has a status of the RFC and a sentence that fits into a close") {
  std::set<std::string_view> sentences;
  for (std::size_t number = 0; number < ws::kFlaws; ++number) {
    const auto flaw = static_cast<ws::Flaw>(number);
    CHECK(ws::is_sendable(status_of(flaw)));
    CHECK_FALSE(sentence(flaw).empty());
    CHECK(sentence(flaw).size() <= ws::kCloseReasonBytesMax);
    sentences.insert(sentence(flaw));
  }
  CHECK(sentences.size() == ws::kFlaws);
  CHECK(sentence(static_cast<ws::Flaw>(ws::kFlaws)).empty());
}
