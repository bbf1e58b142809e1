#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "trestle/host/tls_material.hpp"
#include "trestle/tls/accepting_context.hpp"
#include "trestle/tls/dialling_context.hpp"
#include "trestle/tls/failure.hpp"
#include "trestle/tls/rules.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace trestle::host {

using TlsVerification = tls::Verification;

/// What a reload changed.
struct TlsChange {
  bool certificate = false;
  bool issuers = false;
};

/// TLS of one program, both sides: what it shows to those who connect, whom it believes when it
/// dials, and the sessions it can resume.
///
/// TLS 1.2 and 1.3 with forward secrecy only, so that sessions of 1.2 are not resumed; ALPN says
/// http/1.1; peers are checked against the system's issuers or the given ones, and for the name or
/// address that was dialled. It must outlive the event loop it is handed to, which asks
/// libwebsockets to use it.
class Tls {
 public:
  Tls(TlsMaterial material, TlsVerification verification = TlsVerification::full);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Whether there is a certificate to accept TLS connections with.
  bool accepts() const { return material_.certificate != nullptr; }
  /// For connections made from now on; those that stand are not touched. Whether TLS is accepted at
  /// all stays as it was: a certificate cannot appear or go, only change.
  TlsChange renew(TlsMaterial material);

  /// What another `Tls` needs that dials as this one does, on a thread of its own: one is for one
  /// thread. The issuers are shared, which OpenSSL allows.
  TlsMaterial dialling_material() const;
  TlsVerification verification() const { return verification_; }

  /// For the event loop: the side that dials, and what the side that accepts is set up with.
  ssl_ctx_st* dialling() const { return dialling_.get(); }
  void prepare_accepting(ssl_ctx_st* context);

  /// For the raw transport, whose connections have an engine each. The second one only if TLS is
  /// accepted.
  tls::DiallingContext& dialling_engines();
  tls::AcceptingContext& accepting_engines();

  /// Nothing if the handshake has succeeded.
  static std::optional<tls::Failure> failure(const ssl_st* connection);
  static bool is_resumed(const ssl_st* connection);
  /// How long the certificate that the other side showed is valid; nothing if it showed none.
  static std::optional<std::chrono::seconds> certificate_left(const ssl_st* connection);

  const tls::Sessions& sessions() const { return dialling_.sessions(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, Free>;

  static void on_information(const ssl_st* connection, int where, int value);
  void begin_dialling(ssl_st* connection);

  TlsMaterial material_;
  tls::DiallingContext dialling_;
  Context accepting_;  ///< Shared with libwebsockets.
  TlsVerification verification_;
  // Made when they are first asked for: a program has one transport.
  std::optional<tls::DiallingContext> dialling_engines_;
  std::optional<tls::AcceptingContext> accepting_engines_;
};

}  // namespace trestle::host
