#include "trestle/crypto/token.hpp"

#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kNetworkContext = "trestle network v1";
constexpr std::string_view kInvitationContext = "trestle invitation v1";
constexpr std::string_view kMembershipContext = "trestle membership v1";

/// All fields but the signature, as they stand in the token.
Bytes body(const Invitation& token) {
  CanonicalWriter writer(kInvitationBytes);
  writer.number(kVersion, 1).bytes(token.network).bytes(token.inviter.bytes);
  writer.bytes(token.invitee).bytes(token.nonce);
  return writer.time(token.issued).time(token.expires).take();
}

Bytes body(const Membership& token) {
  CanonicalWriter writer(kMembershipBytes);
  writer.number(kVersion, 1).bytes(token.network).bytes(token.issuer.bytes);
  writer.bytes(token.member).bytes(token.message_key.bytes).bytes(token.inviter.bytes);
  writer.bytes(token.nonce).number(token.depth, 1);
  return writer.time(token.issued).time(token.expires).take();
}

bool has_life(WallTime issued, WallTime expires, std::chrono::hours longest) {
  return issued < expires && expires - issued <= longest;
}

/// Every check is made, whichever fails.
ErrorCode check_all(const NetworkHash& network, const PublicKey& owner, WallTime issued,
                    WallTime expires, const TokenCheck& against) {
  const bool is_of_this_network = network == against.network;
  const bool is_for_presenter = owner == against.presenter;
  const bool has_begun = issued <= against.now + kCalendarSkewMax;
  const bool has_ended = expires <= against.now;
  const bool is_good = is_of_this_network & is_for_presenter & has_begun & !has_ended;
  return is_good ? ErrorCode::none : ErrorCode::invalid_token;
}

}  // namespace

NetworkHash network_hash(Suite& suite, std::string_view network) {
  return suite.sha256(transcript_of(kNetworkContext, as_bytes(network)));
}

Bytes encode(const Invitation& token) {
  Bytes bytes = body(token);
  append(bytes, token.signature.bytes);
  return bytes;
}

Result<Invitation, ErrorCode> decode_invitation(ByteSpan bytes) {
  CanonicalReader reader(bytes);
  Invitation token;
  if (reader.number(1) != kVersion) return refuse(ErrorCode::protocol_error);
  reader.bytes(token.network);
  reader.bytes(token.inviter.bytes);
  reader.bytes(token.invitee);
  reader.bytes(token.nonce);
  token.issued = reader.time();
  token.expires = reader.time();
  reader.bytes(token.signature.bytes);
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  if (!has_life(token.issued, token.expires, kInvitationLifeMax)) {
    return refuse(ErrorCode::invalid_token);
  }
  return token;
}

Bytes token_transcript(const Invitation& token) {
  return transcript_of(kInvitationContext, body(token));
}

Invitation sign(Invitation token, const Ed25519Pair& inviter) {
  token.inviter = inviter.key;
  token.signature = ed25519_sign(inviter, token_transcript(token));
  return token;
}

bool is_genuine(const Invitation& token) {
  return ed25519_verify(token.inviter, token_transcript(token), token.signature);
}

Bytes encode(const Membership& token) {
  Bytes bytes = body(token);
  append(bytes, token.signature.bytes);
  return bytes;
}

Result<Membership, ErrorCode> decode_membership(ByteSpan bytes) {
  CanonicalReader reader(bytes);
  Membership token;
  if (reader.number(1) != kVersion) return refuse(ErrorCode::protocol_error);
  reader.bytes(token.network);
  reader.bytes(token.issuer.bytes);
  reader.bytes(token.member);
  reader.bytes(token.message_key.bytes);
  reader.bytes(token.inviter.bytes);
  reader.bytes(token.nonce);
  token.depth = static_cast<std::uint8_t>(reader.number(1));
  token.issued = reader.time();
  token.expires = reader.time();
  reader.bytes(token.signature.bytes);
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  const bool is_sound = has_life(token.issued, token.expires, kMembershipLife) && token.depth > 0 &&
                        is_strict_key(token.message_key);
  if (!is_sound) return refuse(ErrorCode::invalid_token);
  return token;
}

Bytes token_transcript(const Membership& token) {
  return transcript_of(kMembershipContext, body(token));
}

Membership sign(Membership token, const Ed25519Pair& issuer) {
  token.issuer = issuer.key;
  token.signature = ed25519_sign(issuer, token_transcript(token));
  return token;
}

bool is_genuine(const Membership& token) {
  return ed25519_verify(token.issuer, token_transcript(token), token.signature);
}

ErrorCode check(const Invitation& token, const TokenCheck& against) {
  return check_all(token.network, token.invitee, token.issued, token.expires, against);
}

ErrorCode check(const Membership& token, const TokenCheck& against) {
  return check_all(token.network, token.member, token.issued, token.expires, against);
}

}  // namespace trestle::crypto
