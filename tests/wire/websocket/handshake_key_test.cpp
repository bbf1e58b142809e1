#include "trestle/wire/websocket/handshake_key.hpp"

#include "catch.hpp"
#include "frames.hpp"

using namespace trestle;
using namespace trestle::test;

TEST_CASE("a key is twenty-four characters that stand for sixteen bytes") {
  const std::array<std::uint8_t, 16> zeros{};
  CHECK(ws::HandshakeKey(zeros).text() == "AAAAAAAAAAAAAAAAAAAAAA==");
  std::array<std::uint8_t, 16> ones{};
  ones.fill(0xff);
  CHECK(ws::HandshakeKey(ones).text() == "/////////////////////w==");
  CHECK(ws::HandshakeKey::parse("/////////////////////w==")->text() == "/////////////////////w==");
  CHECK_FALSE(ws::HandshakeKey::parse("/////////////////////w=").has_value());
  CHECK_FALSE(ws::HandshakeKey::parse("/////////////////////w=A").has_value());
}
