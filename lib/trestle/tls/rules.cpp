#include "trestle/tls/rules.hpp"

#include <array>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "trestle/base/assertion.hpp"

namespace trestle::tls {
namespace {

/// TLS 1.2: ephemeral keys and authenticated encryption only. 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// One ticket a handshake: the newest serves every later connection to the same peer.
constexpr std::size_t kTickets = 1;
/// The size of OpenSSL's own ticket keys.
constexpr std::size_t kTicketKeyBytes = 80;
/// As ALPN has it: a length and a name. Upgrades to WebSocket exist in HTTP/1.1.
constexpr unsigned char kProtocols[] = "\x8http/1.1";
constexpr unsigned kProtocolsBytes = sizeof kProtocols - 1;

/// In place of libwebsockets' own callback, which tolerates some certificates by flags.
int verify_fully(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_verify_cb(chain, [](int is_good, X509_STORE_CTX*) { return is_good; });
  return X509_verify_cert(chain);
}

int verify_nothing(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

/// Called once the version is known, whatever name was asked for; we show one certificate for every
/// name.
///
/// A ticket of TLS 1.2 is the session's secret under the ticket key, and resuming it exchanges no
/// new keys: who steals that key can read what was recorded. Those of TLS 1.3 resume with a fresh
/// exchange.
int choose_ticket(SSL* connection, int*, void*) {
  if (SSL_version(connection) < TLS1_3_VERSION) SSL_set_options(connection, SSL_OP_NO_TICKET);
  return SSL_TLSEXT_ERR_OK;
}

/// RFC 7301, section 3.2: who offers other protocols only is refused.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, bytes, kProtocols, kProtocolsBytes, offered, offered_bytes) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void keep_to_modern(ssl_ctx_st* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection holds no record buffers (34 KB); libwebsockets may move what it writes
  // again.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void speak_http(ssl_ctx_st* context) {
  SSL_CTX_set_alpn_protos(context, kProtocols, kProtocolsBytes);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

std::optional<std::string> show_identity(ssl_ctx_st* context, const Material& material) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const auto& link : material.chain) sk_X509_push(chain, link.get());
  constexpr int kReplace = 1;
  const int is_shown = SSL_CTX_use_cert_and_key(context, material.certificate.get(),
                                                material.key.get(), chain, kReplace);
  sk_X509_free(chain);
  if (is_shown == 1) return std::nullopt;
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string sentence = "it cannot be used: ";
  sentence += reason == nullptr ? "unknown reason" : reason;
  ERR_clear_error();
  return sentence;
}

void prepare_accepting(ssl_ctx_st* context, const Material& material) {
  keep_to_modern(context);
  SSL_CTX_set_tlsext_servername_callback(context, choose_ticket);
  // Tickets carry the session, so that we keep nothing for strangers.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTickets);
  renew_accepting(context, material);
}

void renew_accepting(ssl_ctx_st* context, const Material& material) {
  const auto refusal = show_identity(context, material);
  TRESTLE_ASSERT(!refusal);  // Whoever read the files has tried it.
  std::array<unsigned char, kTicketKeyBytes> keys{};
  if (RAND_bytes(keys.data(), keys.size()) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size());
  }
  OPENSSL_cleanse(keys.data(), keys.size());
}

void prepare_dialling(ssl_ctx_st* context, const Material& material, Verification verification) {
  keep_to_modern(context);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);  // of TLS 1.2, see `choose_ticket`
  SSL_CTX_set_cert_verify_callback(
      context, verification == Verification::full ? verify_fully : verify_nothing, nullptr);
  trust(context, material);
}

void trust(ssl_ctx_st* context, const Material& material) {
  if (material.trusted != nullptr) {
    SSL_CTX_set1_cert_store(context, material.trusted.get());
    return;
  }
  X509_STORE* system = X509_STORE_new();
  X509_STORE_set_default_paths(system);
  SSL_CTX_set_cert_store(context, system);  // Takes it.
}

}  // namespace trestle::tls
