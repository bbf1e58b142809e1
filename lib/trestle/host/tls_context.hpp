#pragma once

#include <optional>
#include <string>

struct ssl_ctx_st;

namespace trestle::host {

struct TlsMaterial;

/// What both sides of TLS are held to, whoever made the context.
void keep_to_modern(ssl_ctx_st* context);

/// Shows the certificate, its key and its chain to connections from now on, all three at once, so
/// that none sees a certificate with another one's key. The reason if OpenSSL refuses them: it asks
/// for more than that they belong together (security levels: lengths of keys, digests).
std::optional<std::string> show_identity(ssl_ctx_st* context, const TlsMaterial& material);

}  // namespace trestle::host
