// The request path without sockets: bridge set, multiplexer and channel on one side, channel and
// desk on the other, frames handed over in memory. `core_path REQUESTS` prints one JSON line; run
// under callgrind with two different numbers, the difference is what one request costs.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "asker_side.hpp"
#include "bridge_side.hpp"
#include "messages.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/wire/native/codec.hpp"

namespace {

std::uint64_t allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace trestle;

/// One end of the connection, with its keys and the frames on their way to it.
struct End {
  End(std::uint64_t seed, wire::Role role) : suite(seed), keys(suite.generate()) {
    local.identity = {keys.key, crypto::node_id_of(suite, keys.key)};
    local.role = role;
    local.network = "bench";
    local.address = role == wire::Role::bridge ? "ws://bridge.example.org" : "";
    local.bridge_secret = to_bytes(as_bytes("secret"));
  }

  crypto::Suite suite;
  crypto::KeyPair keys;
  link::LocalPeer local;
  std::unique_ptr<node::Node> node;
  link::ConnectionId connection;
  std::vector<Bytes> inbox;
  std::uint64_t frames = 0;
};

/// Performs what a node ordered; frames go into the other end's inbox.
void drain(Instant now, End& end, End& other) {
  while (auto effect = end.node->poll_effect(now)) {
    if (auto* send = std::get_if<link::SendFrame>(&*effect)) {
      other.inbox.push_back(std::move(send->bytes));
      ++end.frames;
    } else if (const auto* dial = std::get_if<link::Dial>(&*effect)) {
      end.connection = dial->connection;
      other.connection = other.node->on_accepted(now, {"127.0.0.1"});
      end.node->on_dialled(now, dial->connection);
    } else if (const auto* sign = std::get_if<link::Sign>(&*effect)) {
      end.node->on_signed(now, sign->connection, sign->ticket,
                          end.suite.sign(end.keys, sign->message));
    } else if (const auto* verify = std::get_if<link::Verify>(&*effect)) {
      const bool is_valid = end.suite.verify(verify->key, verify->message, verify->signature);
      end.node->on_verified(now, verify->connection, verify->ticket, is_valid);
    }
  }
}

void deliver(Instant now, End& end, End& other) {
  for (const Bytes& frame : end.inbox) {
    other.node->on_drained(now, other.connection, frame.size());
    end.node->on_frame(now, end.connection, link::FrameKind::binary, frame);
  }
  end.inbox.clear();
}

/// What the messages themselves allocate: made, decoded by the bridge, answered out of its table,
/// decoded by the asker. Everything above this number is the machinery's.
std::uint64_t body_allocations() {
  const wire::native::Limits limits;
  wire::Contacts known;
  for (std::uint64_t number = 1; number <= bench::kContactsWanted; ++number) {
    known.push_back(bench::member(number));
  }
  const wire::Envelope request{{1}, bench::introduce_request(1)};
  const wire::Envelope response{{1}, wire::IntroduceResponse{.members = known, .alternatives = {}}};
  Bytes request_frame;
  Bytes response_frame;
  wire::native::append_record(request_frame, request);
  wire::native::append_record(response_frame, response);

  const std::uint64_t before = allocations;
  {
    const wire::IntroduceRequest made = bench::introduce_request(2);
    const auto decoded_request = wire::native::FrameReader(request_frame, limits).next();
    const wire::Contacts named = known;
    const auto decoded_response = wire::native::FrameReader(response_frame, limits).next();
  }
  return allocations - before;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: core_path REQUESTS\n", stderr);
    return 2;
  }
  const std::uint64_t wanted = std::strtoull(argv[1], nullptr, 10);
  constexpr std::uint64_t kWarmUp = 2000;

  End bridge(1, wire::Role::bridge);
  End bootstrap(2, wire::Role::bootstrap);
  bench::BridgeSideOptions bridge_options;
  bridge_options.desk.heard_fresh = std::chrono::hours(24);
  bridge.node =
      std::make_unique<bench::BridgeSide>(bridge_options, bridge.local, bridge.suite, Rng(3));
  bench::AskerSideOptions options;
  options.bridges.bridges = {{{"ws://bridge.example.org"}}};
  options.keeps_times = false;
  auto asker =
      std::make_unique<bench::AskerSide>(options, bootstrap.local, bootstrap.suite, Rng(4));
  bench::AskerSide& counts = *asker;
  bootstrap.node = std::move(asker);

  Instant now{std::chrono::seconds(1)};
  bridge.node->start(now);
  bootstrap.node->start(now);
  const auto run_until = [&](std::uint64_t answers) {
    while (counts.answered() < answers && counts.failed() == 0) {
      now += std::chrono::microseconds(100);
      drain(now, bootstrap, bridge);
      deliver(now, bridge, bootstrap);
      drain(now, bridge, bootstrap);
      deliver(now, bootstrap, bridge);
      if (bootstrap.node->next_deadline() <= now) bootstrap.node->on_deadline(now);
      if (bridge.node->next_deadline() <= now) bridge.node->on_deadline(now);
    }
  };
  run_until(kWarmUp);
  counts.begin_counting();
  const std::uint64_t allocations_before = allocations;
  const std::uint64_t frames_before = bootstrap.frames + bridge.frames;
  run_until(wanted);
  const std::uint64_t allocated = allocations - allocations_before;
  const std::uint64_t frames = bootstrap.frames + bridge.frames - frames_before;

  const auto answered = static_cast<double>(counts.answered());
  std::printf(
      "{\"answered\": %llu, \"failed\": %llu, \"allocations\": %.3f, \"body_allocations\": %llu, "
      "\"frames\": %.4f}\n",
      static_cast<unsigned long long>(counts.answered()),
      static_cast<unsigned long long>(counts.failed()), static_cast<double>(allocated) / answered,
      static_cast<unsigned long long>(body_allocations()), static_cast<double>(frames) / answered);
  return counts.failed() == 0 ? 0 : 1;
}
