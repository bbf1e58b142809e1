#include <cstdlib>
#include <memory>
#include <vector>

#include <malloc.h>
#include <openssl/crypto.h>

#include "catch.hpp"
#include "heap_count.hpp"
#include "party.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

/// What OpenSSL holds. It must be told before it asks for anything.
std::size_t openssl_bytes = 0;

void* take(std::size_t bytes, const char*, int) {
  void* memory = std::malloc(bytes);
  if (memory != nullptr) openssl_bytes += malloc_usable_size(memory);
  return memory;
}
void give_back(void* memory, const char*, int) {
  if (memory != nullptr) openssl_bytes -= malloc_usable_size(memory);
  std::free(memory);
}
void* take_again(void* memory, std::size_t bytes, const char*, int) {
  if (memory != nullptr) openssl_bytes -= malloc_usable_size(memory);
  void* moved = std::realloc(memory, bytes);
  if (moved != nullptr) openssl_bytes += malloc_usable_size(moved);
  return moved;
}

const bool is_counted = CRYPTO_set_mem_functions(take, take_again, give_back) == 1;

std::size_t bytes_live() { return openssl_bytes + heap_count().bytes_live; }

/// An engine alone, without what a test keeps beside it.
using Engines = std::vector<std::unique_ptr<tls::Engine>>;

void pass(tls::Engine& from, tls::Engine& to) {
  std::uint8_t room[20000];
  to.receive(from.ciphertext());
  while (!to.plaintext(room).empty()) {
  }
  from.consume(from.ciphertext().size());
}

}  // namespace

TEST_CASE("an idle connection holds no buffer") {
  REQUIRE(is_counted);
  Contexts contexts;
  REQUIRE(Connection(contexts).open());  // What is fetched once.
  constexpr std::size_t kConnections = 20;
  Engines dialling;
  Engines accepting;
  for (std::size_t count = 0; count < kConnections; ++count) {
    dialling.push_back(std::make_unique<tls::Engine>(contexts.dialling, contexts.here));
    accepting.push_back(std::make_unique<tls::Engine>(contexts.accepting));
    for (int turn = 0; turn < 3; ++turn) {
      pass(*dialling[count], *accepting[count]);
      pass(*accepting[count], *dialling[count]);
    }
    REQUIRE(dialling[count]->state() == tls::State::open);
    REQUIRE(accepting[count]->state() == tls::State::open);
  }
  const Bytes much(100000, 'x');
  const std::size_t opened = bytes_live();
  for (std::size_t count = 0; count < kConnections; ++count) {
    dialling[count]->send(much);
    accepting[count]->send(much);
    pass(*dialling[count], *accepting[count]);
    pass(*accepting[count], *dialling[count]);
  }
  const std::size_t both = bytes_live();
  CHECK(both <= opened);  // What was needed for data has been given back.
  accepting.clear();
  const std::size_t dialling_alone = bytes_live();
  dialling.clear();
  const std::size_t accepting_bytes = (both - dialling_alone) / kConnections;
  const std::size_t dialling_bytes = (dialling_alone - bytes_live()) / kConnections;
  INFO("a connection accepted: " << accepting_bytes << ", dialled: " << dialling_bytes);
  CHECK(accepting_bytes < 16 * 1024);
  CHECK(dialling_bytes < 18 * 1024);
}
