#include "catch.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/websocket/handshake_key.hpp"

using namespace trestle;

TEST_CASE("the suite's digest makes the accept of RFC 6455, section 1.3") {
  crypto::Suite suite;
  const auto key = wire::websocket::HandshakeKey::parse("dGhlIHNhbXBsZSBub25jZQ==");
  REQUIRE(key.has_value());
  const auto digest = suite.sha1(as_bytes(key->challenge()));
  CHECK(wire::websocket::accept_text(digest) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
