#include "trestle/admission/gatekeeper.hpp"

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/identity_record.hpp"

namespace trestle::test {
namespace {

using admission::Gatekeeper;
using crypto::IdentityKeys;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr WallTime kStart{milliseconds(1'790'000'000'000)};

/// A founder, a bridge that it certified, and members of that bridge.
class Network {
 public:
  explicit Network(std::uint64_t seed)
      : suite(seed), founder(someone()), bridge(someone()), member(someone()) {
    network = crypto::network_hash(suite, "test");
    certificate = crypto::encode(word_on(bridge, founder, founder));
    membership = crypto::encode(word_on(member, bridge, founder));
  }

  Gatekeeper keeper() const {
    return Gatekeeper({.network = network, .founders = {founder.message.key}});
  }
  IdentityKeys someone() { return crypto::identity_keys(suite, suite.generate()); }
  NodeId id_of(const IdentityKeys& keys) { return crypto::node_id_of(suite, keys.proof.key); }

  crypto::Membership word_on(const IdentityKeys& whom, const IdentityKeys& issuer,
                             const IdentityKeys& inviter, WallTime issued = kStart) {
    crypto::Membership token;
    token.network = network;
    token.member = whom.proof.key;
    token.message_key = whom.message.key;
    token.inviter = inviter.message.key;
    suite.random(token.nonce);
    token.issued = issued;
    token.expires = issued + crypto::kMembershipLife;
    return crypto::sign(token, issuer.message);
  }

  bool lets_in(Gatekeeper& keeper, const IdentityKeys& whom, const Bytes& shown,
               const Bytes& certified, WallTime now = kStart) {
    return keeper.check(suite, now, id_of(whom), {.membership = shown, .certificate = certified})
        .has_value();
  }

  Bytes list(std::uint64_t number, std::vector<crypto::RevokedMember> members,
             const IdentityKeys& signer) {
    crypto::RevocationList list;
    list.network = network;
    list.number = number;
    for (const crypto::RevokedMember& one : members) REQUIRE(crypto::revoke(list, one));
    return crypto::encode(crypto::sign(list, signer.message));
  }

  crypto::Suite suite;
  IdentityKeys founder;
  IdentityKeys bridge;
  IdentityKeys member;
  crypto::NetworkHash network{};
  Bytes certificate;
  Bytes membership;
};

TEST_CASE("whoever a certified bridge let in is a member, and so is the bridge") {
  Network net(1);
  Gatekeeper keeper = net.keeper();
  CHECK(net.lets_in(keeper, net.member, net.membership, net.certificate));
  CHECK(net.lets_in(keeper, net.bridge, net.certificate, {}));
  CHECK(keeper.stats().checked == 2);
  // Known by its content: the next link costs no signature.
  CHECK(net.lets_in(keeper, net.member, net.membership, net.certificate));
  CHECK(keeper.stats().checked == 2);
  CHECK(keeper.stats().refused == 0);
}

TEST_CASE("what follows from no founder makes nobody a member") {
  Network net(2);
  Gatekeeper keeper = net.keeper();
  CHECK_FALSE(net.lets_in(keeper, net.member, net.membership, {}));
  CHECK_FALSE(net.lets_in(keeper, net.bridge, net.membership, net.certificate));
  CHECK_FALSE(net.lets_in(keeper, net.member, {}, net.certificate));
  CHECK_FALSE(net.lets_in(keeper, net.member, {}, {}));
  // A member is no bridge: it cannot issue, whoever let it in.
  const IdentityKeys friend_of_member = net.someone();
  const Bytes issued = crypto::encode(net.word_on(friend_of_member, net.member, net.member));
  CHECK_FALSE(net.lets_in(keeper, friend_of_member, issued, net.membership));
  // Another founder's network, and the right network under another founder.
  Network other(3);
  CHECK_FALSE(net.lets_in(keeper, other.bridge, other.certificate, {}));
  const IdentityKeys pretender = net.someone();
  const Bytes pretended = crypto::encode(net.word_on(net.bridge, pretender, pretender));
  CHECK_FALSE(net.lets_in(keeper, net.bridge, pretended, {}));
  CHECK_FALSE(net.lets_in(keeper, net.member, net.membership, pretended));
}

TEST_CASE("a membership is good as long as it and the word on its issuer are") {
  Network net(4);
  Gatekeeper keeper = net.keeper();
  const Bytes later =
      crypto::encode(net.word_on(net.member, net.bridge, net.founder, kStart + hours(24 * 20)));
  const auto admitted = keeper.check(net.suite, kStart + hours(24 * 20), net.id_of(net.member),
                                     {.membership = later, .certificate = net.certificate});
  REQUIRE(admitted);
  CHECK(admitted->until == kStart + crypto::kMembershipLife);
  const WallTime last = kStart + crypto::kMembershipLife - milliseconds(1);
  CHECK(net.lets_in(keeper, net.member, later, net.certificate, last));
  CHECK_FALSE(net.lets_in(keeper, net.member, later, net.certificate, last + milliseconds(1)));
  // Known by its content is not known to be in its time.
  const WallTime early = kStart - crypto::kCalendarSkewMax;
  CHECK(net.lets_in(keeper, net.member, net.membership, net.certificate, early));
  CHECK_FALSE(
      net.lets_in(keeper, net.member, net.membership, net.certificate, early - milliseconds(1)));
}

TEST_CASE("T10: of 100,000 memberships and certificates with a byte changed none is accepted") {
  Network net(5);
  Gatekeeper keeper = net.keeper();
  Rng rng(5);
  REQUIRE(net.lets_in(keeper, net.member, net.membership, net.certificate));
  std::size_t accepted = 0;
  for (int count = 0; count < 100'000; ++count) {
    Bytes shown = net.membership;
    Bytes certified = net.certificate;
    Bytes& changed = rng.chance(1, 2) ? shown : certified;
    const auto place = static_cast<std::size_t>(rng.below(changed.size()));
    changed[place] ^= static_cast<std::uint8_t>(1 + rng.below(255));
    accepted += net.lets_in(keeper, net.member, shown, certified) ? 1 : 0;
  }
  CHECK(accepted == 0);
  CHECK(net.lets_in(keeper, net.member, net.membership, net.certificate));
}

TEST_CASE("who is revoked is refused, and so is what a revoked bridge issued") {
  Network net(6);
  Gatekeeper keeper = net.keeper();
  const IdentityKeys other = net.someone();
  const Bytes others = crypto::encode(net.word_on(other, net.bridge, net.founder));
  REQUIRE(keeper.adopt(
      net.list(1, {{net.id_of(net.member), crypto::RevocationReach::member}}, net.founder)));
  CHECK_FALSE(net.lets_in(keeper, net.member, net.membership, net.certificate));
  CHECK(net.lets_in(keeper, other, others, net.certificate));
  REQUIRE(keeper.adopt(
      net.list(2, {{net.id_of(net.bridge), crypto::RevocationReach::member}}, net.founder)));
  CHECK_FALSE(net.lets_in(keeper, other, others, net.certificate));
  CHECK_FALSE(net.lets_in(keeper, net.bridge, net.certificate, {}));
}

TEST_CASE("a branch is revoked as far as its memberships were seen") {
  Network net(7);
  Gatekeeper keeper = net.keeper();
  const IdentityKeys guest = net.someone();
  const IdentityKeys guest_of_guest = net.someone();
  const Bytes guests = crypto::encode(net.word_on(guest, net.bridge, net.member));
  const Bytes last = crypto::encode(net.word_on(guest_of_guest, net.bridge, guest));
  REQUIRE(net.lets_in(keeper, net.member, net.membership, net.certificate));
  REQUIRE(net.lets_in(keeper, guest, guests, net.certificate));
  REQUIRE(keeper.adopt(
      net.list(1, {{net.id_of(net.member), crypto::RevocationReach::branch}}, net.founder)));
  CHECK_FALSE(net.lets_in(keeper, guest, guests, net.certificate));
  CHECK_FALSE(net.lets_in(keeper, guest_of_guest, last, net.certificate));
}

TEST_CASE("a list of revocations is replaced by a newer one of its founder alone") {
  Network net(8);
  Gatekeeper keeper = net.keeper();
  const Gatekeeper::Mark none = keeper.mark(net.suite);
  CHECK(none == Gatekeeper::Mark{});
  const Bytes second = net.list(2, {}, net.founder);
  REQUIRE(keeper.adopt(second));
  const Gatekeeper::Mark mark = keeper.mark(net.suite);
  CHECK(mark != none);
  CHECK(keeper.adopt(second).error() == ErrorCode::outdated);
  CHECK(keeper.adopt(net.list(1, {}, net.founder)).error() == ErrorCode::outdated);
  CHECK(keeper.adopt(net.list(3, {}, net.member)).error() == ErrorCode::unauthorized);
  Bytes forged = net.list(3, {}, net.founder);
  forged.back() ^= 1;
  CHECK(keeper.adopt(forged).error() == ErrorCode::unauthorized);
  CHECK(keeper.mark(net.suite) == mark);
  CHECK(keeper.lists() == std::vector<Bytes>{second});
  REQUIRE(keeper.adopt(net.list(3, {}, net.founder)));
  CHECK(keeper.mark(net.suite) != mark);
}

TEST_CASE(
    "tokens known by content are bounded, and forgetting one costs a check and nothing else") {
  Network net(9);
  Gatekeeper keeper(
      {.network = net.network, .founders = {net.founder.message.key}, .known_max = 8});
  std::vector<std::pair<IdentityKeys, Bytes>> members;
  for (int count = 0; count < 40; ++count) {
    IdentityKeys whom = net.someone();
    Bytes token = crypto::encode(net.word_on(whom, net.bridge, net.founder));
    members.emplace_back(std::move(whom), std::move(token));
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& [whom, token] : members) {
      CHECK(net.lets_in(keeper, whom, token, net.certificate));
    }
  }
  CHECK(keeper.stats().checked >= 80);
}

}  // namespace
}  // namespace trestle::test
