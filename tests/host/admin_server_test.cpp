#include "trestle/host/admin_server.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
  explicit AdminHost(const host::RunnerOptions& options = {}) : Host(options) {
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

  /// One request over a TCP listener, to the end of the reply.
  std::string ask_tcp(std::uint16_t tcp_port, const std::string& request) {
    RawClient client(tcp_port);
    client.send(request);
    run_until({this}, [&] {
      client.receive();
      return !client.is_open();
    });
    return client.received;
  }

  TemporaryFolder folder;
  AdminAddress address{folder.file("admin.sock"), {}};
};

/// Listens for operators on TCP, in place of the unix socket.
struct TcpAdminHost : AdminHost {
  explicit TcpAdminHost(const host::RunnerOptions& options = {}) : AdminHost(options) {
    auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
    admin_port = socket->address().port;
    runner->listen_admin(std::move(*socket));
  }
  std::string get(const std::string& path, const std::string& headers = "Host: 127.0.0.1\r\n") {
    return ask_tcp(admin_port, "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n");
  }

  std::uint16_t admin_port = 0;
};

/// Asks over the unix socket, whose buffers are small, and never reads.
class StuckReader {
 public:
  StuckReader(const std::string& path, const std::string& target)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
    ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  ~StuckReader() { ::close(socket_); }
  StuckReader(const StuckReader&) = delete;
  StuckReader& operator=(const StuckReader&) = delete;

 private:
  int socket_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

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

TEST_CASE("how a lookup is to be done is part of the question") {
  AdminHost admin;
  REQUIRE(admin.ask("/get?key=a&paths=3"));
  CHECK(admin.node.wished.paths == 3);
  const std::string id(40, '1');
  REQUIRE(admin.ask("/find?id=" + id + "&lookup=recursive"));
  CHECK(admin.node.wished.paths == 1);
  CHECK(admin.node.wished.mode == dht::LookupMode::recursive);
  CHECK(admin.node.wished.steps == dht::StepReport::none);
  REQUIRE(admin.ask("/trace?of=" + id + "&paths=8&lookup=iterative"));
  CHECK(admin.node.wished.paths == 8);
  CHECK(admin.node.wished.mode == dht::LookupMode::iterative);
  CHECK(admin.node.wished.steps == dht::StepReport::told);
  REQUIRE(admin.ask("/find?id=" + id));
  CHECK_FALSE(admin.node.wished.mode);
  for (const char* senseless :
       {"&paths=0", "&paths=9", "&paths=12", "&paths=", "&lookup=somehow"}) {
    const auto answer = admin.ask("/find?id=" + id + senseless);
    REQUIRE(answer);
    CHECK(answer->status == 400);
  }
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
  CHECK(put->body ==
        "{\"code\":\"NONE\",\"replicas\":3,\"replicas_wanted\":2,\"weak\":false,\"old_peers\":0,"
        "\"version\":7}\n");
  REQUIRE(admin.node.store.contains(key));
  const auto got = admin.ask("/get?key=" + host::percent_encoded(key));
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body.starts_with(
      "{\"code\":\"NONE\",\"value\":\"v\\n\",\"ttl_ms\":60000,\"left_ms\":50000,\"version\":7,"
      "\"author\":\"00"));
}

TEST_CASE("a value that is no text comes as hex") {
  AdminHost admin;
  admin.node.store["raw"] = {0xff, 0x00};
  CHECK(admin.ask("/get?key=raw")
            ->body.starts_with("{\"code\":\"NONE\",\"value_hex\":\"ff00\",\"ttl_ms\":60000,"));
}

TEST_CASE("a value of an old peer is shown as its text, or as the JSON it is") {
  const auto shown = [](std::string_view json) {
    node::OperationEnded ended;
    ended.record = wire::Record{
        .key = "k", .value = to_bytes(as_bytes(json)), .left_ms = 5000, .legacy = true};
    return host::to_json(host::OperationKind::get, ended);
  };
  CHECK(shown(R"("a \u00e4")") ==
        "{\"code\":\"NONE\",\"value\":\"a "
        "\xc3\xa4\",\"ttl_ms\":0,\"left_ms\":5000,\"unsigned\":true,\"sealed\":false}");
  CHECK(shown(R"({"v":1})").find(R"("value":"{\"v\":1}")") != std::string::npos);
}

TEST_CASE("a refresh and a deletion come with their receipt, or with why not") {
  AdminHost admin;
  admin.node.store["k"] = {1};
  const auto refreshed = admin.ask("/refresh", "{\"key\":\"k\"}");
  REQUIRE(refreshed);
  CHECK(refreshed->body.find("\"replicas\":1,\"replicas_wanted\":2,\"weak\":true") !=
        std::string::npos);
  CHECK(admin.ask("/delete", "{\"key\":\"k\"}")->status == 200);
  CHECK(admin.node.store.empty());
  CHECK(admin.ask("/delete", "{\"key\":\"k\"}")->status == 404);
  CHECK(admin.ask("/refresh", "{\"key\":\"k\"}")->status == 404);
  CHECK(admin.ask("/refresh", "{}")->status == 400);
  CHECK(admin.ask("/delete", "{\"key\":\"\"}")->status == 400);
  CHECK(admin.ask("/delete?key=k")->status == 404);
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
  const std::string put = "{\"key\":\"k\",\"value\":\"v\",";
  check(400, "INVALID_REQUEST", "/put", put + "\"audience\":\"everybody\"}");
  check(400, "INVALID_REQUEST", "/put", put + "\"audience\":1}");
  check(400, "INVALID_REQUEST", "/put", put + "\"readers\":[\"trestle-identity:AAAA\"]}");
  check(400, "INVALID_REQUEST", "/put", put + "\"readers\":[1]}");
  check(501, "UNSUPPORTED", "/put", put + "\"audience\":\"self\"}");
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
  TcpAdminHost second;
  RawClient page(second.admin_port);
  page.send(
      "POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
      "23\r\n\r\n"
      "{\"key\":\"k\",\"value\":\"v\"}");
  REQUIRE(run_until({&second}, [&] {
    page.receive();
    return !page.is_open();
  }));
  CHECK(page.received.starts_with("HTTP/1.1 400"));
  CHECK(second.node.store.empty());
}

TEST_CASE("the admin's HTTP accepts no WebSocket") {
  TcpAdminHost admin;
  RawClient client(admin.admin_port);
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

TEST_CASE("the metrics come as Prometheus reads them, and go on and off by command") {
  AdminHost admin;
  const auto answer = admin.ask("/metrics");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(contains(answer->body, "# TYPE trestle_uptime_seconds gauge\n"));
  CHECK(contains(answer->body, "trestle_fake_answers_total 42\n"));
  CHECK(contains(answer->body, "trestle_build_info{program=\"fake-node\""));

  CHECK(admin.ask("/metrics/off", "{}")->status == 200);
  CHECK(admin.ask("/metrics")->status == 503);
  CHECK(contains(admin.ask("/status")->body, "\"metrics\":{\"on\":false"));
  CHECK(admin.ask("/metrics/on", "{}")->status == 200);
  CHECK(admin.ask("/metrics")->status == 200);
  CHECK(admin.ask("/metrics/off")->status == 404);
  CHECK(admin.ask("/metrics")->status == 200);
}

TEST_CASE("figures that cannot be collected disturb nobody, and in the end the metrics go off") {
  struct Failing final : host::MetricSource {
    void collect(host::MetricFamilies&) override { throw std::runtime_error("broken"); }
  } failing;
  AdminHost admin;
  admin.runner->overview().metrics().add(failing);
  for (int scrape = 1; scrape <= 10; ++scrape) {
    CHECK(admin.ask("/metrics")->status == 500);
    CHECK(admin.ask("/status")->status == 200);
  }
  CHECK(admin.ask("/metrics")->status == 503);
  CHECK(admin.ask("/health")->status == 200);
}

TEST_CASE("a scraper that never reads holds its own reply, and not for long") {
  struct Large final : host::MetricSource {
    void collect(host::MetricFamilies& families) override {
      host::MetricFamily& family = families.emplace_back();
      family.name = "large";
      for (int line = 0; line < 5'000; ++line) {
        family.values.push_back({{{"label", std::string(80, 'x') + std::to_string(line)}}, 1});
      }
    }
  } large;
  host::RunnerOptions options;
  options.admin.reply_within = std::chrono::milliseconds(1500);
  AdminHost admin(options);
  admin.runner->overview().metrics().add(large);
  const StuckReader first(admin.address.unix_path, "/metrics");
  const StuckReader second(admin.address.unix_path, "/metrics");
  run_for({&admin}, std::chrono::milliseconds(200));
  CHECK(admin.ask("/metrics")->status == 503);
  const Instant asked = host::steady_now();
  CHECK(admin.ask("/status")->status == 200);
  CHECK(host::steady_now() - asked < options.admin.reply_within);
  run_for({&admin}, std::chrono::milliseconds(2000));
  const auto whole = admin.ask("/metrics");
  REQUIRE(whole);
  CHECK(whole->status == 200);
  CHECK(whole->body.size() > 5'000 * 80);
}

TEST_CASE("over TCP only this machine may ask, under its own name") {
  TcpAdminHost admin;
  CHECK(admin.get("/status").starts_with("HTTP/1.1 200"));
  CHECK(admin.get("/status", "Host: localhost:99\r\n").starts_with("HTTP/1.1 200"));
  CHECK(admin.get("/status", "Host: [::1]:99\r\n").starts_with("HTTP/1.1 200"));
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "[::1"}) {
    CAPTURE(host);
    const std::string reply = admin.get("/status", "Host: " + std::string(host) + "\r\n");
    CHECK_FALSE(reply.starts_with("HTTP/1.1 200"));
    CHECK_FALSE(contains(reply, "fake-node"));
  }
}

TEST_CASE("with a secret, over TCP, whoever shows it may ask") {
  host::RunnerOptions options;
  options.admin.secret = bytes_of("s3cret");
  TcpAdminHost admin(options);
  const std::string host = "Host: any.example\r\n";
  CHECK(admin.get("/status", host).starts_with("HTTP/1.1 401"));
  CHECK(contains(admin.get("/status", host), "www-authenticate: Basic"));
  CHECK(
      admin.get("/status", host + "Authorization: Bearer s3cret\r\n").starts_with("HTTP/1.1 200"));
  CHECK(admin.get("/status", host + "Authorization: Bearer s3cre\r\n").starts_with("HTTP/1.1 401"));
  CHECK(admin.get("/status", host + "Authorization: Bearer \r\n").starts_with("HTTP/1.1 401"));
  // `me:s3cret` and `s3cret` in base64.
  CHECK(admin.get("/status", host + "Authorization: Basic bWU6czNjcmV0\r\n")
            .starts_with("HTTP/1.1 200"));
  CHECK(
      admin.get("/status", host + "Authorization: Basic czNjcmV0\r\n").starts_with("HTTP/1.1 401"));
  AdminHost local(options);
  CHECK(local.ask("/status")->status == 200);
}

TEST_CASE("the page needs nothing from elsewhere and lets nothing in") {
  TcpAdminHost admin;
  const std::string page = admin.get("/");
  CHECK(page.starts_with("HTTP/1.1 200"));
  CHECK(contains(page, "content-security-policy: default-src 'none'; script-src 'self'"));
  CHECK(contains(page, "cache-control: no-store"));
  CHECK(contains(page, "fake-node"));
  CHECK_FALSE(contains(page, "://fonts"));
  CHECK(admin.get("/page.js").starts_with("HTTP/1.1 200"));
  CHECK(admin.get("/style.css").starts_with("HTTP/1.1 200"));
  CHECK(contains(admin.get("/overview"), "<header"));
  CHECK(admin.get("/../admin.sock").starts_with("HTTP/1.1 404"));
}

TEST_CASE("health names the alerts that are raised") {
  host::RunnerOptions options;
  options.overview.alerts.thresholds[host::index_of(host::Alert::memory)] = 1;
  options.overview.alerts.raise_after = Duration::zero();
  AdminHost admin(options);
  CHECK(admin.ask("/health")->body == "{\"status\":\"ok\",\"alerts\":[\"memory\"]}\n");
  admin.node.healthy = false;
  CHECK(admin.ask("/health")->status == 503);
}
