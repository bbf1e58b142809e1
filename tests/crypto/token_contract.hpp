#pragma once

#include "crypto/curve25519_contract.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/crypto/token.hpp"

// Identity records, tokens and lists, the same under every suite.
namespace trestle::test {

using crypto::IdentityKeys;
using crypto::Invitation;
using crypto::Membership;
using crypto::RevocationList;
using crypto::TextKind;

inline constexpr WallTime kSomeTime{std::chrono::milliseconds(1'790'000'000'000)};

inline WallTime random_time(Rng& rng) {
  return kSomeTime + std::chrono::milliseconds(rng.below(1'000'000'000));
}

inline IdentityKeys new_identity(Suite& suite) {
  return crypto::identity_keys(suite, suite.generate());
}

inline Invitation random_invitation(Suite& suite, Rng& rng, const Ed25519Pair& inviter) {
  Invitation token;
  suite.random(token.network);
  suite.random(token.invitee);
  suite.random(token.nonce);
  token.issued = random_time(rng);
  token.expires = token.issued + std::chrono::milliseconds(1 + rng.below(24 * 3600 * 1000));
  return crypto::sign(token, inviter);
}

inline Membership random_membership(Suite& suite, Rng& rng, const Ed25519Pair& issuer) {
  Membership token;
  suite.random(token.network);
  suite.random(token.member);
  suite.random(token.nonce);
  token.message_key = new_ed25519(suite).key;
  token.inviter = issuer.key;
  token.depth = static_cast<std::uint8_t>(1 + rng.below(255));
  token.issued = random_time(rng);
  token.expires = token.issued + std::chrono::milliseconds(1 + rng.below(24 * 3600 * 1000));
  return crypto::sign(token, issuer);
}

inline RevocationList random_list(Suite& suite, Rng& rng, const Ed25519Pair& founder) {
  RevocationList list;
  suite.random(list.network);
  list.number = rng.next();
  list.issued = random_time(rng);
  for (std::uint64_t left = rng.below(20); left > 0; --left) {
    crypto::InvitationNonce nonce;
    suite.random(nonce);
    REQUIRE(crypto::revoke(list, nonce));
  }
  for (std::uint64_t left = rng.below(20); left > 0; --left) {
    std::array<std::uint8_t, NodeId::kBytes> id;
    suite.random(id);
    const auto reach = static_cast<crypto::RevocationReach>(rng.below(2));
    REQUIRE(crypto::revoke(list, {NodeId::from_bytes(id), reach}));
  }
  return crypto::sign(std::move(list), founder);
}

/// Every single bit of `bytes` flipped: refused by `accepts`. So is every piece of it, and one byte
/// more.
template <typename Accepts>
void check_nothing_else_is_accepted(const Bytes& bytes, const Accepts& accepts) {
  REQUIRE(accepts(bytes));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes wrong = bytes;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(0x80u >> (bit % 8));
    if (accepts(wrong)) FAIL_CHECK("bit " << bit);
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    if (accepts(std::span(bytes).first(length))) FAIL_CHECK("length " << length);
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(accepts(longer));
}

inline void check_token_round_trips(Suite& suite, int cases) {
  Rng rng(1);
  const Ed25519Pair signer = new_ed25519(suite);
  for (int round = 0; round < cases; ++round) {
    const Invitation invitation = random_invitation(suite, rng, signer);
    const Bytes invitation_bytes = crypto::encode(invitation);
    CHECK(invitation_bytes.size() == crypto::kInvitationBytes);
    CHECK(crypto::decode_invitation(invitation_bytes) == invitation);
    CHECK(crypto::is_genuine(invitation));

    const Membership membership = random_membership(suite, rng, signer);
    const Bytes membership_bytes = crypto::encode(membership);
    CHECK(membership_bytes.size() == crypto::kMembershipBytes);
    CHECK(crypto::decode_membership(membership_bytes) == membership);
    CHECK(crypto::is_genuine(membership));

    const RevocationList list = random_list(suite, rng, signer);
    CHECK(crypto::decode_revocation_list(crypto::encode(list)) == list);
    CHECK(crypto::is_genuine(list));
  }
}

inline void check_altered_tokens(Suite& suite, int tokens) {
  Rng rng(2);
  for (int round = 0; round < tokens; ++round) {
    const Ed25519Pair signer = new_ed25519(suite);
    check_nothing_else_is_accepted(crypto::encode(random_invitation(suite, rng, signer)),
                                   [](ByteSpan bytes) {
                                     const auto token = crypto::decode_invitation(bytes);
                                     return token && crypto::is_genuine(*token);
                                   });
    check_nothing_else_is_accepted(crypto::encode(random_membership(suite, rng, signer)),
                                   [](ByteSpan bytes) {
                                     const auto token = crypto::decode_membership(bytes);
                                     return token && crypto::is_genuine(*token);
                                   });
    check_nothing_else_is_accepted(crypto::encode(random_list(suite, rng, signer)),
                                   [](ByteSpan bytes) {
                                     const auto list = crypto::decode_revocation_list(bytes);
                                     return list && crypto::is_genuine(*list);
                                   });
  }
}

/// Fields of two genuine tokens of one signer put together are no token.
inline void check_spliced_tokens(Suite& suite, int cases) {
  Rng rng(3);
  const Ed25519Pair signer = new_ed25519(suite);
  int accepted = 0;
  for (int round = 0; round < cases; ++round) {
    const Bytes one = crypto::encode(random_invitation(suite, rng, signer));
    const Bytes other = crypto::encode(random_invitation(suite, rng, signer));
    const std::size_t cut = 1 + rng.below(one.size() - 1);
    Bytes spliced = to_bytes(std::span(one).first(cut));
    append(spliced, std::span(other).subspan(cut));
    const auto token = crypto::decode_invitation(spliced);
    const bool is_whole = spliced == one || spliced == other;
    if (!is_whole && token && crypto::is_genuine(*token)) ++accepted;
  }
  CHECK(accepted == 0);
}

inline void check_identity_records(Suite& suite, int cases) {
  for (int round = 0; round < cases; ++round) {
    const IdentityKeys keys = new_identity(suite);
    const IdentityKeys again = crypto::identity_keys(suite, keys.proof);
    CHECK(again.message.key == keys.message.key);
    CHECK(again.sealing.key == keys.sealing.key);
    // The derived secrets have nothing in common with each other or with the scalar.
    CHECK_FALSE(same_bytes(keys.message.secret.bytes(), keys.sealing.secret.bytes()));
    CHECK_FALSE(same_bytes(keys.message.secret.bytes(), keys.proof.secret.bytes()));
    CHECK_FALSE(same_bytes(keys.sealing.secret.bytes(), keys.proof.secret.bytes()));
    const crypto::IdentityRecord record = crypto::make_identity_record(suite, keys);
    const Bytes bytes = crypto::encode(record);
    CHECK(bytes.size() == crypto::kIdentityRecordBytes);
    CHECK(crypto::decode_identity_record(bytes) == record);
    CHECK(crypto::is_genuine(suite, record));
    // Another's Ed25519 key under our id.
    crypto::IdentityRecord mixed = record;
    mixed.message_key = new_ed25519(suite).key;
    CHECK_FALSE(crypto::is_genuine(suite, mixed));
    // Nor if we sign it: that key has to agree.
    mixed.signature = suite.sign(keys.proof, crypto::identity_transcript(mixed));
    CHECK_FALSE(crypto::is_genuine(suite, mixed));
    mixed.consent = crypto::ed25519_sign(keys.message, crypto::identity_transcript(mixed));
    CHECK_FALSE(crypto::is_genuine(suite, mixed));
  }
}

inline void check_altered_identities(Suite& suite) {
  const IdentityKeys keys = new_identity(suite);
  check_nothing_else_is_accepted(crypto::encode(crypto::make_identity_record(suite, keys)),
                                 [&](ByteSpan bytes) {
                                   const auto record = crypto::decode_identity_record(bytes);
                                   return record && crypto::is_genuine(suite, *record);
                                 });
  check_nothing_else_is_accepted(
      crypto::encode(crypto::make_rotation(suite, keys.proof, new_identity(suite), kSomeTime)),
      [&](ByteSpan bytes) {
        const auto rotation = crypto::decode_rotation(bytes);
        return rotation && crypto::is_genuine(suite, *rotation);
      });
}

/// T32: only the old key can name a successor, and only with the successor's consent.
inline void check_rotation(Suite& suite) {
  const IdentityKeys old_keys = new_identity(suite);
  const IdentityKeys new_keys = new_identity(suite);
  const IdentityKeys stranger = new_identity(suite);
  const auto rotation = crypto::make_rotation(suite, old_keys.proof, new_keys, kSomeTime);
  CHECK(crypto::is_genuine(suite, rotation));
  CHECK(crypto::decode_rotation(crypto::encode(rotation)) == rotation);

  auto taken_over = crypto::make_rotation(suite, stranger.proof, new_keys, kSomeTime);
  // The successor consents, and whoever signs for the old key does not have it.
  taken_over.old_key = old_keys.proof.key;
  taken_over.old_signature = suite.sign(stranger.proof, crypto::rotation_transcript(taken_over));
  taken_over.new_signature = suite.sign(new_keys.proof, crypto::rotation_transcript(taken_over));
  CHECK_FALSE(crypto::is_genuine(suite, taken_over));

  auto foisted = rotation;
  foisted.successor = crypto::make_identity_record(suite, stranger);
  foisted.old_signature = suite.sign(old_keys.proof, crypto::rotation_transcript(foisted));
  foisted.new_signature = suite.sign(old_keys.proof, crypto::rotation_transcript(foisted));
  CHECK_FALSE(crypto::is_genuine(suite, foisted));

  CHECK_FALSE(
      crypto::is_genuine(suite, crypto::make_rotation(suite, old_keys.proof, old_keys, kSomeTime)));
}

inline void check_unusable_keys_are_refused(Suite& suite) {
  const IdentityKeys keys = new_identity(suite);
  crypto::IdentityRecord record = crypto::make_identity_record(suite, keys);
  record.message_key = Ed25519Key{};
  CHECK(crypto::decode_identity_record(crypto::encode(record)).error() ==
        ErrorCode::invalid_request);
  record.signature = suite.sign(keys.proof, crypto::identity_transcript(record));
  CHECK_FALSE(crypto::is_genuine(suite, record));
  record = crypto::make_identity_record(suite, keys);
  record.sealing_key = X25519Key{};
  CHECK(crypto::decode_identity_record(crypto::encode(record)).error() ==
        ErrorCode::invalid_request);
  record.signature = suite.sign(keys.proof, crypto::identity_transcript(record));
  CHECK_FALSE(crypto::is_genuine(suite, record));
}

inline void check_text_round_trips(Suite& suite, int cases) {
  Rng rng(4);
  for (int round = 0; round < cases; ++round) {
    Bytes bytes(rng.below(300));
    suite.random(bytes);
    const std::string text = crypto::to_text(suite, TextKind::invitation, bytes);
    CHECK(crypto::from_text(suite, TextKind::invitation, text) == bytes);
    CHECK(crypto::from_text(suite, TextKind::invitation, " \n" + text + "\r\n") == bytes);
    CHECK(crypto::from_text(suite, TextKind::membership, text).error() ==
          crypto::TextFault::another_kind);
    // What hands do: a character less, one twice, two exchanged, one mistyped.
    const std::size_t start = crypto::prefix(TextKind::invitation).size();
    const std::size_t place = start + rng.below(text.size() - start);
    std::string wrong = text;
    switch (rng.below(4)) {
      case 0:
        wrong.erase(place, 1);
        break;
      case 1:
        wrong.insert(place, 1, wrong[place]);
        break;
      case 2:
        wrong[place] = wrong[place] == 'A' ? 'B' : 'A';
        break;
      default:
        wrong[place] = '=';
        break;
    }
    CHECK(crypto::from_text(suite, TextKind::invitation, wrong).error() ==
          crypto::TextFault::mistyped);
  }
}

}  // namespace trestle::test
