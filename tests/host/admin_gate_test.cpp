#include "trestle/host/admin_gate.hpp"

#include <string>
#include <string_view>

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;

namespace {

bool passes(std::string_view host) {
  HttpRequest request;
  request.host = std::string(host);
  return !AdminGate().turn_away(request).has_value();
}

}  // namespace

TEST_CASE("T4: without a secret the names of this machine pass, with or without a port") {
  for (const char* host :
       {"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:65535", "127.255.0.9",
        "127.9.9.9:80", "[::1]", "[::1]:8080", "localhost:"}) {
    CAPTURE(host);
    CHECK(passes(host));
  }
}

TEST_CASE("T4: no other spelling passes") {
  for (const char* host : {"",
                           ":",
                           ":80",
                           "null",
                           "example.org",
                           "localhost.example.org",
                           "localhost.",
                           "LOCALHOST",
                           "xlocalhost",
                           "localhost:80@example.org",
                           "localhost:8x",
                           "localhost:80:80",
                           "localhost:123456",
                           "localhost, example.org",
                           "localhost/",
                           " localhost",
                           "localhost ",
                           "127.0.0.1.example.org",
                           "127.0.0.1:80.example.org",
                           "127.0.0.1@example.org",
                           "127.1",
                           "127.0.0.256",
                           "127.0.0.1.1",
                           "0127.0.0.1",
                           "0x7f.0.0.1",
                           "2130706433",
                           "128.0.0.1",
                           "0.0.0.0",
                           "10.0.0.1",
                           "[::1",
                           "::1",
                           "[::1]example.org",
                           "[::1]80",
                           "[::1]:",
                           "[::1]:8x",
                           "[::2]",
                           "[::]",
                           "[::ffff:127.0.0.1]",
                           "[localhost]",
                           "[127.0.0.1]",
                           "[[::1]]",
                           "[]",
                           "xn--localhost",
                           "\xef\xbc\x91\x32\x37.0.0.1",
                           "localhost\t"}) {
    CAPTURE(host);
    CHECK(passes(host) == (std::string_view(host) == "[::1]:"));  // An empty port is the default.
  }
  CHECK_FALSE(passes(std::string_view("127.0.0.1\0.example.org", 22)));
  CHECK_FALSE(passes(std::string_view("localhost\0", 10)));
}

TEST_CASE("T37: with a secret whoever shows it passes, and nobody else") {
  const AdminGate gate(to_bytes(as_bytes("a secret of operators")));
  const auto shows = [&](const std::string& authorization) {
    HttpRequest request;
    request.host = "admin.example.org";
    request.authorization = authorization;
    return !gate.turn_away(request).has_value();
  };
  CHECK(shows("Bearer a secret of operators"));
  CHECK(shows("Basic eDphIHNlY3JldCBvZiBvcGVyYXRvcnM="));  // x:a secret of operators
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "bearer a secret of operators", "Bearer a secret of operator",
        "Bearer a secret of operatorsx", "Bearer A secret of operators", "a secret of operators",
        "Basic ", "Basic !", "Basic YSBzZWNyZXQgb2Ygb3BlcmF0b3Jz", "Basic eDo="}) {
    CAPTURE(wrong);
    CHECK_FALSE(shows(wrong));
  }
}
