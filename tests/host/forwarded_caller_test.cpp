// What a proxy in front states about a caller, as the transport takes it.
#include <string>

#include "catch.hpp"
#include "host_world.hpp"
#include "trestle/host/http_header.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

host::RunnerOptions behind_proxy(const std::string& proxy, std::size_t per_address_max) {
  host::RunnerOptions options;
  if (!proxy.empty()) {
    options.transport.trusted_proxies = host::TrustedProxies({*host::parse_address_block(proxy)});
  }
  options.transport.connections_per_address_max = per_address_max;
  options.transport.pages = host::PageGate({"https://x.example"});
  return options;
}

std::string upgrade_with(const std::string& headers, const std::string& path = "/") {
  return "GET " + path +
         " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         headers + "\r\n";
}

/// What is answered to these bytes, up to the end of a head or of the connection.
std::string raw_answer_to(Host& host, const std::string& bytes) {
  RawClient client(host.port);
  client.send(bytes);
  run_until({&host}, [&] {
    client.receive();
    return client.received.find("\r\n\r\n") != std::string::npos || !client.is_open();
  });
  return client.received;
}

/// What is answered to an upgrade with these headers.
std::string answer_to(Host& host, const std::string& headers, const std::string& path = "/") {
  return raw_answer_to(host, upgrade_with(headers, path));
}

}  // namespace

TEST_CASE(
    "the caller behind a trusted proxy is who the proxy says, and nobody else's word counts") {
  const EachTransport transport;
  const std::string headers = "X-Forwarded-For: 127.0.0.1, 203.0.113.9\r\n";
  SECTION("a trusted proxy") {
    Host host(behind_proxy("127.0.0.0/8", 32));
    REQUIRE(answer_to(host, headers).starts_with("HTTP/1.1 101"));
    REQUIRE(host.node.accepted.size() == 1);
    CHECK(host.node.accepted[0].second == "203.0.113.9");
  }
  SECTION("several lines of the header are one list") {
    Host host(behind_proxy("127.0.0.1", 32));
    REQUIRE(answer_to(host, "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 2001:DB8::9\r\n")
                .starts_with("HTTP/1.1 101"));
    CHECK(host.node.accepted[0].second == "2001:db8::9");
  }
  SECTION("a stranger") {
    Host host(behind_proxy("10.0.0.0/8", 32));
    REQUIRE(answer_to(host, headers).starts_with("HTTP/1.1 101"));
    CHECK(host.node.accepted[0].second == "127.0.0.1");
  }
  SECTION("no proxy is trusted") {
    Host host(behind_proxy("", 32));
    REQUIRE(answer_to(host, headers).starts_with("HTTP/1.1 101"));
    CHECK(host.node.accepted[0].second == "127.0.0.1");
  }
}

TEST_CASE("bounds per address count the callers of a proxy one by one") {
  const EachTransport transport;
  Host host(behind_proxy("127.0.0.1", 2));
  const std::string one = "X-Forwarded-For: 203.0.113.1\r\n";
  const std::string other = "X-Forwarded-For: 203.0.113.2\r\n";
  RawClient first(host.port);
  RawClient second(host.port);
  for (RawClient* client : {&first, &second}) client->send(upgrade_with(one));
  REQUIRE(run_until({&host}, [&] { return host.runner->transport_stats().accepted == 2; }));
  CHECK(answer_to(host, one).starts_with("HTTP/1.1 503"));
  CHECK(answer_to(host, other).starts_with("HTTP/1.1 101"));
}

TEST_CASE("whether a caller came over TLS is taken from a trusted proxy alone") {
  const EachTransport transport;
  for (const bool is_trusted : {true, false}) {
    Host host(behind_proxy(is_trusted ? "127.0.0.1" : "10.0.0.1", 32));
    answer_to(host, "X-Forwarded-Proto: https\r\n");
    CHECK(host.runner->transport_stats().accepted_secure_total == (is_trusted ? 1 : 0));
    answer_to(host, "X-Forwarded-Proto: http\r\n");
    CHECK(host.runner->transport_stats().accepted_secure_total == (is_trusted ? 1 : 0));
  }
}

TEST_CASE("P-CR-15: an upgrade is answered alike with and without forwarded headers") {
  const EachTransport transport;
  const std::vector<std::string> forwarded = {
      "X-Forwarded-For: 203.0.113.9\r\n",
      "X-Forwarded-For: 10.1.2.3, 2001:db8::1\r\nX-Forwarded-Proto: https\r\n",
      "X-Forwarded-For: nonsense,,;\r\nX-Forwarded-Host: a\r\n",
      "Forwarded: for=203.0.113.9;proto=https\r\nVia: 1.1 edge\r\n"};
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  struct Case {
    std::string headers;
    bool is_good;
  };
  const std::vector<Case> cases = {
      {upgrade + key + version, true},
      {key + "Connection: keep-alive, Upgrade\r\n" + version +
           "Upgrade: websocket\r\nOrigin: https://x.example\r\n",
       true},
      {upgrade + version, false},
      {"Upgrade: h2c\r\nConnection: Upgrade\r\n" + key + version, false},
      {upgrade + key + version + std::string(9000, 'x') + ": y\r\n", false}};
  // Behind a proxy that is believed, behind one that is not, and with nobody believed.
  for (const std::string proxy : {"127.0.0.1", "10.0.0.0/8", ""}) {
    CAPTURE(proxy);
    Host host(behind_proxy(proxy, 64));
    const auto first_line = [&](const std::string& headers) {
      const std::string answer =
          raw_answer_to(host, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
      return answer.substr(0, answer.find("\r\n"));
    };
    for (const Case& one : cases) {
      CAPTURE(one.headers.substr(0, 120));
      const std::string plain = first_line(one.headers);
      CHECK((plain == "HTTP/1.1 101 Switching Protocols") == one.is_good);
      for (const std::string& more : forwarded) {
        CAPTURE(more);
        CHECK(first_line(one.headers + more) == plain);
        CHECK(first_line(more + one.headers) == plain);
      }
    }
  }
}

TEST_CASE("an upgrade is answered with our date, and with the path if a proxy passed it on") {
  const EachTransport transport;
  Host host;
  const std::string plain = answer_to(host, "");
  const std::size_t date = plain.find("date: ");
  REQUIRE(date != std::string::npos);
  const std::string stated = plain.substr(date + 6, plain.find("\r\n", date) - date - 6);
  CHECK(std::abs(host::parse_http_date(stated) - std::time(nullptr)) <= 5);
  CHECK(plain.find("content-location:") == std::string::npos);

  CHECK(answer_to(host, "", "/node1/").find("content-location: /node1/\r\n") != std::string::npos);
  // Decoded, this would be a header line of the caller's making.
  const std::string forged = answer_to(host, "", "/x%0d%0aset-cookie:%20a=b");
  CHECK(forged.find("set-cookie") == std::string::npos);
}
