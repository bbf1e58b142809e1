// The bytes of a few messages, as docs/protocol.md shows them. They never change within a version.

#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "native_messages.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

/// The document, and whether it shows this line among its examples.
bool is_documented(const std::string& line) {
  static const std::string text = [] {
    std::ifstream file(TRESTLE_TEST_DATA "/../../docs/protocol.md");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return text.find("\n" + line + "\n") != std::string::npos;
}

void check_golden(const wire::Envelope& envelope, const std::string& line) {
  CAPTURE(line);
  CHECK(to_hex(encoded(envelope)) == to_hex(bytes_from(line)));
  CHECK(is_documented(line));
  const Reading reading = read_frame(bytes_from(line));
  REQUIRE(reading.records.size() == 1);
  CHECK(reading.records[0] == envelope);
}

NodeId counting_id() {
  std::array<std::uint8_t, NodeId::kBytes> bytes;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    bytes[index] = static_cast<std::uint8_t>(index);
  }
  return NodeId::from_bytes(bytes);
}

}  // namespace

TEST_CASE("the examples of the protocol document are what the codec writes") {
  check_golden({{1}, wire::Ping{}}, "02 06 01");
  check_golden({{1}, wire::Pong{}}, "02 07 01");
  check_golden({{300}, wire::FindNodeRequest{counting_id()}},
               "17 20 ac02 000102030405060708090a0b0c0d0e0f10111213");
  wire::Contact contact;
  contact.id = NodeId(~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint32_t{0});
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://10.0.0.7:4000/";
  check_golden({{300}, wire::FindNodeResponse{{contact}}},
               "2f 21 ac02 01 ffffffffffffffffffffffffffffffffffffffff 03 01 13 "
               "77733a2f2f31302e302e302e373a343030302f 00");
  check_golden({{7}, wire::Failure{ErrorCode::busy, 1500, "queue full"}},
               "10 08 07 0b dc0b 0a 71756575652066756c6c");
  check_golden({{}, wire::Goodbye{ErrorCode::shutting_down, 5000, ""}}, "06 05 00 13 8827 00");
  const wire::Record record{
      .key = "greeting", .value = {0x22, 0x68, 0x69, 0x22}, .left_ms = 3'600'000, .legacy = true};
  check_golden({{2}, wire::StoreRequest{record}},
               "17 24 02 08 6772656574696e67 04 22686922 01 00 80dddb01 01");
}

TEST_CASE("the documented frame with an unknown record gives the two others") {
  const std::string line = "02 06 01  04 fe 00 abcd  02 06 02";
  CHECK(is_documented(line));
  const Reading reading = read_frame(bytes_from(line));
  CHECK_FALSE(reading.failed);
  CHECK(reading.unknown_records == 1);
  const std::vector<wire::Envelope> expected = {{{1}, wire::Ping{}}, {{2}, wire::Ping{}}};
  CHECK(reading.records == expected);
}

TEST_CASE("the document names every message and every error code with its number") {
  std::ifstream file(TRESTLE_TEST_DATA "/../../docs/protocol.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  MessageSource source(1);
  for (std::size_t type = 0; type < wire::kMessageKinds; ++type) {
    const wire::Envelope envelope = source.envelope(type);
    const Bytes frame = encoded(envelope);
    std::size_t length_bytes = 1;
    while ((frame[length_bytes - 1] & 0x80) != 0) ++length_bytes;
    const std::string row = "| " + std::to_string(frame[length_bytes]) + " | `" +
                            std::string(wire::name(envelope.message)) + "` |";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
  for (std::uint64_t number = 0; number <= kErrorCodeMax; ++number) {
    const std::string row = "| " + std::to_string(number) + " | " +
                            std::string(name(*error_code_from_number(number))) + " |";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
}

TEST_CASE("the bytes of a hello are pinned") {
  wire::Hello hello;
  hello.role = wire::Role::bridge;
  hello.key.fill(0x11);
  hello.nonce.fill(0x22);
  hello.dialled_url = "ws://b/";
  hello.network = "main";
  std::string expected = "72 01 00 01 02";
  for (int byte = 0; byte < 64; ++byte) expected += "11";
  for (int byte = 0; byte < 32; ++byte) expected += "22";
  expected += "07 77733a2f2f622f 04 6d61696e 00";
  CHECK(to_hex(encoded({{}, hello})) == to_hex(bytes_from(expected)));
}
