#include "trestle/host/tls.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "trestle/base/assertion.hpp"
#include "trestle/host/tls_context.hpp"

namespace trestle::host {
namespace {

/// One ticket a handshake: the newest serves every later connection to the same peer.
constexpr std::size_t kTickets = 1;
/// The size of OpenSSL's own ticket keys.
constexpr std::size_t kTicketKeyBytes = 80;

}  // namespace

struct Tls::Trail {
  std::string peer;  ///< `name:port`, the key of its session.
  /// Of the issuers it is verified under.
  std::uint64_t trust_generation = 0;
  int alert = 0;  ///< The last fatal one, sent or received.
};

namespace {

int trail_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* trail, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Tls::Trail*>(trail);
      });
  return index;
}

Tls::Trail* trail_of(const SSL* connection) {
  return static_cast<Tls::Trail*>(SSL_get_ex_data(connection, trail_index()));
}

int tls_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

Tls* tls_of(const SSL* connection) {
  return static_cast<Tls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), tls_index()));
}

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool is_v6 = false;
};

Endpoint far_end(const SSL* connection) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (getpeername(SSL_get_fd(connection), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
    return {};
  }
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port), false};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return {text, ntohs(v6.sin6_port), !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)};
}

bool is_literal(const char* name) {
  in_addr v4{};
  return inet_pton(AF_INET, name, &v4) == 1;
}

std::string words_of(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "certificate expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "certificate not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "name mismatch: the certificate was issued for another name";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "unknown issuer: the certificate was not issued by anybody who is trusted here";
    default:
      return std::string("certificate refused: ") + X509_verify_cert_error_string(verdict);
  }
}

/// In place of libwebsockets' own callback, which tolerates some certificates by flags.
int verify_fully(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_verify_cb(chain, [](int is_good, X509_STORE_CTX*) { return is_good; });
  return X509_verify_cert(chain);
}

int verify_nothing(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

/// Takes the place of libwebsockets' callback, which looks for a virtual host by the asked name: we
/// show one certificate for every name. Called once the version is known, asked name or not.
///
/// A ticket of TLS 1.2 is the session's secret under the ticket key, and resuming it exchanges no
/// new keys: who steals that key can read what was recorded. Those of TLS 1.3 resume with a fresh
/// exchange.
int choose_ticket(SSL* connection, int*, void*) {
  if (SSL_version(connection) < TLS1_3_VERSION) SSL_set_options(connection, SSL_OP_NO_TICKET);
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void Tls::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Tls::Tls(TlsMaterial material, TlsVerification verification)
    : material_(std::move(material)), dialling_(SSL_CTX_new(TLS_client_method())) {
  TRESTLE_ASSERT(dialling_ != nullptr);
  SSL_CTX* context = dialling_.get();
  keep_to_modern(context);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);  // of TLS 1.2, see `choose_ticket`
  SSL_CTX_set_ex_data(context, tls_index(), this);
  SSL_CTX_set_info_callback(context, &Tls::on_information);
  SSL_CTX_set_cert_verify_callback(
      context, verification == TlsVerification::full ? verify_fully : verify_nothing, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* connection, SSL_SESSION* session) {
    Tls* self = tls_of(connection);
    const Trail* trail = trail_of(connection);
    if (self != nullptr && trail != nullptr) self->keep_session(*trail, session);
    return 0;  // The reference stays with OpenSSL.
  });
  trust(context);
}

Tls::~Tls() = default;

void Tls::trust(ssl_ctx_st* context) {
  if (material_.trusted != nullptr) {
    SSL_CTX_set1_cert_store(context, material_.trusted.get());
    return;
  }
  X509_STORE* system = X509_STORE_new();
  X509_STORE_set_default_paths(system);
  SSL_CTX_set_cert_store(context, system);  // Takes it.
}

TlsChange Tls::renew(TlsMaterial material) {
  const TlsChange change{accepts() && material.identity_digest != material_.identity_digest,
                         material.trusted_digest != material_.trusted_digest};
  if (accepts() == (material.certificate != nullptr)) {
    material_.certificate = std::move(material.certificate);
    material_.chain = std::move(material.chain);
    material_.key = std::move(material.key);
    material_.identity_digest = std::move(material.identity_digest);
  }
  material_.trusted = std::move(material.trusted);
  material_.trusted_digest = std::move(material.trusted_digest);
  if (change.issuers) {
    trust(dialling_.get());
    sessions_.clear();
    ++trust_generation_;
  }
  if (change.certificate && accepting_ != nullptr) show_certificate();
  return change;
}

// ---- the side that accepts

void Tls::prepare_accepting(ssl_ctx_st* context) {
  SSL_CTX_up_ref(context);
  accepting_.reset(context);
  keep_to_modern(context);
  SSL_CTX_set_tlsext_servername_callback(context, choose_ticket);
  // Tickets carry the session, so that we keep nothing for strangers.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTickets);
  show_certificate();
}

void Tls::show_certificate() {
  const auto refusal = show_identity(accepting_.get(), material_);
  TRESTLE_ASSERT(!refusal);  // `read_tls_files` has tried them.
  // Who renews a certificate may do so because its key is known to others: tickets end with it.
  std::array<unsigned char, kTicketKeyBytes> keys{};
  if (RAND_bytes(keys.data(), keys.size()) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(accepting_.get(), keys.data(), keys.size());
  }
  OPENSSL_cleanse(keys.data(), keys.size());
}

// ---- the side that dials

void Tls::on_information(const ssl_st* connection, int where, int value) {
  if ((where & SSL_CB_HANDSHAKE_START) != 0) {
    if (Tls* self = tls_of(connection)) self->begin_dialling(const_cast<SSL*>(connection));
    return;
  }
  constexpr int kFatal = 2;  // RFC 8446 section 6
  if ((where & SSL_CB_ALERT) == 0 || value >> 8 != kFatal) return;
  if (Trail* trail = trail_of(connection)) trail->alert = value;
}

void Tls::begin_dialling(ssl_st* connection) {
  const char* given = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  const Endpoint endpoint = far_end(connection);
  std::string name = given == nullptr ? endpoint.address : given;
  if (endpoint.is_v6 && name.starts_with('[')) {
    // libwebsockets cuts a host header at its first colon, and so an IPv6 address.
    name = endpoint.address;
    X509_VERIFY_PARAM* check = SSL_get0_param(connection);
    X509_VERIFY_PARAM_set1_host(check, nullptr, 0);
    X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str());
    SSL_set_tlsext_host_name(connection, nullptr);
  } else if (is_literal(name.c_str())) {
    SSL_set_tlsext_host_name(connection, nullptr);  // RFC 6066: names only.
  }
  auto trail = std::make_unique<Trail>();
  trail->peer = name + ":" + std::to_string(endpoint.port);
  trail->trust_generation = trust_generation_;
  if (const TlsSessions::Session session = sessions_.find(trail->peer)) {
    SSL_set_session(connection, session.get());
  }
  SSL_set_ex_data(connection, trail_index(), trail.release());
}

void Tls::keep_session(const Trail& trail, const ssl_session_st* session) {
  if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) return;
  // Tickets may come at any time while a connection stands, and it may have been verified under
  // issuers that are trusted no more.
  if (trail.trust_generation == trust_generation_) sessions_.keep(trail.peer, session);
}

std::optional<TlsFailure> Tls::failure(const ssl_st* connection) {
  if (connection == nullptr || SSL_is_init_finished(connection)) return std::nullopt;
  // Not UNAUTHORIZED, which would leave a bridge out until somebody reloads: certificates are
  // renewed by their owners, and then the next dial succeeds.
  const long verdict = SSL_get_verify_result(connection);
  if (verdict != X509_V_OK) return TlsFailure{ErrorCode::refused, "TLS: " + words_of(verdict)};
  const Trail* trail = trail_of(connection);
  if (trail != nullptr && trail->alert != 0) {
    return TlsFailure{ErrorCode::protocol_error, std::string("TLS: handshake failed: ") +
                                                     SSL_alert_desc_string_long(trail->alert)};
  }
  return TlsFailure{
      ErrorCode::connection_lost,
      "TLS: the connection ended during the handshake; perhaps no TLS is spoken there"};
}

bool Tls::is_resumed(const ssl_st* connection) {
  return connection != nullptr && SSL_session_reused(connection) == 1;
}

std::optional<std::chrono::seconds> Tls::certificate_left(const ssl_st* connection) {
  const X509* shown = connection == nullptr ? nullptr : SSL_get0_peer_certificate(connection);
  int days = 0;
  int seconds = 0;
  if (shown == nullptr ||
      ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(shown)) != 1) {
    return std::nullopt;
  }
  return std::chrono::hours(24) * days + std::chrono::seconds(seconds);
}

}  // namespace trestle::host
