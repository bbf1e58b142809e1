#include "trestle/host/service.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <ev.h>
#include <pthread.h>

#include "trestle/base/flat_map.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/data_folder.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/locked_box.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/storage_thread.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::host {
namespace {

Rng seeded_rng(crypto::Suite& suite) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  suite.random(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return Rng(seed);
}

}  // namespace

struct Service::State {
  State(const ServiceOptions& options, std::unique_ptr<EventLoop> made) : log(options.log) {
    loop = std::move(made);
    ev_async_init(&wake, [](struct ev_loop*, ev_async* fired, int) {
      static_cast<State*>(fired->data)->work_off();
    });
    wake.data = this;
    ev_async_start(loop->loop(), &wake);
  }
  ~State() { ev_async_stop(loop->loop(), &wake); }

  void work_off() {
    std::vector<std::function<void()>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(posted);
    }
    for (const auto& work : taken) work();
  }

  void end() {
    std::vector<std::function<void()>> dropped;
    {
      const std::lock_guard lock(mutex);
      has_ended = true;
      dropped.swap(posted);
    }
    operations.clear();  // their futures report a broken promise
  }

  void on_operation_ended(const node::OperationEnded& ended) {
    auto* promise = operations.find(ended.operation);
    if (promise == nullptr) return;
    promise->set_value(ended);
    operations.erase(ended.operation);
  }

  // Destroyed from the last to the first: the runner before the node and the loop.
  std::optional<DataFolder> folder;
  crypto::Suite suite;
  std::optional<LockedBox<crypto::KeyPair>> keys;
  crypto::Identity identity;
  std::string address;
  Log log;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<node::Node> node;
  std::optional<StorageThread> storage;
  node::Restored restored;  ///< Until the node starts.
  std::unique_ptr<Runner> runner;
  ev_async wake{};
  /// Operations of our own under way. The loop's thread alone touches them.
  FlatMap<node::OperationId, std::promise<node::OperationEnded>> operations;

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  ///< Under the mutex.
  bool has_ended = false;                     ///< Under the mutex.
};

Result<std::unique_ptr<Service>, std::string> Service::create(const ServiceOptions& options,
                                                              const MakeNode& make_node) {
  auto loop = EventLoop::create(options.loop);
  if (!loop) return refuse(std::move(loop.error()));
  auto state = std::make_unique<State>(options, std::move(*loop));
  const auto tell = [&](const LogRecord& news) {
    if (options.runner.hooks.on_log) {
      options.runner.hooks.on_log(news);
    } else {
      state->log.write(steady_now(), news);
    }
  };
  if (options.data_folder.empty()) {
    state->keys.emplace(state->suite.generate());
  } else {
    auto folder = DataFolder::open(options.data_folder);
    if (!folder) return refuse(std::move(folder.error()));
    state->folder.emplace(std::move(*folder));
    auto keys = read_or_create_own_identity(state->suite, state->folder->path(),
                                            options.identity_passphrase_file);
    if (!keys) return refuse(std::move(keys.error()));
    state->keys.emplace(*keys);
    auto memories = read_memories(state->folder->path(), options.storage);
    if (!memories) return refuse(std::move(memories.error()));
    state->storage.emplace(state->loop->loop(), state->folder->path(),
                           std::move(memories->database));
    state->restored = std::move(memories->restored);
    for (const LogRecord& news : memories->news) tell(news);
  }
  if (const std::string& complaint = state->keys->complaint(); !complaint.empty()) {
    tell({LogLevel::warning, "host.settings", ErrorCode::none, {}, complaint});
  }
  state->identity = crypto::identity_of(state->suite, **state->keys);
  auto socket = ListeningSocket::open(options.listen);
  if (!socket) return refuse(std::move(socket.error()));
  const bool has_tls = options.loop.tls != nullptr && options.loop.tls->accepts();
  state->address = options.advertise;
  if (state->address.empty()) {
    state->address = (has_tls ? "wss://" : "ws://") + to_text(socket->address()) + "/";
  }
  state->node = make_node(state->address, state->identity, state->suite, seeded_rng(state->suite));

  RunnerOptions runner = options.runner;
  runner.hooks.on_operation_ended = [raw = state.get(), theirs = runner.hooks.on_operation_ended](
                                        const node::OperationEnded& ended) {
    raw->on_operation_ended(ended);
    if (theirs) theirs(ended);
  };
  state->runner = std::make_unique<Runner>(*state->loop, *state->node, state->suite, **state->keys,
                                           state->log, runner);
  if (state->storage) state->runner->set_storage(*state->storage);
  if (auto started = state->runner->start_threads(); !started) {
    return refuse(std::move(started.error()));
  }
  state->runner->listen(std::move(*socket), has_tls ? Security::tls : Security::plain);
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

const NodeId& Service::id() const { return state_->identity.id; }
const std::string& Service::address() const { return state_->address; }
EventLoop& Service::loop() { return *state_->loop; }
node::Node& Service::node() { return *state_->node; }

void Service::run() {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  state_->runner->start(std::move(state_->restored));
  state_->loop->run();
  state_->end();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Service::stop() {
  post([this] { state_->runner->begin_shutdown(); });
}

void Service::post(std::function<void()> work) {
  const std::lock_guard lock(state_->mutex);
  if (state_->has_ended) return;
  state_->posted.push_back(std::move(work));
  ev_async_send(state_->loop->loop(), &state_->wake);
}

std::future<node::OperationEnded> Service::begin(Begin begin) {
  // Shared, since std::function copies what it holds; the promise is moved out once.
  auto promise = std::make_shared<std::promise<node::OperationEnded>>();
  auto future = promise->get_future();
  post([this, promise, begin = std::move(begin)] {
    const auto operation = begin(*state_->node, steady_now());
    if (operation) {
      state_->operations.insert(*operation, std::move(*promise));
    } else {
      node::OperationEnded refused;
      refused.code = operation.error();
      promise->set_value(std::move(refused));
    }
  });
  return future;
}

std::future<node::OperationEnded> Service::put(std::string key, Bytes value, Duration ttl) {
  return begin([key = std::move(key), value = std::move(value), ttl](
                   node::Node& node, Instant now) { return node.put(now, key, value, ttl); });
}

std::future<node::OperationEnded> Service::put_as(std::string key, Bytes value,
                                                  node::PutOptions options) {
  return begin(
      [key = std::move(key), value = std::move(value), options = std::move(options)](
          node::Node& node, Instant now) { return node.put_as(now, key, value, options); });
}

std::future<node::OperationEnded> Service::get(std::string key, const dht::LookupWish& wish) {
  return begin([key = std::move(key), wish](node::Node& node, Instant now) {
    return node.get_as(now, key, wish);
  });
}

std::future<node::OperationEnded> Service::find(const NodeId& target, const dht::LookupWish& wish) {
  return begin(
      [target, wish](node::Node& node, Instant now) { return node.find_as(now, target, wish); });
}

std::future<node::OperationEnded> Service::refresh(std::string key) {
  return begin(
      [key = std::move(key)](node::Node& node, Instant now) { return node.refresh(now, key); });
}

std::future<node::OperationEnded> Service::remove(std::string key) {
  return begin(
      [key = std::move(key)](node::Node& node, Instant now) { return node.remove(now, key); });
}

std::future<node::Status> Service::status() {
  auto promise = std::make_shared<std::promise<node::Status>>();
  auto future = promise->get_future();
  post([this, promise] { promise->set_value(state_->node->status(steady_now())); });
  return future;
}

}  // namespace trestle::host
