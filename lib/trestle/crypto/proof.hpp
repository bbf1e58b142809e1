#pragma once

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/message/connection.hpp"

namespace trestle::crypto {

/// Which end of the connection a proof speaks for. Part of the signed bytes, so that no proof can
/// be mirrored back.
enum class Side : std::uint8_t { dialler, acceptor };

/// The bytes both ends sign (and key with the shared secret): a context string, the side, and every
/// field of `hello` and of `welcome` but its proof, each with its length (docs/protocol.md, "The
/// proof").
Bytes transcript(Side side, const wire::Hello& hello, const wire::Welcome& welcome);

/// Keyed digest over the transcript of that side: shows knowledge of the shared bridge secret
/// without sending it. Under an empty secret it proves nothing, since anybody can compute it: a
/// side that has none configured neither asks for a proof nor accepts one.
wire::SecretProof secret_proof(Suite& suite, ByteSpan shared_secret, Side side,
                               const wire::Hello& hello, const wire::Welcome& welcome);

}  // namespace trestle::crypto
