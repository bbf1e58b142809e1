// F8: any bytes as a statement that is signed and kept (identities, rotations, tokens, lists of
// revocations), as its text form and as sealed bytes. What is read has one encoding, what was made
// genuine is genuine in no other form, and what was sealed opens for its own place alone.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/text_form.hpp"

namespace trestle::fuzz {
namespace {

using namespace crypto;

constexpr WallTime kNow{std::chrono::milliseconds(1'795'000'000'000)};

Suite& suite() {
  static Suite one{1};
  return one;
}
/// Two nodes, so that one can pass for the other.
const IdentityKeys& keys(bool of_second) {
  static const std::array<IdentityKeys, 2> both = {identity_keys(suite(), suite().generate()),
                                                   identity_keys(suite(), suite().generate())};
  return both[of_second ? 1 : 0];
}

// ---- the five kinds of statement, each with its decoder and its check

template <typename Statement>
struct KindOf;
template <>
struct KindOf<IdentityRecord> {
  static constexpr TextKind kText = TextKind::identity;
  static auto decode(ByteSpan bytes) { return decode_identity_record(bytes); }
  static bool is_good(const IdentityRecord& record) { return is_genuine(suite(), record); }
  static void check(const IdentityRecord& record) {
    MUST_HOLD(is_strict_key(record.message_key) && !is_small_order(record.sealing_key));
  }
  static IdentityRecord make(Input& input) {
    return make_identity_record(suite(), keys(input.flag()));
  }
};
template <>
struct KindOf<Rotation> {
  static constexpr TextKind kText = TextKind::rotation;
  static auto decode(ByteSpan bytes) { return decode_rotation(bytes); }
  static bool is_good(const Rotation& rotation) { return is_genuine(suite(), rotation); }
  static void check(const Rotation& rotation) {
    MUST_HOLD(rotation.rotated.time_since_epoch().count() >= 0);
    if (is_good(rotation)) MUST_HOLD(rotation.old_key != rotation.successor.proof_key);
  }
  static Rotation make(Input& input) {
    const bool from_second = input.flag();
    const WallTime time(std::chrono::milliseconds(input.number(5)));
    return make_rotation(suite(), keys(from_second).proof, keys(!from_second), time);
  }
};

/// What is true of every token of whatever kind that was read.
template <typename Token>
void check_token(const Token& token, const PublicKey& owner, std::chrono::hours longest) {
  MUST_HOLD(token.issued < token.expires && token.expires - token.issued <= longest);
  const TokenCheck here{token.network, owner, token.issued};
  MUST_HOLD(crypto::check(token, here) == ErrorCode::none);
  TokenCheck elsewhere = here;
  elsewhere.network[0] ^= 1;
  MUST_HOLD(crypto::check(token, elsewhere) == ErrorCode::invalid_token);
  elsewhere = here;
  elsewhere.presenter[0] ^= 1;
  MUST_HOLD(crypto::check(token, elsewhere) == ErrorCode::invalid_token);
  elsewhere = here;
  elsewhere.now = token.expires;
  MUST_HOLD(crypto::check(token, elsewhere) == ErrorCode::invalid_token);
  elsewhere.now = token.issued - kCalendarSkewMax - std::chrono::milliseconds(1);
  MUST_HOLD(crypto::check(token, elsewhere) == ErrorCode::invalid_token);
}
template <typename Token>
void fill_token(Token& token, Input& input, std::chrono::hours longest) {
  token.network = network_hash(suite(), "main");
  std::ranges::copy(input.take(token.nonce.size()), token.nonce.begin());
  token.issued = kNow + std::chrono::milliseconds(input.number(2));
  const auto life = std::chrono::milliseconds(1 + input.number(2));
  token.expires = token.issued + std::min<WallTime::duration>(life, longest);
}

template <>
struct KindOf<Invitation> {
  static constexpr TextKind kText = TextKind::invitation;
  static auto decode(ByteSpan bytes) { return decode_invitation(bytes); }
  static bool is_good(const Invitation& token) { return is_genuine(token); }
  static void check(const Invitation& token) {
    check_token(token, token.invitee, kInvitationLifeMax);
  }
  static Invitation make(Input& input) {
    Invitation token;
    token.invitee = keys(true).proof.key;
    fill_token(token, input, kInvitationLifeMax);
    return sign(std::move(token), keys(false).message);
  }
};
template <>
struct KindOf<Membership> {
  static constexpr TextKind kText = TextKind::membership;
  static auto decode(ByteSpan bytes) { return decode_membership(bytes); }
  static bool is_good(const Membership& token) { return is_genuine(token); }
  static void check(const Membership& token) {
    MUST_HOLD(token.depth > 0 && is_strict_key(token.message_key));
    check_token(token, token.member, kMembershipLife);
  }
  static Membership make(Input& input) {
    Membership token;
    token.member = keys(true).proof.key;
    token.message_key = keys(true).message.key;
    token.depth = static_cast<std::uint8_t>(1 + input.below(255));
    fill_token(token, input, kMembershipLife);
    return sign(std::move(token), keys(false).message);
  }
};
template <>
struct KindOf<RevocationList> {
  static constexpr TextKind kText = TextKind::revocation;
  static auto decode(ByteSpan bytes) { return decode_revocation_list(bytes); }
  static bool is_good(const RevocationList& list) { return is_genuine(list); }
  static void check(const RevocationList& list) {
    MUST_HOLD(list.invitations.size() <= kRevocationsMax);
    MUST_HOLD(list.members.size() <= kRevocationsMax);
    for (const InvitationNonce& nonce : list.invitations) MUST_HOLD(is_revoked(list, nonce));
    for (const RevokedMember& member : list.members) {
      const RevokedMember* found = find(list, member.id);
      MUST_HOLD(found != nullptr && *found == member);
    }
  }
  /// In any order, some of them twice; a plain map says what must stand there.
  static RevocationList make(Input& input) {
    RevocationList list;
    list.network = network_hash(suite(), "main");
    list.number = input.number(2);
    list.issued = kNow;
    std::map<NodeId, RevocationReach> expected;
    for (std::size_t count = input.below(24); count > 0; --count) {
      InvitationNonce nonce{};
      nonce[0] = input.byte();
      MUST_HOLD(revoke(list, nonce) && is_revoked(list, nonce));
      const RevokedMember member{input.id(), static_cast<RevocationReach>(input.below(2))};
      MUST_HOLD(revoke(list, member));
      auto& reach = expected[member.id];
      reach = std::max(reach, member.reach);
    }
    MUST_HOLD(list.members.size() == expected.size());
    for (const RevokedMember& member : list.members) {
      MUST_HOLD(expected.at(member.id) == member.reach);
    }
    return sign(std::move(list), keys(false).message);
  }
};

template <typename Statement>
void check_read(ByteSpan bytes) {
  const auto read = KindOf<Statement>::decode(bytes);
  if (!read) return;
  const Bytes again = encode(*read);
  MUST_HOLD(std::ranges::equal(again, bytes));
  KindOf<Statement>::check(*read);
  const std::string text = to_text(suite(), KindOf<Statement>::kText, bytes);
  const auto back = from_text(suite(), KindOf<Statement>::kText, text);
  MUST_HOLD(back.has_value() && std::ranges::equal(*back, bytes));
}

/// Exchanges, adds or drops a few bytes.
Bytes altered(Bytes bytes, Input& input) {
  for (std::size_t changes = 1 + input.below(4); changes > 0; --changes) {
    const std::size_t kind = input.below(8);
    const auto place = static_cast<std::ptrdiff_t>(input.number(2) % (bytes.size() + 1));
    if (kind == 0) {
      bytes.insert(bytes.begin() + place, input.byte());
    } else if (place < std::ssize(bytes)) {
      if (kind == 1) bytes.erase(bytes.begin() + place);
      if (kind > 1) bytes[static_cast<std::size_t>(place)] ^= input.byte();
    }
  }
  return bytes;
}

template <typename Statement>
void check_made(Input& input) {
  const Statement made = KindOf<Statement>::make(input);
  const Bytes bytes = encode(made);
  check_read<Statement>(bytes);
  const auto read = KindOf<Statement>::decode(bytes);
  MUST_HOLD(read.has_value() && *read == made && KindOf<Statement>::is_good(*read));

  const Bytes other = altered(bytes, input);
  check_read<Statement>(other);
  const auto forged = KindOf<Statement>::decode(other);
  if (forged && other != bytes) MUST_HOLD(!KindOf<Statement>::is_good(*forged));
}

// ---- texts

void check_text(std::string_view text) {
  constexpr std::array kKinds = {TextKind::identity,   TextKind::sealed_key, TextKind::rotation,
                                 TextKind::invitation, TextKind::membership, TextKind::revocation};
  std::size_t kinds = 0;
  for (const TextKind kind : kKinds) {
    const auto bytes = from_text(suite(), kind, text);
    if (!bytes) {
      MUST_HOLD(!explain(bytes.error()).empty());
      continue;
    }
    ++kinds;
    const std::string again = to_text(suite(), kind, *bytes);
    const std::size_t begin = text.find(again);
    MUST_HOLD(begin != std::string_view::npos);
    const std::string around =
        std::string(text.substr(0, begin)) + std::string(text.substr(begin + again.size()));
    MUST_HOLD(around.find_first_not_of(" \t\r\n") == std::string::npos);
  }
  MUST_HOLD(kinds <= 1);
}

void check_made_text(Input& input) {
  const auto kind = static_cast<TextKind>(input.below(6));
  const ByteSpan decisions = input.take(12);
  const ByteSpan bytes = input.rest();
  const std::string text = to_text(suite(), kind, bytes);
  check_text(text);
  Input changes(decisions);
  const Bytes other = altered(to_bytes(as_bytes(text)), changes);
  check_text(as_text(other));
}

// ---- sealed bytes

void check_sealed(Input& input) {
  static Sealer sealer;
  static const auto key = derive<SealKey>(suite(), {}, "a place of its own");
  const std::size_t label = input.below(8);
  const ByteSpan decisions = input.take(12);
  const ByteSpan context = input.piece();
  const ByteSpan plain = input.rest();
  const std::string_view name = std::string_view("a label").substr(0, label);
  MUST_HOLD(!open(sealer, key, name, context, plain).has_value());
  const Bytes sealed = seal(suite(), sealer, key, name, context, plain);
  MUST_HOLD(sealed.size() == plain.size() + kSealedOverheadBytes);
  const auto opened = open(sealer, key, name, context, sealed);
  MUST_HOLD(opened.has_value() && std::ranges::equal(*opened, plain));

  Input changes(decisions);
  const Bytes other = altered(sealed, changes);
  if (other != sealed) MUST_HOLD(!open(sealer, key, name, context, other).has_value());
  // The line between label and context does not move.
  if (!context.empty()) {
    const std::string longer = std::string(name) + std::string(as_text(context.first(1)));
    MUST_HOLD(!open(sealer, key, longer, context.subspan(1), sealed).has_value());
  }
}

}  // namespace

TRESTLE_FUZZ_TARGET(tokens) {
  Input parts(input);
  switch (parts.below(13)) {
    case 0:
      return check_read<IdentityRecord>(parts.rest());
    case 1:
      return check_read<Rotation>(parts.rest());
    case 2:
      return check_read<Invitation>(parts.rest());
    case 3:
      return check_read<Membership>(parts.rest());
    case 4:
      return check_read<RevocationList>(parts.rest());
    case 5:
      return check_made<IdentityRecord>(parts);
    case 6:
      return check_made<Rotation>(parts);
    case 7:
      return check_made<Invitation>(parts);
    case 8:
      return check_made<Membership>(parts);
    case 9:
      return check_made<RevocationList>(parts);
    case 10:
      return check_text(as_text(parts.rest()));
    case 11:
      return check_made_text(parts);
    default:
      return check_sealed(parts);
  }
}

}  // namespace trestle::fuzz
