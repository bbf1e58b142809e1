#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trestle/tls/material.hpp"
#include "trestle/tls/rules.hpp"
#include "trestle/tls/sessions.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace trestle::tls {

/// What all connections that one program dials share: whom it believes, and the sessions that it
/// can take up again. It must outlive them.
class DiallingContext {
 public:
  explicit DiallingContext(const Material& material,
                           Verification verification = Verification::full);
  ~DiallingContext();
  DiallingContext(const DiallingContext&) = delete;
  DiallingContext& operator=(const DiallingContext&) = delete;

  /// Other issuers for connections from now on. Sessions that were proven under the old ones are
  /// forgotten, also those that arrive later on connections which stand.
  void trust_others(const Material& material);

  /// Before the handshake of a connection to `peer`, `name:port`: takes its session up again if
  /// there is one, and keeps those that come.
  void begin(ssl_st* connection, const std::string& peer);
  /// A handshake with `peer` failed: its session may be why.
  void forget(const std::string& peer) { sessions_.forget(peer); }

  ssl_ctx_st* get() const { return context_.get(); }
  const Sessions& sessions() const { return sessions_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  struct Trail;  ///< What is noted about one connection; its `ssl_st` owns it.

  static int trail_index();
  static int self_index();
  static int on_session(ssl_st* connection, ssl_session_st* session);

  std::unique_ptr<ssl_ctx_st, Free> context_;
  Sessions sessions_;
  /// Counts the issuers that were trusted, one after the other.
  std::uint64_t trust_generation_ = 0;
};

}  // namespace trestle::tls
