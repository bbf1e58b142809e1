#pragma once

#include <memory>

#include "trestle/tls/material.hpp"

struct ssl_ctx_st;

namespace trestle::tls {

/// What all connections that one program accepts share: the certificate that it shows, to whatever
/// name, and the keys of its tickets. Speaks HTTP/1.1 alone: who asks for other protocols only is
/// refused (RFC 7301, section 3.2).
class AcceptingContext {
 public:
  explicit AcceptingContext(const Material& material);

  /// For connections from now on; those that stand are not touched.
  void show(const Material& material);

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace trestle::tls
