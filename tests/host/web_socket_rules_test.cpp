// What the WebSocket protocol demands and the library beneath does not check.
#include "trestle/host/web_socket_rules.hpp"

#include <string>

#include "catch.hpp"

using namespace trestle;

namespace {

host::UpgradeRequest right_request() {
  return {.is_get = true,
          .http_version = "HTTP/1.1",
          .key = "dGhlIHNhbXBsZSBub25jZQ==",
          .version = "13"};
}

bool is_sound(unsigned status, const std::string& reason = {}) {
  Bytes payload{static_cast<std::uint8_t>(status >> 8), static_cast<std::uint8_t>(status & 0xff)};
  append(payload, as_bytes(reason));
  return host::is_sound_close(payload);
}

}  // namespace

TEST_CASE("an upgrade is a GET of HTTP/1.1 with a key of sixteen bytes, version 13") {
  CHECK(host::flaw_of(right_request()) == host::UpgradeFlaw::none);
  host::UpgradeRequest spaced = right_request();
  spaced.version += " ";
  CHECK(host::flaw_of(spaced) == host::UpgradeFlaw::none);
  for (const char* key : {"", "AAAAAAAAAAAAAAAAAAAA", "!!!!!!!!!!!!!!!!!!!!!!==",
                          "dGhlIHNhbXBsZSBub25jZQ=A", "dGhlIHNhbXBsZSBub25jZQ====",
                          // The library would sign it with the white space.
                          "dGhlIHNhbXBsZSBub25jZQ== "}) {
    host::UpgradeRequest request = right_request();
    request.key = key;
    CHECK(host::flaw_of(request) == host::UpgradeFlaw::form);
  }
  for (const char* version : {"", "8", "14", "013", "13,13", "x"}) {
    host::UpgradeRequest request = right_request();
    request.version = version;
    CHECK(host::flaw_of(request) == host::UpgradeFlaw::version);
  }
  host::UpgradeRequest posted = right_request();
  posted.is_get = false;
  CHECK(host::flaw_of(posted) == host::UpgradeFlaw::form);
  for (const char* version : {"", "HTTP/1.0", "HTTP/9.9", "HTTP/2"}) {
    host::UpgradeRequest request = right_request();
    request.http_version = version;
    CHECK(host::flaw_of(request) == host::UpgradeFlaw::form);
  }
}

TEST_CASE("a close has no payload, or a status that may be sent and a reason in UTF-8") {
  CHECK(host::is_sound_close({}));
  CHECK_FALSE(host::is_sound_close(Bytes{0x03}));
  for (const unsigned status : {1000u, 1003u, 1007u, 1011u, 3000u, 4001u, 4999u}) {
    CHECK(is_sound(status, "bye \xe2\x82\xac"));
  }
  for (const unsigned status : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 2999u, 5000u, 65535u}) {
    CHECK_FALSE(is_sound(status));
  }
  CHECK_FALSE(is_sound(1000, "\xff"));
  CHECK_FALSE(is_sound(1000, "bye \xe2\x82"));
}
