#include "trestle/crypto/identity_record.hpp"

#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::uint8_t kRotationVersion = 1;
constexpr std::string_view kRecordContext = "trestle identity v1";
constexpr std::string_view kRotationContext = "trestle rotation v1";
constexpr std::string_view kMessageLabel = "trestle ed25519 message key v1";
constexpr std::string_view kSealingLabel = "trestle x25519 sealing key v1";

bool is_usable(const IdentityRecord& record) {
  return is_strict_key(record.message_key) && !is_small_order(record.sealing_key);
}

}  // namespace

IdentityKeys identity_keys(Suite& suite, const KeyPair& proof) {
  const ByteSpan scalar = proof.secret.bytes();
  return {proof, ed25519_pair(derive<Ed25519Secret>(suite, scalar, kMessageLabel)),
          x25519_pair(derive<X25519Secret>(suite, scalar, kSealingLabel))};
}

Bytes encode(const IdentityRecord& record) {
  CanonicalWriter writer(kIdentityRecordBytes);
  writer.number(kRecordVersion, 1).bytes(record.proof_key).bytes(record.message_key.bytes);
  writer.bytes(record.sealing_key.bytes).bytes(record.signature);
  return writer.bytes(record.consent.bytes).take();
}

Result<IdentityRecord, ErrorCode> decode_identity_record(ByteSpan bytes) {
  CanonicalReader reader(bytes);
  IdentityRecord record;
  if (reader.number(1) != kRecordVersion) return refuse(ErrorCode::protocol_error);
  reader.bytes(record.proof_key);
  reader.bytes(record.message_key.bytes);
  reader.bytes(record.sealing_key.bytes);
  reader.bytes(record.signature);
  reader.bytes(record.consent.bytes);
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  if (!is_usable(record)) return refuse(ErrorCode::invalid_request);
  return record;
}

Bytes identity_transcript(const IdentityRecord& record) {
  Transcript transcript;
  transcript.add(kRecordContext);
  transcript.add(record.proof_key);
  transcript.add(record.message_key.bytes);
  transcript.add(record.sealing_key.bytes);
  return transcript.take();
}

IdentityRecord make_identity_record(Suite& suite, const IdentityKeys& keys) {
  IdentityRecord record{keys.proof.key, keys.message.key, keys.sealing.key, {}, {}};
  const Bytes transcript = identity_transcript(record);
  record.signature = suite.sign(keys.proof, transcript);
  record.consent = ed25519_sign(keys.message, transcript);
  return record;
}

bool is_genuine(Suite& suite, const IdentityRecord& record) {
  if (!is_usable(record)) return false;
  const Bytes transcript = identity_transcript(record);
  return suite.verify(record.proof_key, transcript, record.signature) &&
         ed25519_verify(record.message_key, transcript, record.consent);
}

Bytes encode(const Rotation& rotation) {
  CanonicalWriter writer(kRotationBytes);
  writer.number(kRotationVersion, 1).bytes(rotation.old_key).bytes(encode(rotation.successor));
  writer.time(rotation.rotated).bytes(rotation.old_signature).bytes(rotation.new_signature);
  return writer.take();
}

Result<Rotation, ErrorCode> decode_rotation(ByteSpan bytes) {
  CanonicalReader reader(bytes);
  Rotation rotation;
  if (reader.number(1) != kRotationVersion) return refuse(ErrorCode::protocol_error);
  reader.bytes(rotation.old_key);
  std::array<std::uint8_t, kIdentityRecordBytes> record_bytes{};
  reader.bytes(record_bytes);
  rotation.rotated = reader.time();
  reader.bytes(rotation.old_signature);
  reader.bytes(rotation.new_signature);
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  const auto successor = decode_identity_record(record_bytes);
  if (!successor) return refuse(successor.error());
  rotation.successor = *successor;
  return rotation;
}

Bytes rotation_transcript(const Rotation& rotation) {
  Transcript transcript;
  transcript.add(kRotationContext);
  transcript.add(rotation.old_key);
  // Without its signature: of those one statement has many.
  transcript.add(identity_transcript(rotation.successor));
  transcript.add_number(static_cast<std::uint64_t>(rotation.rotated.time_since_epoch().count()), 8);
  return transcript.take();
}

Rotation make_rotation(Suite& suite, const KeyPair& old_pair, const IdentityKeys& successor,
                       WallTime now) {
  Rotation rotation{old_pair.key, make_identity_record(suite, successor), now, {}, {}};
  const Bytes transcript = rotation_transcript(rotation);
  rotation.old_signature = suite.sign(old_pair, transcript);
  rotation.new_signature = suite.sign(successor.proof, transcript);
  return rotation;
}

bool is_genuine(Suite& suite, const Rotation& rotation) {
  if (rotation.old_key == rotation.successor.proof_key) return false;
  const Bytes transcript = rotation_transcript(rotation);
  return suite.verify(rotation.old_key, transcript, rotation.old_signature) &&
         suite.verify(rotation.successor.proof_key, transcript, rotation.new_signature) &&
         is_genuine(suite, rotation.successor);
}

}  // namespace trestle::crypto
