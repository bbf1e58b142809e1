#include "trestle/host/admin_server.hpp"

#include <atomic>
#include <string>
#include <thread>

#include "catch.hpp"
#include "host_world.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/admin_client.hpp"

using namespace trestle;
using namespace trestle::test;
using host::AdminAddress;
using host::AdminAnswer;

namespace {

struct AdminHost : Host {
  AdminHost() {
    runner->listen_admin(std::move(*host::ListeningSocket::open_unix(address.unix_path)));
  }
  /// Asks as the terminal's commands do, from a thread, since those block.
  Result<AdminAnswer, std::string> ask(const std::string& path, const std::string& body = {}) {
    Result<AdminAnswer, std::string> answer{};
    std::atomic<bool> is_done = false;
    std::thread asking([&] {
      answer = host::ask_admin(address, path, body);
      is_done = true;
    });
    run_until({this}, [&] { return is_done.load(); });
    asking.join();
    return answer;
  }

  TemporaryFolder folder;
  AdminAddress address{folder.file("admin.sock"), {}};
};

}  // namespace

TEST_CASE("the admin socket belongs to its owner alone and goes away with the program") {
  TemporaryFolder folder;
  const std::string path = folder.file("admin.sock");
  {
    const auto socket = host::ListeningSocket::open_unix(path);
    REQUIRE(socket);
    CHECK((mode_of(path) & 0077) == 0);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(host::ListeningSocket::open_unix(folder.file(std::string(200, 'x'))));
}

TEST_CASE("/status shows the node's snapshot and the host's counters") {
  AdminHost admin;
  const auto answer = admin.ask("/status");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  for (const char* part :
       {"\"program\":\"fake-node\"", "\"state\":\"joined\"", "\"uptime_s\":0", "\"healthy\":true",
        "\"role\":\"bridge\",\"dialect\":\"native\",\"address\":\"ws://"
        "b\",\"dialled_by_us\":true,\"connected_s\":7,"
        "\"rtt_us\":250",
        "\"bridges\":[]", "\"fake.answers_total\":42", "\"host.connections\":0"}) {
    CAPTURE(part);
    CHECK(answer->body.find(part) != std::string::npos);
  }
  CHECK(admin.ask("/peers")->body.starts_with("[{\"id\":\""));
}

TEST_CASE("a value that was put can be got, whatever its characters") {
  AdminHost admin;
  const std::string key = "a key/with ?&=%+\"\\ and \xc3\xa4";
  const auto put = admin.ask(
      "/put",
      "{\"key\":\"a key/with ?&=%+\\\"\\\\ and \xc3\xa4\",\"value\":\"v\\n\",\"ttl_s\":60}");
  REQUIRE(put);
  CHECK(put->status == 200);
  CHECK(put->body == "{\"code\":\"NONE\",\"replicas\":3}\n");
  REQUIRE(admin.node.store.contains(key));
  const auto got = admin.ask("/get?key=" + host::percent_encoded(key));
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body == "{\"code\":\"NONE\",\"value\":\"v\\n\",\"ttl_ms\":60000}\n");
}

TEST_CASE("a value that is no text comes as hex") {
  AdminHost admin;
  admin.node.store["raw"] = {0xff, 0x00};
  CHECK(admin.ask("/get?key=raw")->body ==
        "{\"code\":\"NONE\",\"value_hex\":\"ff00\",\"ttl_ms\":60000}\n");
}

TEST_CASE("/find lists contacts, nearest first") {
  AdminHost admin;
  const auto answer = admin.ask("/find?id=" + std::string(40, 'a'));
  REQUIRE(answer);
  CHECK(answer->body.find("\"contacts\":[{\"id\":\"" + std::string(40, 'a')) != std::string::npos);
}

TEST_CASE("refusals carry their code in the status and the body") {
  AdminHost admin;
  const auto check = [&](int status, const std::string& code, const std::string& path,
                         const std::string& body = {}) {
    CAPTURE(path, body);
    const auto answer = admin.ask(path, body);
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(answer->body.find("\"" + code + "\"") != std::string::npos);
  };
  check(404, "NOT_FOUND", "/get?key=absent");
  check(400, "INVALID_REQUEST", "/get");
  check(400, "INVALID_REQUEST", "/find?id=12");
  check(404, "NOT_FOUND", "/nowhere");
  check(404, "NOT_FOUND", "/status", "{}");
  check(400, "INVALID_REQUEST", "/put", "{");
  check(400, "INVALID_REQUEST", "/put", "{\"key\":\"k\"}");
  check(400, "INVALID_REQUEST", "/put", "{\"key\":\"k\",\"value\":1}");
  check(400, "INVALID_REQUEST", "/put", "{\"key\":\"k\",\"value\":\"v\",\"ttl_s\":0}");
  check(503, "BUSY", "/put", "{\"key\":\"refused\",\"value\":\"v\"}");
  CHECK(admin.node.store.empty());
}

TEST_CASE("a body over the limit is refused and a large one below it is taken") {
  AdminHost admin;
  const auto body = [](std::size_t bytes) {
    return "{\"key\":\"k\",\"value\":\"" + std::string(bytes, 'v') + "\"}";
  };
  CHECK(admin.ask("/put", body(60 * 1024))->status == 200);
  CHECK(admin.node.store["k"].size() == 60 * 1024);
  const auto refused = admin.ask("/put", body(70 * 1024));
  CHECK((!refused || refused->status == 413));
  CHECK(admin.node.store["k"].size() == 60 * 1024);
}

TEST_CASE("nothing changes by GET, nor by a POST that a web page could send") {
  AdminHost admin;
  CHECK(admin.ask("/put?key=k&value=v")->status == 404);
  auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
  const std::uint16_t port = socket->address().port;
  AdminHost second;
  second.runner->listen_admin(std::move(*socket));
  RawClient page(port);
  page.send(
      "POST /put HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\n"
      "{\"key\":\"k\",\"value\":\"v\"}");
  REQUIRE(run_until({&second}, [&] {
    page.receive();
    return !page.is_open();
  }));
  CHECK(page.received.starts_with("HTTP/1.1 400"));
  CHECK(second.node.store.empty());
}

TEST_CASE("the admin's HTTP accepts no WebSocket") {
  AdminHost admin;
  auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
  const std::uint16_t port = socket->address().port;
  admin.runner->listen_admin(std::move(*socket));
  RawClient client(port);
  client.upgrade("/status");
  REQUIRE(run_until({&admin}, [&] {
    client.receive();
    return !client.is_open();
  }));
  CHECK(client.received.find("101") == std::string::npos);
  CHECK(admin.node.accepted.empty());
}

TEST_CASE("asking where nothing listens is a sentence") {
  TemporaryFolder folder;
  const auto answer = host::ask_admin({folder.file("admin.sock"), {}}, "/status");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().find("no node answers") != std::string::npos);
}
