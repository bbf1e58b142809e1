#include "trestle/crypto/revocation_list.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kContext = "trestle revocations v1";
constexpr std::size_t kMemberBytes = NodeId::kBytes + 1;

Bytes body(const RevocationList& list) {
  CanonicalWriter writer(256 + list.invitations.size() * kInvitationNonceBytes +
                         list.members.size() * kMemberBytes);
  writer.number(kVersion, 1).bytes(list.network).bytes(list.founder.bytes);
  writer.number(list.number, 8).time(list.issued);
  writer.number(list.invitations.size(), 2);
  for (const InvitationNonce& nonce : list.invitations) writer.bytes(nonce);
  writer.number(list.members.size(), 2);
  for (const RevokedMember& member : list.members) {
    writer.id(member.id).number(static_cast<std::uint8_t>(member.reach), 1);
  }
  return writer.take();
}

bool id_is_less(const RevokedMember& member, const NodeId& id) { return member.id < id; }

const InvitationNonce& name_of(const InvitationNonce& nonce) { return nonce; }
const NodeId& name_of(const RevokedMember& member) { return member.id; }

/// Strictly: nothing stands there twice.
template <typename Entry>
bool ascends(const std::vector<Entry>& entries) {
  for (std::size_t index = 1; index < entries.size(); ++index) {
    if (!(name_of(entries[index - 1]) < name_of(entries[index]))) return false;
  }
  return true;
}

/// How many follow; NONE only if that many may and can.
ErrorCode read_count(CanonicalReader& reader, std::size_t bytes_each, std::size_t& count) {
  count = reader.number(2);
  if (count > kRevocationsMax) return ErrorCode::too_large;
  return count * bytes_each <= reader.bytes_left() ? ErrorCode::none : ErrorCode::protocol_error;
}

ErrorCode read_invitations(CanonicalReader& reader, RevocationList& list) {
  std::size_t count = 0;
  const ErrorCode code = read_count(reader, kInvitationNonceBytes, count);
  if (code != ErrorCode::none) return code;
  list.invitations.resize(count);
  for (InvitationNonce& nonce : list.invitations) reader.bytes(nonce);
  return ascends(list.invitations) ? ErrorCode::none : ErrorCode::protocol_error;
}

ErrorCode read_members(CanonicalReader& reader, RevocationList& list) {
  std::size_t count = 0;
  const ErrorCode code = read_count(reader, kMemberBytes, count);
  if (code != ErrorCode::none) return code;
  list.members.resize(count);
  for (RevokedMember& member : list.members) {
    member.id = reader.id();
    const std::uint64_t reach = reader.number(1);
    if (reach > static_cast<std::uint8_t>(RevocationReach::branch)) {
      return ErrorCode::protocol_error;
    }
    member.reach = static_cast<RevocationReach>(reach);
  }
  return ascends(list.members) ? ErrorCode::none : ErrorCode::protocol_error;
}

}  // namespace

bool revoke(RevocationList& list, const InvitationNonce& nonce) {
  const auto place = std::ranges::lower_bound(list.invitations, nonce);
  if (place != list.invitations.end() && *place == nonce) return true;
  if (list.invitations.size() >= kRevocationsMax) return false;
  list.invitations.insert(place, nonce);
  return true;
}

bool revoke(RevocationList& list, const RevokedMember& member) {
  const auto place =
      std::lower_bound(list.members.begin(), list.members.end(), member.id, id_is_less);
  if (place != list.members.end() && place->id == member.id) {
    place->reach = std::max(place->reach, member.reach);
    return true;
  }
  if (list.members.size() >= kRevocationsMax) return false;
  list.members.insert(place, member);
  return true;
}

bool is_revoked(const RevocationList& list, const InvitationNonce& nonce) {
  return std::ranges::binary_search(list.invitations, nonce);
}

const RevokedMember* find(const RevocationList& list, const NodeId& id) {
  const auto place = std::lower_bound(list.members.begin(), list.members.end(), id, id_is_less);
  return place != list.members.end() && place->id == id ? &*place : nullptr;
}

Bytes encode(const RevocationList& list) {
  TRESTLE_ASSERT(list.invitations.size() <= kRevocationsMax);
  TRESTLE_ASSERT(list.members.size() <= kRevocationsMax);
  Bytes bytes = body(list);
  append(bytes, list.signature.bytes);
  return bytes;
}

Result<RevocationList, ErrorCode> decode_revocation_list(ByteSpan bytes) {
  CanonicalReader reader(bytes);
  RevocationList list;
  if (reader.number(1) != kVersion) return refuse(ErrorCode::protocol_error);
  reader.bytes(list.network);
  reader.bytes(list.founder.bytes);
  list.number = reader.number(8);
  list.issued = reader.time();
  if (const ErrorCode code = read_invitations(reader, list); code != ErrorCode::none) {
    return refuse(code);
  }
  if (const ErrorCode code = read_members(reader, list); code != ErrorCode::none) {
    return refuse(code);
  }
  reader.bytes(list.signature.bytes);
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  return list;
}

Bytes revocation_transcript(const RevocationList& list) {
  return transcript_of(kContext, body(list));
}

RevocationList sign(RevocationList list, const Ed25519Pair& founder) {
  list.founder = founder.key;
  list.signature = ed25519_sign(founder, revocation_transcript(list));
  return list;
}

bool is_genuine(const RevocationList& list) {
  return ed25519_verify(list.founder, revocation_transcript(list), list.signature);
}

}  // namespace trestle::crypto
