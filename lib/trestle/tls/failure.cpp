#include "trestle/tls/failure.hpp"

#include <cstdint>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace trestle::tls {
namespace {

/// Keeps a number where a pointer is expected, so that nothing has to be freed.
int alert_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int alert_of(const SSL* connection) {
  return static_cast<int>(
      reinterpret_cast<std::intptr_t>(SSL_get_ex_data(connection, alert_index())));
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

}  // namespace

void note_alert(const ssl_st* connection, int where, int value) {
  constexpr int kFatal = 2;  // RFC 8446 section 6
  if ((where & SSL_CB_ALERT) == 0 || value >> 8 != kFatal) return;
  SSL_set_ex_data(const_cast<SSL*>(connection), alert_index(),
                  reinterpret_cast<void*>(static_cast<std::intptr_t>(value)));
}

Failure handshake_failure(const ssl_st* connection) {
  // Not UNAUTHORIZED, which would leave a bridge out until somebody reloads: certificates are
  // renewed by their owners, and then the next dial succeeds.
  const long verdict = SSL_get_verify_result(connection);
  if (verdict != X509_V_OK) return {ErrorCode::refused, "TLS: " + words_of(verdict)};
  if (const int alert = alert_of(connection)) {
    return {ErrorCode::protocol_error,
            std::string("TLS: handshake failed: ") + SSL_alert_desc_string_long(alert)};
  }
  return {ErrorCode::connection_lost,
          "TLS: the connection ended during the handshake; perhaps no TLS is spoken there"};
}

Failure connection_failure(const ssl_st* connection) {
  const int alert = alert_of(connection);
  return {ErrorCode::protocol_error,
          std::string("TLS: the connection is broken: ") +
              (alert == 0 ? "what came is no TLS" : SSL_alert_desc_string_long(alert))};
}

}  // namespace trestle::tls
