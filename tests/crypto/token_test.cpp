#include "trestle/crypto/token.hpp"

#include "catch.hpp"
#include "crypto/token_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("stand-in: tokens and lists are read as they were written (1,000 cases)") {
  Suite suite(7);
  check_token_round_trips(suite, 1000);
}

TEST_CASE("T10: stand-in: a token with any bit flipped, cut anywhere or longer is refused") {
  Suite suite(7);
  check_altered_tokens(suite, 20);
}

TEST_CASE("T10: stand-in: parts of two tokens of one signer are no token (1,000 cases)") {
  Suite suite(7);
  check_spliced_tokens(suite, 1000);
}

TEST_CASE("stand-in: an identity record binds three unlike keys to the id (1000 cases)") {
  Suite suite(7);
  check_identity_records(suite, 1000);
}

TEST_CASE(
    "stand-in: an identity record or rotation with any bit flipped or cut anywhere is refused") {
  Suite suite(7);
  check_altered_identities(suite);
}

TEST_CASE("T32: stand-in: only the old key names a successor, and only one that consents") {
  Suite suite(7);
  check_rotation(suite);
}

TEST_CASE("stand-in: identity records with keys of small order are refused, signed or not") {
  Suite suite(7);
  check_unusable_keys_are_refused(suite);
}

TEST_CASE("stand-in: texts are read back, and slips of the hand are noticed (1,000 cases)") {
  Suite suite(7);
  check_text_round_trips(suite, 1000);
}

TEST_CASE(
    "T10, T40: a token is refused in another network, from another presenter, early and late") {
  Suite suite(7);
  Rng rng(1);
  const Ed25519Pair signer = new_ed25519(suite);
  for (int round = 0; round < 1000; ++round) {
    const Invitation token = random_invitation(suite, rng, signer);
    const crypto::TokenCheck good{token.network, token.invitee, token.issued};
    CHECK(crypto::check(token, good) == ErrorCode::none);
    crypto::TokenCheck wrong = good;
    wrong.network = with_bit_flipped(wrong.network, rng.below(256));
    CHECK(crypto::check(token, wrong) == ErrorCode::invalid_token);
    wrong = good;
    wrong.presenter = with_bit_flipped(wrong.presenter, rng.below(512));
    CHECK(crypto::check(token, wrong) == ErrorCode::invalid_token);
    const auto code_at = [&](WallTime now) {
      crypto::TokenCheck then = good;
      then.now = now;
      return crypto::check(token, then);
    };
    using std::chrono::milliseconds;
    using std::chrono::minutes;
    CHECK(code_at(token.expires - milliseconds(1)) == ErrorCode::none);
    CHECK(code_at(token.expires) == ErrorCode::invalid_token);
    CHECK(code_at(token.expires + milliseconds(1000)) == ErrorCode::invalid_token);
    CHECK(code_at(token.issued - minutes(5)) == ErrorCode::none);
    CHECK(code_at(token.issued - minutes(5) - milliseconds(1)) == ErrorCode::invalid_token);
    CHECK(code_at(token.issued - minutes(6)) == ErrorCode::invalid_token);
  }
}

TEST_CASE("a membership is checked like an invitation") {
  Suite suite(7);
  Rng rng(1);
  const Membership token = random_membership(suite, rng, new_ed25519(suite));
  crypto::TokenCheck against{token.network, token.member, token.issued};
  CHECK(crypto::check(token, against) == ErrorCode::none);
  against.now = token.expires;
  CHECK(crypto::check(token, against) == ErrorCode::invalid_token);
  against.now = token.issued;
  against.presenter[0] ^= 1;
  CHECK(crypto::check(token, against) == ErrorCode::invalid_token);
}

TEST_CASE("a token that lives too long, not at all or backwards is refused when it is read") {
  Suite suite(7);
  Rng rng(1);
  const Ed25519Pair signer = new_ed25519(suite);
  Invitation token = random_invitation(suite, rng, signer);
  const auto code = [&](WallTime expires) {
    token.expires = expires;
    const auto read = crypto::decode_invitation(crypto::encode(crypto::sign(token, signer)));
    return read ? ErrorCode::none : read.error();
  };
  CHECK(code(token.issued + crypto::kInvitationLifeMax) == ErrorCode::none);
  CHECK(code(token.issued + crypto::kInvitationLifeMax + std::chrono::milliseconds(1)) ==
        ErrorCode::invalid_token);
  CHECK(code(token.issued) == ErrorCode::invalid_token);
  CHECK(code(token.issued - std::chrono::milliseconds(1)) == ErrorCode::invalid_token);
  token.issued = WallTime(std::chrono::milliseconds(-1));
  CHECK(code(kSomeTime) == ErrorCode::protocol_error);
}

TEST_CASE("networks with different names have different hashes") {
  Suite suite(7);
  CHECK(crypto::network_hash(suite, "main") == crypto::network_hash(suite, "main"));
  CHECK(crypto::network_hash(suite, "main") != crypto::network_hash(suite, "main2"));
  CHECK(crypto::network_hash(suite, "") != crypto::network_hash(suite, "main"));
}

TEST_CASE("a full list of revocations takes no more, and fits into a batch and a text") {
  Suite suite(7);
  RevocationList list;
  for (std::size_t count = 0; count < crypto::kRevocationsMax; ++count) {
    crypto::InvitationNonce nonce;
    suite.random(nonce);
    REQUIRE(crypto::revoke(list, nonce));
    REQUIRE(crypto::revoke(list, {NodeId(count, 0, 0), crypto::RevocationReach::member}));
  }
  CHECK_FALSE(crypto::revoke(list, crypto::InvitationNonce{}));
  CHECK_FALSE(crypto::revoke(list, {NodeId(~0u, 0, 0), crypto::RevocationReach::member}));
  // What stands in it may still reach farther.
  CHECK(crypto::revoke(list, {NodeId(3, 0, 0), crypto::RevocationReach::branch}));
  CHECK(crypto::find(list, NodeId(3, 0, 0))->reach == crypto::RevocationReach::branch);
  CHECK(crypto::revoke(list, {NodeId(3, 0, 0), crypto::RevocationReach::member}));
  CHECK(crypto::find(list, NodeId(3, 0, 0))->reach == crypto::RevocationReach::branch);
  CHECK(crypto::is_revoked(list, list.invitations[500]));
  CHECK_FALSE(crypto::is_revoked(list, crypto::InvitationNonce{}));
  const Bytes bytes = crypto::encode(list);
  CHECK(bytes.size() < 64 * 1024);
  CHECK(crypto::from_text(suite, TextKind::revocation,
                          crypto::to_text(suite, TextKind::revocation, bytes)) == bytes);
}

TEST_CASE("a list of revocations that is not in order, repeats or states too many is refused") {
  Suite suite(7);
  const Ed25519Pair founder = new_ed25519(suite);
  RevocationList list;
  list.invitations = {{{1}}, {{2}}};
  list.members = {{NodeId(1, 0, 0), {}}, {NodeId(2, 0, 0), {}}};
  const auto code = [&] {
    const auto read = crypto::decode_revocation_list(crypto::encode(crypto::sign(list, founder)));
    return read ? ErrorCode::none : read.error();
  };
  CHECK(code() == ErrorCode::none);
  std::swap(list.invitations[0], list.invitations[1]);
  CHECK(code() == ErrorCode::protocol_error);
  list.invitations[0] = list.invitations[1];
  CHECK(code() == ErrorCode::protocol_error);
  list.invitations.clear();
  list.members[0].id = list.members[1].id;
  CHECK(code() == ErrorCode::protocol_error);
  list.members = {{NodeId(1, 0, 0), static_cast<crypto::RevocationReach>(2)}};
  CHECK(code() == ErrorCode::protocol_error);

  // A count of 1,001 with nothing behind it, and one within the bound that the bytes do not hold.
  list.members.clear();
  Bytes bytes = crypto::encode(crypto::sign(list, founder));
  const std::size_t count_at = 1 + 32 + 32 + 8 + 8;
  bytes[count_at] = 0x03;
  bytes[count_at + 1] = 0xe9;
  CHECK(crypto::decode_revocation_list(bytes).error() == ErrorCode::too_large);
  bytes[count_at + 1] = 0xe8;
  CHECK(crypto::decode_revocation_list(bytes).error() == ErrorCode::protocol_error);
}

TEST_CASE("random bytes are no token and do no harm (100,000 cases)") {
  Suite suite(7);
  Rng rng(1);
  int genuine = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes bytes(rng.below(400));
    suite.random(bytes);
    if (!bytes.empty() && rng.chance(7, 8)) bytes[0] = 1;
    if (rng.chance(1, 4)) bytes.resize(crypto::kInvitationBytes);
    if (rng.chance(1, 4)) bytes.resize(crypto::kMembershipBytes);
    const auto invitation = crypto::decode_invitation(bytes);
    if (invitation && crypto::is_genuine(*invitation)) ++genuine;
    const auto membership = crypto::decode_membership(bytes);
    if (membership && crypto::is_genuine(*membership)) ++genuine;
    const auto list = crypto::decode_revocation_list(bytes);
    if (list && crypto::is_genuine(*list)) ++genuine;
    const auto record = crypto::decode_identity_record(bytes);
    if (record && crypto::is_genuine(suite, *record)) ++genuine;
    if (crypto::from_text(suite, TextKind::invitation, as_text(bytes))) ++genuine;
  }
  CHECK(genuine == 0);
}

}  // namespace
}  // namespace trestle::test
