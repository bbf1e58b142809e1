// Which pages' browsers may come (T4).
#include "trestle/host/page_gate.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

host::RunnerOptions admitting(const std::vector<std::string>& origins,
                              const std::string& proxy = {}) {
  host::RunnerOptions options;
  options.transport.pages = host::PageGate(origins);
  if (!proxy.empty()) {
    options.transport.trusted_proxies = host::TrustedProxies({*host::parse_address_block(proxy)});
  }
  options.transport.connections_per_address_max = 0;
  return options;
}

/// The status line's code that is answered to an upgrade with these headers.
std::string answer_to(Host& host, const std::string& host_header, const std::string& headers) {
  RawClient client(host.port);
  client.send("GET / HTTP/1.1\r\nHost: " + host_header +
              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
              headers + "\r\n");
  run_until({&host}, [&] {
    client.receive();
    return client.received.find("\r\n\r\n") != std::string::npos || !client.is_open();
  });
  return client.received.substr(0, std::string("HTTP/1.1 101").size());
}

std::string answer_to_page(Host& host, const std::string& origin,
                           const std::string& host_header = "127.0.0.1") {
  return answer_to(host, host_header, "Origin: " + origin + "\r\n");
}

constexpr const char* kWelcome = "HTTP/1.1 101";
constexpr const char* kForbidden = "HTTP/1.1 403";
constexpr const char* kMalformed = "HTTP/1.1 400";

bool is_raw() { return EachTransport::spoken() == host::TransportKind::raw; }

/// What differs from `https://app.example` in some way that could be taken for it.
std::vector<std::string> foreign_spellings() {
  std::vector<std::string> out = {"null",
                                  "NULL",
                                  "*",
                                  "https",
                                  "https:",
                                  "https://",
                                  "app.example",
                                  "//app.example",
                                  "://app.example",
                                  "https:app.example",
                                  "https:/app.example",
                                  "https:///app.example",
                                  "https:\\\\app.example",
                                  "file://",
                                  "about:blank",
                                  "data:text/html",
                                  "chrome-extension://app.example",
                                  "https://app.example, https://app.example",
                                  "https://app.example https://app.example",
                                  "https://app.example;https://app.example"};
  for (const std::string scheme :
       {"http", "ws", "wss", "ftp", "HTTPS", "Https", "httpss", "xhttps"}) {
    out.push_back(scheme + "://app.example");
    out.push_back(scheme + "://app.example:443");
  }
  for (const std::string host : {"APP.EXAMPLE",
                                 "App.example",
                                 "app.EXAMPLE",
                                 "app.example.",
                                 ".app.example",
                                 "app..example",
                                 "app.exampl",
                                 "app.examples",
                                 "pp.example",
                                 "xapp.example",
                                 "app.example.evil.example",
                                 "evil.app.example",
                                 "www.app.example",
                                 "appexample",
                                 "app-example",
                                 "app_example",
                                 "app.example%2eevil",
                                 "app.example%00",
                                 "%61pp.example",
                                 "app.example\t",
                                 "app .example",
                                 "app.xn--example",
                                 "xn--pp-wia.example",
                                 "\xd0\xb0pp.example",
                                 "app.\xd0\xb5xample",
                                 "127.0.0.1",
                                 "[::1]",
                                 "localhost",
                                 "2130706433",
                                 "0x7f000001"}) {
    out.push_back("https://" + host);
    out.push_back("https://" + host + ":443");
    out.push_back("http://" + host);
  }
  for (const std::string tail : {":",
                                 ":0",
                                 ":80",
                                 ":443",
                                 ":0443",
                                 ":444",
                                 ":4433",
                                 ":8443",
                                 ":65535",
                                 ":65536",
                                 ":-443",
                                 ":+443",
                                 ":443:443",
                                 ": 443",
                                 ":44 3",
                                 ":https",
                                 "/",
                                 "/index.html",
                                 "/?a=b",
                                 "?a=b",
                                 "#top",
                                 "\\",
                                 "/https://app.example",
                                 "@evil.example",
                                 "%40evil.example",
                                 ",evil.example",
                                 ";",
                                 "'",
                                 "\""}) {
    out.push_back("https://app.example" + tail);
  }
  for (const std::string head :
       {"user@", "user:pass@", ":@", "@", "app.example@", "app.example:443@", "app.example/",
        "evil.example/", "evil.example?", "evil.example#", "evil.example\\", "evil.example:443/"}) {
    out.push_back("https://" + head + "app.example");
    out.push_back("https://" + head + "app.example:443");
  }
  return out;
}

}  // namespace

TEST_CASE("T4: of two hundred spellings of an origin only the browser's own is let in") {
  const EachTransport transport;
  Host host(admitting({"https://app.example"}));
  CHECK(answer_to_page(host, "https://app.example") == kWelcome);
  const std::vector<std::string> foreign = foreign_spellings();
  REQUIRE(foreign.size() >= 170);
  for (const std::string& origin : foreign) {
    CAPTURE(origin);
    // White space behind a value is no part of it (RFC 9110, section 5.5); the library leaves it.
    if (is_raw() && origin.back() == '\t') continue;
    CHECK(answer_to_page(host, origin) == kForbidden);
  }
}

TEST_CASE("T4: without a setting no page is let in, and programs always are") {
  const EachTransport transport;
  Host host(admitting({}));
  CHECK(answer_to_page(host, "https://app.example") == kForbidden);
  CHECK(answer_to_page(host, "http://127.0.0.1") == kForbidden);
  CHECK(answer_to(host, "127.0.0.1", "") == kWelcome);
}

TEST_CASE("T4: two origins in one request are none") {
  const EachTransport transport;
  Host host(admitting({"https://app.example", "https://other.example"}));
  const char* const refused = is_raw() ? kMalformed : kForbidden;
  CHECK(answer_to(host, "127.0.0.1",
                  "Origin: https://app.example\r\nOrigin: https://evil.example\r\n") == refused);
  CHECK(answer_to(host, "127.0.0.1",
                  "Origin: https://app.example\r\nOrigin: https://other.example\r\n") == refused);
}

TEST_CASE(
    "T4: on a listener of this machine a page must ask for it by such a name, also where all pages "
    "may come") {
  const EachTransport transport;
  Host host(admitting({"*"}));
  for (const std::string name : {"127.0.0.1", "127.0.0.1:80", "127.8.9.10:1", "[::1]", "[::1]:8080",
                                 "localhost", "localhost:9"}) {
    CAPTURE(name);
    CHECK(answer_to_page(host, "http://evil.example", name) == kWelcome);
  }
  for (const std::string name : {"evil.example",
                                 "evil.example:80",
                                 "localhost.evil.example",
                                 "127.0.0.1.evil.example",
                                 "127.evil.example",
                                 "10.0.0.1",
                                 "0.0.0.0",
                                 "[::]",
                                 "[::1].evil.example",
                                 "::1",
                                 "localhost.",
                                 "LOCALHOST",
                                 "",
                                 " ",
                                 "@127.0.0.1",
                                 "evil@127.0.0.1",
                                 "evil.example@localhost",
                                 "127.0.0.1@evil.example",
                                 "2130706433",
                                 "0x7f.1"}) {
    CAPTURE(name);
    CHECK(answer_to_page(host, "http://evil.example", name) != kWelcome);
  }
  CHECK(answer_to(host, "evil.example", "") == kWelcome);
}

TEST_CASE("T4: a proxy of ours may call us by any name, and its pages are looked at like others") {
  const EachTransport transport;
  Host host(admitting({"https://app.example"}, "127.0.0.1"));
  CHECK(answer_to_page(host, "https://app.example", "upstream") == kWelcome);
  CHECK(answer_to_page(host, "https://evil.example", "upstream") == kForbidden);
}

TEST_CASE("an origin in the settings is written as browsers write it") {
  const EachTransport transport;
  const auto parsed = [](std::string_view text) {
    return host::parse_web_origin(text).value_or("refused");
  };
  CHECK(parsed("https://app.example") == "https://app.example");
  CHECK(parsed("HTTPS://App.Example:443") == "https://app.example");
  CHECK(parsed("http://app.example:80") == "http://app.example");
  CHECK(parsed("http://app.example:443") == "http://app.example:443");
  CHECK(parsed("http://[::1]:8080") == "http://[::1]:8080");
  CHECK(parsed("http://[::1]") == "http://[::1]");
  CHECK(parsed("*") == "*");
  for (const std::string_view text : {"",
                                      "null",
                                      "app.example",
                                      "wss://app.example",
                                      "https://",
                                      "https://app.example/",
                                      "https://app.example/path",
                                      "https://a b",
                                      "https://user@app.example",
                                      "https://app.example:",
                                      "https://app.example:0",
                                      "https://app.example:0443",
                                      "https://app.example:65536",
                                      "https://app.example:44x",
                                      "https://[::1",
                                      "https://::1",
                                      "https://[]",
                                      "https://[1.2.3.4]",
                                      "https://[app.example]",
                                      "https://.app.example",
                                      "https://*.app.example",
                                      "**",
                                      "https://\xc3\xa4.example"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "refused");
  }
}
