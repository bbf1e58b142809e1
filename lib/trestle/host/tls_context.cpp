#include "trestle/host/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "trestle/host/tls_material.hpp"

namespace trestle::host {
namespace {

/// TLS 1.2: ephemeral keys and authenticated encryption only. 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

}  // namespace

void keep_to_modern(ssl_ctx_st* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection holds no record buffers (34 KB); libwebsockets may move what it writes
  // again.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

std::optional<std::string> show_identity(ssl_ctx_st* context, const TlsMaterial& material) {
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

}  // namespace trestle::host
