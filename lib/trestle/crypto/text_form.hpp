#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

/// What people pass on by mail, paper and clipboard. The word before the colon says which.
enum class TextKind : std::uint8_t {
  identity,     ///< `trestle-identity:`, an identity record
  sealed_key,   ///< `trestle-sealed-key:`, a private key under a passphrase
  rotation,     ///< `trestle-rotation:`, a rotation
  invitation,   ///< `trestle-invitation:`, an invitation token
  membership,   ///< `trestle-membership:`, a membership token
  revocation,   ///< `trestle-revocation:`, a list of revocations
  network_key,  ///< `trestle-network-key:`, the keys of a network
};

enum class TextFault : std::uint8_t {
  another_kind,  ///< Another word before the colon, or none.
  mistyped,      ///< A character too few, too many or exchanged.
  too_long,
};

/// A sentence for people, without a full stop.
std::string_view explain(TextFault fault);
/// `trestle-identity:`
std::string_view prefix(TextKind kind);

/// Above the longest of them, a full list of revocations.
inline constexpr std::size_t kTextBytesMax = 64 * 1024;

/// Prefix, then the bytes and a checksum of four in base64url (RFC 4648, section 5) without
/// padding: no character that a shell, a URL or a mail breaks at.
std::string to_text(Suite& suite, TextKind kind, ByteSpan bytes);

/// The bytes of a text; blanks and line ends around it are not minded. The checksum, a digest over
/// prefix and bytes, lets one mistake in 2^32 through: it is for slips of the hand, signatures are
/// for the rest. One string of bytes has exactly one text.
Result<Bytes, TextFault> from_text(Suite& suite, TextKind kind, std::string_view text);

}  // namespace trestle::crypto
