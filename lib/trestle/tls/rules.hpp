#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trestle/tls/material.hpp"

struct ssl_ctx_st;

namespace trestle::tls {

/// Whether certificates of peers are checked. The other one is for a test network whose operator
/// said so.
enum class Verification : std::uint8_t { full, skipped };

/// What both sides of TLS are held to, whoever made the context: 1.2 and 1.3 with forward secrecy
/// only, no renegotiation, no early data.
void keep_to_modern(ssl_ctx_st* context);

/// ALPN says http/1.1, on either side.
void speak_http(ssl_ctx_st* context);

/// Shows the certificate, its key and its chain to connections from now on, all three at once, so
/// that none sees a certificate with another one's key. The reason if OpenSSL refuses them: it asks
/// for more than that they belong together (security levels: lengths of keys, digests).
std::optional<std::string> show_identity(ssl_ctx_st* context, const Material& material);

// ---- the side that accepts

/// `keep_to_modern`, tickets that keep nothing here, and the identity.
void prepare_accepting(ssl_ctx_st* context, const Material& material);
/// Another identity for connections from now on. Tickets given under the old one are void: who
/// renews a certificate may do so because its key is known to others.
void renew_accepting(ssl_ctx_st* context, const Material& material);

// ---- the side that dials

/// `keep_to_modern`, and whether and by whose issuers peers are checked.
void prepare_dialling(ssl_ctx_st* context, const Material& material, Verification verification);
/// The given issuers, or the system's.
void trust(ssl_ctx_st* context, const Material& material);

}  // namespace trestle::tls
