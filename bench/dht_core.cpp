// The DHT's core by itself, without sockets.
//   dht_core closest COUNT ROUNDS   the COUNT nearest of a full table, ROUNDS times: run under
//                                   callgrind with two numbers of rounds, the difference is what
//                                   one question costs
//   dht_core memory CONTACTS        the heap of one whole node that has nothing to do, and of that
//                                   many contacts, which fill its table bucket by bucket; then the
//                                   same after a thousand gets, sixteen at a time, whose answers
//                                   name strangers as well, and a thousand questions of others
// Prints one JSON line.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <malloc.h>

#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace {

std::size_t heap_bytes = 0;

/// As the allocator sees it: the block, not what was asked for.
void* counted(std::size_t bytes) {
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  heap_bytes += malloc_usable_size(memory) + sizeof(std::size_t);
  return memory;
}

void discounted(void* memory) noexcept {
  if (memory != nullptr) heap_bytes -= malloc_usable_size(memory) + sizeof(std::size_t);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { discounted(memory); }
void operator delete[](void* memory) noexcept { discounted(memory); }
void operator delete(void* memory, std::size_t) noexcept { discounted(memory); }
void operator delete[](void* memory, std::size_t) noexcept { discounted(memory); }

namespace {

using namespace trestle;

NodeId random_id(Rng& rng) {
  const std::uint64_t high = rng.next();
  const std::uint64_t middle = rng.next();
  const auto low = static_cast<std::uint32_t>(rng.next());
  return {high, middle, low};
}

wire::Contact contact(Rng& rng) {
  wire::Contact made;
  made.id = random_id(rng);
  made.dialect = wire::Dialect::native;
  made.address = "wss://203.0.113." + std::to_string(1 + rng.below(250)) + ":4001/";
  return made;
}

/// An id that shares exactly `bits` leading bits with `self`.
NodeId random_id_at(Rng& rng, const NodeId& self, unsigned bits) {
  NodeId id = random_id(rng);
  for (unsigned bit = 0; bit <= bits; ++bit) {
    const bool wanted = bit == bits ? !self.bit(bit) : self.bit(bit);
    if (id.bit(bit) != wanted) id = id.with_bit_flipped(bit);
  }
  return id;
}

int closest(std::size_t count, std::uint64_t rounds) {
  constexpr std::size_t kOffered = 20'000;
  constexpr std::size_t kTargets = 1024;
  Rng rng(1);
  dht::RoutingTable table(random_id(rng), {});
  for (std::size_t offered = 0; offered < kOffered; ++offered) table.on_connected({}, contact(rng));
  std::vector<NodeId> targets;
  while (targets.size() < kTargets) targets.push_back(random_id(rng));
  std::vector<dht::PeerIndex> found(count);
  std::uint64_t total = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    total += table.closest(targets[round % kTargets], {}, found);
  }
  std::printf("{\"answered\": %llu, \"peers\": %zu, \"total\": %llu}\n",
              static_cast<unsigned long long>(rounds), table.size(),
              static_cast<unsigned long long>(total));
  return 0;
}

/// Everybody around a machine: answers each of its questions with contacts, known ones and
/// strangers. Drains after every call, as drivers do.
class Crowd {
 public:
  Crowd(dht::Dht& machine, Rng& rng, wire::Contacts known)
      : machine_(machine), rng_(rng), known_(std::move(known)) {
    constexpr std::size_t kStrangers = 1'000;
    for (std::size_t made = 0; made < kStrangers; ++made) known_.push_back(contact(rng));
  }

  void get(const std::string& key) {
    now_ += std::chrono::milliseconds(100);
    if (!machine_.get(now_, key)) std::abort();
    drain();
  }
  void ask(std::size_t number) {
    machine_.on_request(now_, known_.front().id, {number}, wire::FindNodeRequest{random_id(rng_)});
    drain();
  }
  /// Lets time pass until nothing is under way.
  void settle() {
    answer_all();
    while (machine_.stats().operations > 0) {
      now_ = std::max(now_, machine_.next_deadline());
      machine_.on_deadline(now_);
      drain();
      answer_all();
    }
  }

 private:
  void drain() {
    while (auto effect = machine_.poll_effect()) {
      if (const auto* ask = std::get_if<dht::Ask>(&*effect)) asked_.push_back(ask->ask);
    }
  }
  void answer_all() {
    for (; !asked_.empty(); asked_.pop_front()) {
      wire::FindValueResponse answer;
      for (int count = 0; count < 20; ++count) {
        answer.contacts.push_back(known_[rng_.below(known_.size())]);
      }
      now_ += std::chrono::microseconds(100);
      machine_.on_answer(now_, asked_.front(), answer);
      drain();
    }
  }

  dht::Dht& machine_;
  Rng& rng_;
  wire::Contacts known_;
  Instant now_{};
  std::deque<dht::AskId> asked_;
};

/// A thousand gets and as many questions of others. Everything has ended when it returns.
void load(dht::Dht& machine, Rng& rng, const wire::Contacts& known) {
  constexpr std::size_t kRounds = 1'000;
  constexpr std::size_t kGetsAtOnce = 16;
  Crowd crowd(machine, rng, known);
  crowd.settle();  // the look-up of ourselves, which nobody has answered so far
  for (std::size_t round = 0; round < kRounds; ++round) {
    crowd.get("key/" + std::to_string(round));
    crowd.ask(round);
    if (round % kGetsAtOnce == 0) crowd.settle();
  }
  crowd.settle();
}

/// That many contacts, which fill the buckets of this table one after the other.
wire::Contacts contacts_for(Rng& rng, const NodeId& self, std::size_t count) {
  wire::Contacts made;
  for (std::size_t index = 0; index < count; ++index) {
    made.push_back(contact(rng));
    const auto bucket = static_cast<unsigned>(index / dht::RoutingTableOptions{}.bucket_peers_max);
    made.back().id = random_id_at(rng, self, bucket);
  }
  return made;
}

/// They were linked once.
void fill(dht::Dht& machine, const wire::Contacts& known) {
  for (const wire::Contact& peer : known) {
    machine.on_link_up({}, peer);
    machine.on_link_down({}, peer.id);
    while (machine.poll_effect()) {
    }
  }
}

int memory(std::size_t contacts) {
  Rng rng(1);
  auto suite = std::make_unique<crypto::Suite>(1);
  const crypto::KeyPair keys = suite->generate();
  const crypto::Identity identity{keys.key, crypto::node_id_of(*suite, keys.key)};
  node::NodeOptions options;
  options.common.address = "wss://203.0.113.1:4001/";
  const std::size_t before_node = heap_bytes;
  auto node = std::make_unique<node::DhtNode>(options, identity, *suite, Rng(2));
  const std::size_t node_bytes = heap_bytes - before_node;

  wire::Contact self;
  self.id = identity.id;
  const wire::Contacts known = contacts_for(rng, self.id, contacts);
  dht::Dht idle(self, {}, *suite, Rng(3));
  const std::size_t before_contacts = heap_bytes;
  fill(idle, known);
  idle.close({});
  const std::size_t contacts_bytes = heap_bytes - before_contacts;

  dht::Dht loaded(self, {}, *suite, Rng(3));
  const std::size_t before_load = heap_bytes;
  fill(loaded, known);
  load(loaded, rng, known);
  const std::size_t loaded_bytes = heap_bytes - before_load;
  std::printf(
      "{\"node_bytes\": %zu, \"contacts\": %zu, \"contacts_bytes\": %zu, \"loaded_bytes\": "
      "%zu}\n",
      node_bytes, loaded.table().size(), contacts_bytes, loaded_bytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "closest") == 0) {
    return closest(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  }
  if (argc == 3 && std::strcmp(argv[1], "memory") == 0) {
    return memory(std::strtoull(argv[2], nullptr, 10));
  }
  std::fputs("usage: dht_core closest COUNT ROUNDS | dht_core memory CONTACTS\n", stderr);
  return 2;
}
