#include "trestle/host/address.hpp"

#include <string>

#include "catch.hpp"

using namespace trestle::host;

TEST_CASE("HOST:PORT is taken apart and put together again") {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:8080", "localhost:65535"}) {
    const auto address = parse_host_port(text);
    REQUIRE(address);
    CHECK(to_text(*address) == text);
  }
}

TEST_CASE("what is no HOST:PORT is refused with the text in the sentence") {
  for (const char* text :
       {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x", "::1:80", "[::1]",
        "[::1]80", "[::1", "example.org:80", "127.0.0.1:80 "}) {
    CAPTURE(text);
    const auto address = parse_host_port(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().front() == '\'');
  }
}

TEST_CASE("an admin address is a unix path or HOST:PORT") {
  CHECK(parse_admin_address("unix:/run/x.sock")->unix_path == "/run/x.sock");
  CHECK(parse_admin_address("127.0.0.1:9000")->tcp == HostPort{"127.0.0.1", 9000});
  CHECK_FALSE(parse_admin_address("unix:"));
  CHECK_FALSE(parse_admin_address("/run/x.sock"));
}

TEST_CASE("a WebSocket URL is taken apart") {
  CHECK(*parse_web_socket_url("ws://a.example") == WebSocketUrl{false, "a.example", 80, "/"});
  CHECK(*parse_web_socket_url("wss://a.example/x?y=z") ==
        WebSocketUrl{true, "a.example", 443, "/x?y=z"});
  CHECK(*parse_web_socket_url("ws://[::1]:81?q#f") == WebSocketUrl{false, "::1", 81, "/?q"});
}

TEST_CASE("what is no WebSocket URL is refused") {
  for (const char* text : {"", "ws://", "http://a", "ws:a", "ws://:80", "ws://a:0", "ws://a:99999",
                           "ws://user@a", "ws://a b", "ws://a/\r\nX: y", "ws://[::1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_web_socket_url(text));
  }
}

TEST_CASE("an address ends where its text ends") {
  CHECK(is_literal_address("127.0.0.1"));
  CHECK(is_literal_address("::1"));
  CHECK_FALSE(is_literal_address(std::string("127.0.0.1\0.example", 18)));
  CHECK_FALSE(is_literal_address(std::string("::1\0", 4)));
}
