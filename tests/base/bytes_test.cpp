#include "trestle/base/bytes.hpp"

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

TEST_CASE("bytes become two lower-case digits each and come back") {
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(rng.below(40));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next() >> 56);
    const std::string text = to_hex(bytes);
    REQUIRE(text.size() == 2 * bytes.size());
    REQUIRE(text.find_first_not_of("0123456789abcdef") == std::string::npos);
    Bytes read(bytes.size());
    REQUIRE(from_hex(text, read));
    REQUIRE(read == bytes);
  }
  CHECK(to_hex(Bytes{0x00, 0x0f, 0xf0, 0xff}) == "000ff0ff");
}

TEST_CASE("hex of either case is read, anything but digits is refused") {
  std::array<std::uint8_t, 1> byte{};
  for (unsigned letter = 0; letter < 256; ++letter) {
    const bool is_digit =
        std::string_view("0123456789abcdefABCDEF").find(static_cast<char>(letter)) !=
        std::string_view::npos;
    const std::string high = {static_cast<char>(letter), '0'};
    const std::string low = {'0', static_cast<char>(letter)};
    CAPTURE(letter);
    CHECK(from_hex(high, byte) == is_digit);
    CHECK(from_hex(low, byte) == is_digit);
  }
  REQUIRE(from_hex("aF", byte));
  CHECK(byte[0] == 0xaf);
}

TEST_CASE("hex of the wrong length is refused") {
  std::array<std::uint8_t, 2> bytes{};
  CHECK_FALSE(from_hex("", bytes));
  CHECK_FALSE(from_hex("001", bytes));
  CHECK_FALSE(from_hex("00112", bytes));
  CHECK_FALSE(from_hex("001122", bytes));
  CHECK(from_hex("0011", bytes));
  CHECK(from_hex("", std::span<std::uint8_t>()));
}

TEST_CASE("text and bytes are two views of the same memory") {
  const std::string text("a\0\xff", 3);
  const ByteSpan bytes = as_bytes(text);
  REQUIRE(bytes.size() == 3);
  CHECK(bytes[2] == 0xff);
  CHECK(as_text(bytes) == text);
  CHECK(as_text(bytes).data() == text.data());
}

TEST_CASE("append adds at the end, to_bytes owns a copy") {
  Bytes bytes = to_bytes(as_bytes("ab"));
  append(bytes, as_bytes("cd"));
  append(bytes, {});
  CHECK(as_text(bytes) == "abcd");
}
