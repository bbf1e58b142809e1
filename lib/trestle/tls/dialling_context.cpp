#include "trestle/tls/dialling_context.hpp"

#include <openssl/ssl.h>

#include "trestle/base/assertion.hpp"

namespace trestle::tls {

struct DiallingContext::Trail {
  std::string peer;
  /// Of the issuers it is verified under.
  std::uint64_t trust_generation = 0;
};

void DiallingContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

int DiallingContext::trail_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* trail, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Trail*>(trail);
      });
  return index;
}

int DiallingContext::self_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

DiallingContext::DiallingContext(const Material& material, Verification verification)
    : context_(SSL_CTX_new(TLS_client_method())) {
  TRESTLE_ASSERT(context_ != nullptr);
  SSL_CTX* context = context_.get();
  prepare_dialling(context, material, verification);
  speak_http(context);
  SSL_CTX_set_ex_data(context, self_index(), this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
}

DiallingContext::~DiallingContext() = default;

void DiallingContext::trust_others(const Material& material) {
  trust(context_.get(), material);
  sessions_.clear();
  ++trust_generation_;
}

void DiallingContext::begin(ssl_st* connection, const std::string& peer) {
  auto trail = std::make_unique<Trail>(Trail{peer, trust_generation_});
  if (const Sessions::Session session = sessions_.find(peer)) {
    SSL_set_session(connection, session.get());
  }
  SSL_set_ex_data(connection, trail_index(), trail.release());
}

int DiallingContext::on_session(ssl_st* connection, ssl_session_st* session) {
  constexpr int kNotTaken = 0;  // The reference stays with OpenSSL.
  if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) return kNotTaken;
  auto* self =
      static_cast<DiallingContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), self_index()));
  const auto* trail = static_cast<const Trail*>(SSL_get_ex_data(connection, trail_index()));
  // Tickets may come at any time while a connection stands, and it may have been verified under
  // issuers that are trusted no more.
  if (trail != nullptr && trail->trust_generation == self->trust_generation_) {
    self->sessions_.keep(trail->peer, session);
  }
  return kNotTaken;
}

}  // namespace trestle::tls
