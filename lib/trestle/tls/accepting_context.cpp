#include "trestle/tls/accepting_context.hpp"

#include <openssl/ssl.h>

#include "trestle/base/assertion.hpp"
#include "trestle/tls/rules.hpp"

namespace trestle::tls {

void AcceptingContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

AcceptingContext::AcceptingContext(const Material& material)
    : context_(SSL_CTX_new(TLS_server_method())) {
  TRESTLE_ASSERT(context_ != nullptr);
  prepare_accepting(context_.get(), material);
  speak_http(context_.get());
}

void AcceptingContext::show(const Material& material) { renew_accepting(context_.get(), material); }

}  // namespace trestle::tls
