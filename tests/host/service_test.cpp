#include "trestle/host/service.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "certificates.hpp"
#include "fake_node.hpp"
#include "host_world.hpp"
#include "temporary_folder.hpp"

namespace trestle::test {
namespace {

using std::chrono::seconds;

/// A service around a fake node, on a thread of its own until `stop`.
class Running {
 public:
  explicit Running(host::ServiceOptions options = {}) {
    auto made = host::Service::create(
        options, [this](const std::string& address, const crypto::Identity&, crypto::Suite&, Rng) {
          advertised = address;
          auto node = std::make_unique<FakeNode>();
          fake = node.get();
          return node;
        });
    REQUIRE(made.has_value());
    service = std::move(*made);
    thread = std::jthread([this] { service->run(); });
  }
  ~Running() { service->stop(); }

  std::string advertised;
  FakeNode* fake = nullptr;
  std::unique_ptr<host::Service> service;
  std::jthread thread;
};

TEST_CASE("a service's node starts with its thread, and advertises where it listens") {
  Running running;
  CHECK(running.advertised == running.service->address());
  CHECK(running.advertised.starts_with("ws://127.0.0.1:"));
  CHECK(running.service->status().get().program == "fake-node");
  std::promise<bool> started;
  running.service->post([&] { started.set_value(running.fake->started); });
  CHECK(started.get_future().get());
}

TEST_CASE("operations asked for from many threads each end once") {
  Running running;
  std::vector<std::jthread> askers;
  std::atomic<int> good = 0;
  for (int asker = 0; asker < 4; ++asker) {
    askers.emplace_back([&, asker] {
      for (int turn = 0; turn < 50; ++turn) {
        const std::string key = std::to_string(asker) + "/" + std::to_string(turn);
        const Bytes value = to_bytes(as_bytes(key));
        const auto put = running.service->put(key, value, seconds(60)).get();
        const auto got = running.service->get(key).get();
        if (put.code == ErrorCode::none && got.record && got.record->value == value) ++good;
      }
    });
  }
  askers.clear();
  CHECK(good == 200);
  CHECK(running.service->get("unknown").get().code == ErrorCode::not_found);
  CHECK(running.service->put("refused", {}, seconds(1)).get().code == ErrorCode::busy);
  CHECK(running.service->find(NodeId(5, 6, 7)).get().contacts.at(0).id == NodeId(5, 6, 7));
}

TEST_CASE("the hooks of the embedding program hear of everything, the ends of operations too") {
  std::promise<std::string> logged;
  std::promise<std::uint32_t> ended;
  host::ServiceOptions options;
  options.runner.hooks.on_log = [&](const LogRecord& record) { logged.set_value(record.detail); };
  options.runner.hooks.on_operation_ended = [&](const node::OperationEnded& end) {
    ended.set_value(end.replicas);
  };
  Running running(options);
  running.service->post(
      [&] { running.fake->outbox.push(LogRecord{.event = "fake.said", .detail = "hello"}); });
  CHECK(logged.get_future().get() == "hello");
  CHECK(running.service->put("key", {}, seconds(1)).get().replicas == 3);
  CHECK(ended.get_future().get() == 3);
}

TEST_CASE("what a service dials may be held on threads of its own, which end with it") {
  Running acceptor;
  host::ServiceOptions options;
  options.runner.threads.threads = 2;
  Running dialler(options);
  dialler.service->post([&] { dialler.fake->dial(acceptor.service->address()); });
  const auto has_dialled = [&] {
    std::promise<bool> answer;
    dialler.service->post([&] { answer.set_value(!dialler.fake->dialled.empty()); });
    return answer.get_future().get();
  };
  const Instant end = after(host::steady_now(), seconds(10));
  while (!has_dialled() && host::steady_now() < end) ::usleep(200);
  CHECK(has_dialled());
}

TEST_CASE("what is asked of a service that has ended is told so, and its thread is free again") {
  Running running;
  running.service->stop();
  running.thread.join();
  CHECK(running.fake->shutting_down);
  auto late = running.service->get("key");
  CHECK_THROWS_AS(late.get(), std::future_error);
  running.service->post([] { FAIL("nobody runs this"); });
}

TEST_CASE("a stop before the thread has begun ends it at once") {
  auto made =
      host::Service::create({}, [](const std::string&, const crypto::Identity&, crypto::Suite&,
                                   Rng) { return std::make_unique<FakeNode>(); });
  REQUIRE(made.has_value());
  (*made)->stop();
  (*made)->run();  // returns
}

TEST_CASE("the identity lies in the data folder, locked, or is a new one each time") {
  TemporaryFolder folder;
  host::ServiceOptions options;
  options.data_folder = folder.path();
  NodeId first;
  {
    Running running(options);
    first = running.service->id();
    const auto second = host::Service::create(options, nullptr);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().find(folder.path()) != std::string::npos);
  }
  CHECK(Running(options).service->id() == first);
  CHECK(Running().service->id() != Running().service->id());
}

/// What the node was told of its earlier life, once it has started.
std::optional<node::Restored> restored_at(Running& running) {
  std::promise<std::optional<node::Restored>> told;
  running.service->post([&] { told.set_value(running.fake->restored); });
  return told.get_future().get();
}

TEST_CASE("a service's records lie in its data folder, and the next one on it finds them") {
  TemporaryFolder folder;
  host::ServiceOptions options;
  options.data_folder = folder.path();
  {
    Running running(options);
    CHECK_FALSE(restored_at(running).has_value());
    running.service->post([&] {
      dht::StoredRecord stored;
      stored.record.key = "key";
      stored.record.left_ms = 3'600'000;
      running.fake->persist(dht::WriteRecord{stored});
      running.fake->outbox.push(node::SavePeers{
          {{NodeId(1, 2, 3), wire::Role::node, wire::Dialect::native, "ws://10.0.0.1:1/", ""}}});
    });
  }
  options.storage = host::StoragePlace::memory;
  {
    Running running(options);
    const auto restored = restored_at(running);
    REQUIRE(restored.has_value());
    CHECK(restored->records.empty());
    CHECK(restored->peers.size() == 1);
  }
  options.storage = host::StoragePlace::disk;
  std::vector<std::string> heard;
  options.runner.hooks.on_log = [&](const LogRecord& record) { heard.emplace_back(record.event); };
  Running running(options);
  CHECK(heard == std::vector<std::string>{"storage.loaded"});
  const auto restored = restored_at(running);
  REQUIRE(restored.has_value());
  REQUIRE(restored->records.size() == 1);
  CHECK(restored->records[0].record.key == "key");
}

TEST_CASE("a service whose loop has a certificate is reached over TLS") {
  TemporaryFolder folder;
  std::signal(SIGPIPE, SIG_IGN);  // As programs do: OpenSSL writes without MSG_NOSIGNAL.
  FileIssuer issuer(folder);
  const auto material_of = [](const host::TlsFiles& files) {
    auto read = host::read_tls_files(files);
    REQUIRE(read.has_value());
    return std::move(*read);
  };
  host::Tls accepting(material_of(issuer.issue("IP:127.0.0.1")), host::TlsVerification::full);
  host::Tls dialling(material_of(issuer.trusting()), host::TlsVerification::full);
  host::ServiceOptions options;
  options.loop.tls = &accepting;
  Running running(options);
  CHECK(running.service->address().starts_with("wss://127.0.0.1:"));
  Host client({}, &dialling);
  const auto connection = client.node.dial(running.service->address());
  REQUIRE(run_until({&client}, [&] { return !client.node.dialled.empty(); }));
  CHECK(client.node.dialled.front() == connection);
}

TEST_CASE("an address that cannot be listened on is an error with a sentence") {
  const auto made = host::Service::create({.listen = {"192.0.2.1", 1}}, nullptr);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().find("192.0.2.1:1") != std::string::npos);
}

}  // namespace
}  // namespace trestle::test
