// T23: nothing that the programs do may depend on what a secret is, except for whether it was
// shown. Run under valgrind, which follows what is undefined through memory: the secrets are marked
// undefined, and every jump and every address that depends on one is an error there.
//
// What says yes or no about a secret is public, so the outcome of a comparison is marked defined.
// Each path is walked twice: as it is, and with a comparison that ends at the first difference in
// the place of ours (or of OpenSSL's, where that one compares). The second walk must be noticed,
// else the secret does not come where it is thought to come, and silence would mean nothing.
//
// One line a path: its name, whether it tells right from wrong, the errors of both walks.
// tests/taint/taint_test.py reads them.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/evp.h>
#include <valgrind/memcheck.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/sealed_value.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/admin_gate.hpp"
#include "trestle/host/sealed_key.hpp"
#include "trestle/link/handshake.hpp"
#include "trestle/link/legacy_dialect.hpp"
#include "trestle/node/bootstrap/legacy_bridges.hpp"
#include "trestle/wire/legacy/frame.hpp"

namespace trestle::taint {
namespace {

enum class Comparison : std::uint8_t { as_it_is, early_end };
Comparison comparison = Comparison::as_it_is;

void hide(ByteSpan secret) { VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size()); }
void reveal(ByteSpan bytes) { VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

template <typename Value>
Value revealed(Value value) {
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
  return value;
}

/// What nobody should write.
bool equal_until_the_first_difference(ByteSpan left, ByteSpan right) {
  if (left.size() != right.size()) return false;
  for (std::size_t index = 0; index < left.size(); ++index) {
    if (left[index] != right[index]) return false;
  }
  return true;
}

}  // namespace
}  // namespace trestle::taint

// The linker (--wrap) leads every call of these two here; `real` is what was meant.
#define EQUAL_IN_CONSTANT_TIME \
  "_ZN7trestle6crypto22equal_in_constant_timeESt4spanIKhLm18446744073709551615EES3_"
bool real_equal(trestle::ByteSpan, trestle::ByteSpan) __asm__("__real_" EQUAL_IN_CONSTANT_TIME);
bool wrapped_equal(trestle::ByteSpan, trestle::ByteSpan) __asm__("__wrap_" EQUAL_IN_CONSTANT_TIME);

bool wrapped_equal(trestle::ByteSpan left, trestle::ByteSpan right) {
  using namespace trestle::taint;
  if (comparison == Comparison::early_end) return equal_until_the_first_difference(left, right);
  return revealed(real_equal(left, right));
}

extern "C" {

int __real_EVP_PBE_scrypt(const char*, std::size_t, const unsigned char*, std::size_t,
                          std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                          unsigned char*, std::size_t);

/// scrypt looks into its memory at places that depend on the passphrase: that is what makes it dear
/// (RFC 7914, section 1). So it is left out, and what comes out of it is a secret again.
int __wrap_EVP_PBE_scrypt(const char* phrase, std::size_t phrase_bytes, const unsigned char* salt,
                          std::size_t salt_bytes, std::uint64_t n, std::uint64_t r, std::uint64_t p,
                          std::uint64_t memory_max, unsigned char* key, std::size_t key_bytes) {
  VALGRIND_MAKE_MEM_DEFINED(phrase, phrase_bytes);
  const int outcome = __real_EVP_PBE_scrypt(phrase, phrase_bytes, salt, salt_bytes, n, r, p,
                                            memory_max, key, key_bytes);
  VALGRIND_MAKE_MEM_UNDEFINED(key, key_bytes);
  return outcome;
}

/// OpenSSL compares tags with this. It is called inside its library, where only valgrind can come
/// between.
int I_WRAP_SONAME_FNNAME_ZU(libcryptoZdsoZd3, CRYPTO_memcmp)(const std::uint8_t* left,
                                                             const std::uint8_t* right,
                                                             std::size_t bytes) {
  using namespace trestle;
  OrigFn original;
  VALGRIND_GET_ORIG_FN(original);
  if (taint::comparison == taint::Comparison::early_end) {
    return taint::equal_until_the_first_difference({left, bytes}, {right, bytes}) ? 0 : 1;
  }
  int differ = 0;
  CALL_FN_W_WWW(differ, original, left, right, bytes);
  return taint::revealed(differ);
}

}  // extern "C"

namespace trestle::taint {
namespace {

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOther = "0123456789abcdef0123456789abcdeF";

Bytes hidden(std::string_view text) {
  Bytes secret = to_bytes(as_bytes(text));
  hide(secret);
  return secret;
}

// ---- the paths; each is true if it told the right secret from a wrong one

bool comparing() {
  const Bytes secret = hidden(kSecret);
  return crypto::equal_in_constant_time(as_bytes(kSecret), secret) &&
         !crypto::equal_in_constant_time(as_bytes(kOther), secret);
}

bool passes_admin_gate(std::string authorization) {
  host::HttpRequest request;
  request.authorization = std::move(authorization);
  return !host::AdminGate(hidden(kSecret)).turn_away(request).has_value();
}

bool admin_bearer() {
  return passes_admin_gate("Bearer " + std::string(kSecret)) &&
         !passes_admin_gate("Bearer " + std::string(kOther));
}

bool admin_password() {
  // admin:0123456789abcdef0123456789abcdef, and the same with another end.
  return passes_admin_gate("Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=") &&
         !passes_admin_gate("Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZUY=");
}

struct Peer {
  Peer(crypto::Suite& suite, wire::Role role, std::string_view secret) : pair(suite.generate()) {
    local.identity = {pair.key, crypto::node_id_of(suite, pair.key)};
    local.role = role;
    local.network = "test";
    local.bridge_secret = hidden(secret);
  }

  crypto::KeyPair pair;
  link::LocalPeer local;
};

/// Carries what one side of a handshake orders to the other; true once it is complete.
bool perform(crypto::Suite& suite, const Peer& peer, link::Handshake& from, link::Handshake& to) {
  bool is_complete = false;
  while (auto effect = from.poll_effect()) {
    if (auto* send = std::get_if<link::Handshake::Send>(&*effect)) {
      // What is sent is no secret any more.
      if (auto* prove = std::get_if<wire::Prove>(&send->message)) reveal(prove->secret_proof);
      if (auto* ready = std::get_if<wire::Ready>(&send->message)) reveal(ready->secret_proof);
      to.on_message(send->message);
    } else if (const auto* sign = std::get_if<link::Handshake::SignTranscript>(&*effect)) {
      from.on_signed(suite.sign(peer.pair, sign->message));
    } else if (const auto* asked = std::get_if<link::Handshake::VerifyTranscript>(&*effect)) {
      from.on_verified(suite.verify(asked->key, asked->message, asked->signature));
    } else if (std::holds_alternative<link::Handshake::Completed>(*effect)) {
      is_complete = true;
    }
  }
  return is_complete;
}

/// Who of a bootstrap node and a bridge ended with an open link.
std::pair<bool, bool> shake_hands(std::string_view secret_of_bootstrap) {
  crypto::Suite suite;
  const Peer bootstrap(suite, wire::Role::bootstrap, secret_of_bootstrap);
  const Peer bridge(suite, wire::Role::bridge, kSecret);
  link::Handshake dials(crypto::Side::dialler, bootstrap.local, suite, "ws://bridge");
  link::Handshake accepts(crypto::Side::acceptor, bridge.local, suite, {});
  dials.start();
  std::pair<bool, bool> is_open{false, false};
  for (int turn = 0; turn < 4; ++turn) {
    is_open.first = perform(suite, bootstrap, dials, accepts) || is_open.first;
    is_open.second = perform(suite, bridge, accepts, dials) || is_open.second;
  }
  return is_open;
}

bool bridge_secret() {
  return shake_hands(kSecret) == std::pair(true, true) &&
         shake_hands(kOther) == std::pair(false, false);
}

/// The bridge's answer is not the one of this secret.
bool bridge_secret_answered() {
  crypto::Suite suite;
  const Peer bootstrap(suite, wire::Role::bootstrap, kSecret);
  const Peer bridge(suite, wire::Role::bridge, kSecret);
  link::Handshake dials(crypto::Side::dialler, bootstrap.local, suite, "ws://bridge");
  link::Handshake accepts(crypto::Side::acceptor, bridge.local, suite, {});
  dials.start();
  perform(suite, bootstrap, dials, accepts);
  perform(suite, bridge, accepts, dials);
  perform(suite, bootstrap, dials, accepts);
  dials.on_message(wire::Ready{true, {}});
  return !perform(suite, bootstrap, dials, accepts);
}

link::LocalPeer with_old_secret(wire::Role role) {
  link::LocalPeer local;
  local.role = role;
  local.legacy_bridge_secret = hidden(kSecret);
  return local;
}

bool shows_old_secret(std::string_view token) {
  const link::LocalPeer local = with_old_secret(wire::Role::bridge);
  wire::legacy::BootstrapAuth shown;
  shown.auth_token = std::string(token);
  const auto reading =
      link::LegacyDialect(local).read(wire::legacy::box(wire::legacy::Frame(std::move(shown))));
  return std::get<link::LegacyDialect::BootstrapShown>(reading).shows_secret;
}

bool old_secret_at_bridge() { return shows_old_secret(kSecret) && !shows_old_secret(kOther); }

bool registers_as_bridge(std::string_view token) {
  const link::LocalPeer local = with_old_secret(wire::Role::bootstrap);
  node::LegacyBridges bridges({}, local);
  const link::ConnectionId connection{link::ConnectionOwner::node, 1};
  wire::Contact contact;
  contact.role = wire::Role::bridge;
  wire::legacy::RawJson metadata;
  metadata.json = R"({"bridgeAuthToken":")" + std::string(token) + R"("})";
  bridges.on_registered(Instant(std::chrono::seconds(1)), connection, contact, metadata);
  return bridges.contains(connection);
}

bool old_secret_at_bootstrap() {
  return registers_as_bridge(kSecret) && !registers_as_bridge(kOther);
}

const crypto::ValuePlace kPlace{.network = "test", .key = "key", .author = {}, .version = 1};

/// A value opens, and does not once a bit of its tag is another.
bool opens(crypto::Suite& suite, const crypto::Keyring& keys, Bytes value) {
  crypto::Sealer sealer;
  const auto opened = crypto::open_value(suite, sealer, keys, kPlace, value);
  if (!opened) return false;
  reveal(opened->plain);
  if (as_text(opened->plain) != "a value") return false;
  value.back() ^= 1;
  return !crypto::open_value(suite, sealer, keys, kPlace, value).has_value();
}

bool value_for_network() {
  crypto::Suite suite;
  crypto::Sealer sealer;
  crypto::Keyring keys;
  keys.network.renew(suite);
  const crypto::NetworkKey& key = keys.network.current();
  const Bytes value =
      crypto::seal_for_network(suite, sealer, key, kPlace, as_bytes(std::string_view("a value")));
  hide(key.secret.bytes());
  return opens(suite, keys, value);
}

bool value_for_readers() {
  crypto::Suite suite;
  crypto::Sealer sealer;
  crypto::X25519Secret secret;
  suite.random(secret.writable());
  crypto::Keyring keys;
  keys.own = crypto::SealingSecrets{crypto::x25519_pair(secret), {}};
  const auto value = crypto::seal_for_readers(suite, sealer, {&keys.own->pair.key, 1}, kPlace,
                                              as_bytes(std::string_view("a value")));
  hide(keys.own->pair.secret.bytes());
  return value && opens(suite, keys, *value);
}

/// As host::seal_key writes it, with costs that valgrind can bear.
Bytes sealed_identity(crypto::Suite& suite, const crypto::PrivateKey& identity) {
  Bytes bytes{host::kSealedKeyVersion, 4, 1, 1};
  bytes.resize(bytes.size() + 16, 0x5a);
  crypto::SealKey key;
  constexpr std::uint64_t kMemoryMax = std::uint64_t{1} << 20;
  const int is_derived =
      EVP_PBE_scrypt(kSecret.data(), kSecret.size(), bytes.data() + 4, 16, 16, 1, 1, kMemoryMax,
                     key.writable().data(), key.writable().size());
  TRESTLE_ASSERT(is_derived == 1);
  reveal(key.bytes());
  crypto::Sealer sealer;
  append(bytes,
         crypto::seal(suite, sealer, key, "trestle identity file v2", bytes, identity.bytes()));
  return bytes;
}

bool identity_under_passphrase() {
  crypto::Suite suite;
  const crypto::PrivateKey identity = suite.generate().secret;
  const Bytes sealed = sealed_identity(suite, identity);
  const auto opened = host::open_key(sealed, host::Passphrase(hidden(kSecret)));
  const auto refused = host::open_key(sealed, host::Passphrase(hidden(kOther)));
  if (!opened || refused) return false;
  reveal(opened->bytes());
  return equal_until_the_first_difference(opened->bytes(), identity.bytes());
}

struct Path {
  const char* name;
  bool (*walk)();
};

constexpr Path kPaths[] = {
    {"comparing", comparing},
    {"admin bearer", admin_bearer},
    {"admin password", admin_password},
    {"bridge secret", bridge_secret},
    {"bridge secret answered", bridge_secret_answered},
    {"old secret at a bridge", old_secret_at_bridge},
    {"old secret at a bootstrap node", old_secret_at_bootstrap},
    {"value for the network", value_for_network},
    {"value for readers", value_for_readers},
    {"identity under a passphrase", identity_under_passphrase},
};

struct Walk {
  bool tells_apart = false;
  unsigned long errors = 0;
};

Walk walk(const Path& path, Comparison with) {
  comparison = with;
  const unsigned long before = VALGRIND_COUNT_ERRORS;
  const bool tells_apart = path.walk();
  return {tells_apart, VALGRIND_COUNT_ERRORS - before};
}

int walk_all() {
  if (RUNNING_ON_VALGRIND == 0) {
    std::fputs("taint_probe: says nothing without valgrind\n", stderr);
    return 2;
  }
  for (const Path& path : kPaths) {
    const Walk real = walk(path, Comparison::as_it_is);
    const Walk early = walk(path, Comparison::early_end);
    std::printf("%s\t%s\t%lu\t%lu\n", path.name,
                real.tells_apart && early.tells_apart ? "right" : "wrong", real.errors,
                early.errors);
  }
  return 0;
}

}  // namespace
}  // namespace trestle::taint

int main() { return trestle::taint::walk_all(); }
