#include "trestle/host/tls.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include "trestle/base/assertion.hpp"

namespace trestle::host {
namespace {

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

}  // namespace

void Tls::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Tls::Tls(TlsMaterial material, TlsVerification verification)
    : material_(std::move(material)),
      dialling_(material_, verification),
      verification_(verification) {
  SSL_CTX_set_ex_data(dialling_.get(), tls_index(), this);
  SSL_CTX_set_info_callback(dialling_.get(), &Tls::on_information);
}

Tls::~Tls() = default;

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
  if (change.issuers) dialling_.trust_others(material_);
  if (change.issuers && dialling_engines_) dialling_engines_->trust_others(material_);
  if (change.certificate && accepting_engines_) accepting_engines_->show(material_);
  if (change.certificate && accepting_ != nullptr) {
    tls::renew_accepting(accepting_.get(), material_);
  }
  return change;
}

TlsMaterial Tls::dialling_material() const {
  TlsMaterial copy;
  if (X509_STORE* trusted = material_.trusted.get()) {
    X509_STORE_up_ref(trusted);
    copy.trusted.reset(trusted);
  }
  copy.trusted_digest = material_.trusted_digest;
  return copy;
}

// ---- the side that accepts

void Tls::prepare_accepting(ssl_ctx_st* context) {
  SSL_CTX_up_ref(context);
  accepting_.reset(context);
  tls::prepare_accepting(context, material_);
}

// ---- the side that dials

void Tls::on_information(const ssl_st* connection, int where, int value) {
  if ((where & SSL_CB_HANDSHAKE_START) != 0) {
    if (Tls* self = tls_of(connection)) self->begin_dialling(const_cast<SSL*>(connection));
    return;
  }
  tls::note_alert(connection, where, value);
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
  dialling_.begin(connection, name + ":" + std::to_string(endpoint.port));
}

// ---- engines

tls::DiallingContext& Tls::dialling_engines() {
  if (!dialling_engines_) dialling_engines_.emplace(material_, verification_);
  return *dialling_engines_;
}

tls::AcceptingContext& Tls::accepting_engines() {
  TRESTLE_ASSERT(accepts());
  if (!accepting_engines_) accepting_engines_.emplace(material_);
  return *accepting_engines_;
}

std::optional<tls::Failure> Tls::failure(const ssl_st* connection) {
  if (connection == nullptr || SSL_is_init_finished(connection)) return std::nullopt;
  return tls::handshake_failure(connection);
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
