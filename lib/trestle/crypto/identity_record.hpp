#pragma once

#include "trestle/base/error_code.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/suite/curve25519.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/crypto/verified.hpp"

namespace trestle::crypto {

/// The three pairs of one node. None ever does the work of another (T16): P-256 proves the id and
/// signs records, Ed25519 signs messages and tokens, X25519 agrees on keys for sealed values.
struct IdentityKeys {
  KeyPair proof;
  Ed25519Pair message;
  X25519Pair sealing;
};

/// All three from the one scalar that the identity file holds: the others are derived from it, each
/// under a label of its own (HKDF), so that identities made before there were three keys have them
/// too.
IdentityKeys identity_keys(Suite& suite, const KeyPair& proof);

/// Says which keys belong to a node's id, signed by the P-256 key that the id is made of. Who has a
/// genuine one needs no other word for it. The Ed25519 key signs as well: nobody can claim a key of
/// somebody else, whose invitations would then count as his.
///
///     | version = 1 | P-256 x, y: 64 | Ed25519: 32 | X25519: 32 | P-256 signature: 64 |
///     | Ed25519 signature: 64 |
struct IdentityRecord {
  PublicKey proof_key{};
  Ed25519Key message_key;
  X25519Key sealing_key;
  Signature signature{};
  Ed25519Signature consent;

  friend bool operator==(const IdentityRecord&, const IdentityRecord&) = default;
};
using VerifiedIdentity = Verified<IdentityRecord>;

inline constexpr std::size_t kIdentityRecordBytes = 1 + 64 + 32 + 32 + 64 + 64;

Bytes encode(const IdentityRecord& record);
/// PROTOCOL_ERROR for anything but the one encoding of a record, INVALID_REQUEST for keys that
/// nobody may use (points of small order). The signature is not looked at.
Result<IdentityRecord, ErrorCode> decode_identity_record(ByteSpan bytes);

/// The bytes that both keys sign.
Bytes identity_transcript(const IdentityRecord& record);
IdentityRecord make_identity_record(Suite& suite, const IdentityKeys& keys);
/// Whether both keys did sign it. Whose it is: `node_id_of(suite, record.proof_key)`.
bool is_genuine(Suite& suite, const IdentityRecord& record);

/// A node's word that it goes on under new keys, signed by the P-256 keys of both sides: by the old
/// one, or anybody could take the node's place; by the new one, or anybody could name a stranger as
/// his successor.
///
///     | version = 1 | old P-256 key: 64 | record of the new keys: 257 | time: 8 |
///     | signature of the old key: 64 | signature of the new key: 64 |
struct Rotation {
  PublicKey old_key{};
  IdentityRecord successor;
  WallTime rotated{};
  Signature old_signature{};
  Signature new_signature{};

  friend bool operator==(const Rotation&, const Rotation&) = default;
};

inline constexpr std::size_t kRotationBytes = 1 + 64 + kIdentityRecordBytes + 8 + 64 + 64;

Bytes encode(const Rotation& rotation);
/// Codes as above.
Result<Rotation, ErrorCode> decode_rotation(ByteSpan bytes);
/// The bytes that both keys sign.
Bytes rotation_transcript(const Rotation& rotation);
Rotation make_rotation(Suite& suite, const KeyPair& old_pair, const IdentityKeys& successor,
                       WallTime now);
/// All signatures, and that the keys are not the old ones again.
bool is_genuine(Suite& suite, const Rotation& rotation);

}  // namespace trestle::crypto
