#include "trestle/admission/membership_desk.hpp"

#include <map>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {
namespace {

using admission::DeskOptions;
using admission::MembershipDesk;
using crypto::IdentityKeys;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr WallTime kStart{milliseconds(1'790'000'000'000)};

/// A network with a founder, a desk, and whoever wants to come in.
class Network {
 public:
  explicit Network(std::uint64_t seed, DeskOptions options = {})
      : suite(seed), founder(someone()), bridge(someone()), desk_options_(std::move(options)) {
    desk_options_.network = crypto::network_hash(suite, "test");
    desk_options_.founders = {founder.message.key};
    desk_options_.issuers = {bridge.message.key};
  }

  MembershipDesk desk() const { return MembershipDesk(desk_options_); }

  IdentityKeys someone() { return crypto::identity_keys(suite, suite.generate()); }
  NodeId id_of(const IdentityKeys& keys) { return crypto::node_id_of(suite, keys.proof.key); }

  crypto::Invitation invitation(const IdentityKeys& inviter, const IdentityKeys& invitee,
                                WallTime now) {
    crypto::Invitation token;
    token.network = desk_options_.network;
    token.invitee = invitee.proof.key;
    suite.random(token.nonce);
    token.issued = now;
    token.expires = now + crypto::kInvitationLife;
    return crypto::sign(token, inviter.message);
  }

  Result<crypto::Membership, ErrorCode> redeem(MembershipDesk& desk, WallTime now,
                                               const crypto::Invitation& token,
                                               const IdentityKeys& invitee) {
    return desk.redeem(
        suite, now, crypto::VerifiedInvitation::vouch_for(token),
        crypto::VerifiedIdentity::vouch_for(crypto::make_identity_record(suite, invitee)));
  }

  ErrorCode code(MembershipDesk& desk, WallTime now, const crypto::Invitation& token,
                 const IdentityKeys& invitee) {
    const auto answer = redeem(desk, now, token, invitee);
    return answer ? ErrorCode::none : answer.error();
  }

  /// Lets somebody in.
  IdentityKeys member(MembershipDesk& desk, WallTime now, const IdentityKeys& inviter) {
    const IdentityKeys keys = someone();
    REQUIRE(redeem(desk, now, invitation(inviter, keys, now), keys));
    return keys;
  }

  /// As a bridge gives it out.
  crypto::VerifiedMembership signed_by_bridge(const crypto::Membership& granted) {
    return crypto::VerifiedMembership::vouch_for(crypto::sign(granted, bridge.message));
  }

  crypto::VerifiedRevocationList list(std::uint64_t number,
                                      std::vector<crypto::RevokedMember> members) {
    crypto::RevocationList list;
    list.network = desk_options_.network;
    list.number = number;
    for (const crypto::RevokedMember& member : members) REQUIRE(crypto::revoke(list, member));
    return crypto::VerifiedRevocationList::vouch_for(crypto::sign(list, founder.message));
  }

  crypto::Suite suite;
  IdentityKeys founder;
  IdentityKeys bridge;

 private:
  DeskOptions desk_options_;
};

TEST_CASE("an invitation makes its invitee a member, and tells who let it in") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys guest = net.someone();
  CHECK_FALSE(desk.is_member(kStart, net.id_of(guest)));
  const auto token = net.invitation(net.founder, guest, kStart);
  const auto granted = net.redeem(desk, kStart, token, guest);
  REQUIRE(granted);
  CHECK(granted->member == guest.proof.key);
  CHECK(granted->message_key == guest.message.key);
  CHECK(granted->inviter == net.founder.message.key);
  CHECK(granted->nonce == token.nonce);
  CHECK(granted->depth == 1);
  CHECK(granted->issued == kStart);
  CHECK(granted->expires == kStart + crypto::kMembershipLife);
  CHECK(desk.is_member(kStart, net.id_of(guest)));
  CHECK(desk.is_member(granted->expires - milliseconds(1), net.id_of(guest)));
  CHECK_FALSE(desk.is_member(granted->expires, net.id_of(guest)));
}

TEST_CASE("T10: the invitee may redeem again and gets the same bytes, nobody else may") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys guest = net.someone();
  const auto token = net.invitation(net.founder, guest, kStart);
  const auto first = net.redeem(desk, kStart, token, guest);
  REQUIRE(first);
  for (int hour = 0; hour < 24; ++hour) {
    const auto again = net.redeem(desk, kStart + hours(hour), token, guest);
    REQUIRE(again);
    CHECK(crypto::encode(crypto::sign(*again, net.bridge.message)) ==
          crypto::encode(crypto::sign(*first, net.bridge.message)));
    CHECK(net.code(desk, kStart + hours(hour), token, net.someone()) == ErrorCode::invalid_token);
  }
  CHECK(desk.size() == 1);
  CHECK(desk.counters().redeemed == 1);
  CHECK(desk.counters().redeemed_again == 24);
  // The invitation has ended by itself; the membership goes on.
  CHECK(net.code(desk, kStart + hours(24), token, guest) == ErrorCode::invalid_token);
  CHECK(desk.is_member(kStart + hours(24), net.id_of(guest)));
}

TEST_CASE("T10: one nonce in two invitations makes one member") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys one = net.someone();
  const IdentityKeys other = net.someone();
  const auto token = net.invitation(net.founder, one, kStart);
  auto twin = net.invitation(net.founder, other, kStart);
  twin.nonce = token.nonce;
  twin = crypto::sign(twin, net.founder.message);
  CHECK(net.code(desk, kStart, token, one) == ErrorCode::none);
  CHECK(net.code(desk, kStart, twin, other) == ErrorCode::invalid_token);
}

TEST_CASE("strangers, former members and those of another network let nobody in") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys guest = net.someone();
  CHECK(net.code(desk, kStart, net.invitation(net.someone(), guest, kStart), guest) ==
        ErrorCode::invalid_token);
  auto foreign = net.invitation(net.founder, guest, kStart);
  foreign.network[0] ^= 1;
  CHECK(net.code(desk, kStart, crypto::sign(foreign, net.founder.message), guest) ==
        ErrorCode::invalid_token);
  const IdentityKeys former = net.member(desk, kStart, net.founder);
  const WallTime later = kStart + crypto::kMembershipLife;
  CHECK(net.code(desk, later, net.invitation(former, guest, later), guest) ==
        ErrorCode::invalid_token);
  CHECK(net.code(desk, later, net.invitation(net.founder, guest, later), guest) == ErrorCode::none);
}

TEST_CASE("T6: a member has five live invitees, and its depth is bounded") {
  Network net(1, {.depth_max = 3});
  MembershipDesk desk = net.desk();
  const IdentityKeys member = net.member(desk, kStart, net.founder);
  for (int count = 0; count < 5; ++count) net.member(desk, kStart, member);
  const IdentityKeys sixth = net.someone();
  const auto token = net.invitation(member, sixth, kStart);
  CHECK(net.code(desk, kStart, token, sixth) == ErrorCode::refused);
  CHECK(desk.counters().over_budget == 1);
  CHECK(desk.invitees_of(net.id_of(member)).size() == 5);
  // Five others, a month later: those of before have ended.
  WallTime later = kStart + crypto::kMembershipLife;
  REQUIRE(net.redeem(desk, later, net.invitation(net.founder, member, later), member));
  CHECK(net.code(desk, later, net.invitation(member, sixth, later), sixth) == ErrorCode::none);

  const IdentityKeys third = net.member(desk, later, sixth);
  CHECK(desk.find(net.id_of(third))->granted.depth == 3);
  const IdentityKeys fourth = net.someone();
  CHECK(net.code(desk, later, net.invitation(third, fourth, later), fourth) == ErrorCode::refused);
  CHECK(desk.path_of(net.id_of(third)) ==
        std::vector<NodeId>{net.id_of(third), net.id_of(sixth), net.id_of(member)});
}

TEST_CASE("a membership is renewed in its second half, and the same before that") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys guest = net.someone();
  const auto granted = net.redeem(desk, kStart, net.invitation(net.founder, guest, kStart), guest);
  const auto token = net.signed_by_bridge(*granted);
  const auto early = desk.renew(net.suite, kStart + hours(24), token, guest.proof.key);
  REQUIRE(early);
  CHECK(*early == *granted);
  const WallTime late = kStart + crypto::kMembershipLife - hours(1);
  const auto renewed = desk.renew(net.suite, late, token, guest.proof.key);
  REQUIRE(renewed);
  CHECK(renewed->issued == late);
  CHECK(renewed->expires == late + crypto::kMembershipLife);
  CHECK(renewed->nonce == granted->nonce);
  CHECK(desk.counters().renewed == 1);
  // The old token again: the same new membership.
  CHECK(desk.renew(net.suite, late, token, guest.proof.key) == renewed);
  // Stolen, ended, or not from an issuer of this network.
  CHECK(desk.renew(net.suite, late, token, net.someone().proof.key).error() ==
        ErrorCode::invalid_token);
  CHECK(desk.renew(net.suite, late + hours(1), token, guest.proof.key).error() ==
        ErrorCode::invalid_token);
  const auto self_made =
      crypto::VerifiedMembership::vouch_for(crypto::sign(*granted, guest.message));
  CHECK(desk.renew(net.suite, late, self_made, guest.proof.key).error() ==
        ErrorCode::invalid_token);
}

TEST_CASE("with one bridge dead the other redeems and renews, once it is shown the inviter") {
  Network net(1);
  MembershipDesk dead = net.desk();
  MembershipDesk alive = net.desk();
  const IdentityKeys member = net.someone();
  const auto granted =
      net.redeem(dead, kStart, net.invitation(net.founder, member, kStart), member);
  const IdentityKeys guest = net.someone();
  const auto token = net.invitation(member, guest, kStart);
  CHECK(net.code(alive, kStart, token, guest) == ErrorCode::invalid_token);
  CHECK(alive.introduce(net.suite, kStart, net.signed_by_bridge(*granted)) == ErrorCode::none);
  const auto let_in = net.redeem(alive, kStart, token, guest);
  REQUIRE(let_in);
  CHECK(let_in->depth == 2);
  CHECK(alive.path_of(net.id_of(guest)) ==
        std::vector<NodeId>{net.id_of(guest), net.id_of(member)});
  const WallTime late = kStart + crypto::kMembershipLife - hours(1);
  CHECK(alive.renew(net.suite, late, net.signed_by_bridge(*granted), member.proof.key));
}

TEST_CASE("whom a former member let in does not let it in: the tree has no circle") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys former = net.member(desk, kStart, net.founder);
  const WallTime soon = kStart + hours(24);
  const IdentityKeys child = net.member(desk, soon, former);
  const IdentityKeys grandchild = net.member(desk, soon, child);
  const WallTime later = kStart + crypto::kMembershipLife;
  REQUIRE_FALSE(desk.is_member(later, net.id_of(former)));
  for (const IdentityKeys& below : {child, grandchild}) {
    REQUIRE(desk.is_member(later, net.id_of(below)));
    CHECK(net.code(desk, later, net.invitation(below, former, later), former) ==
          ErrorCode::invalid_token);
  }
  CHECK(net.code(desk, later, net.invitation(net.founder, former, later), former) ==
        ErrorCode::none);
}

TEST_CASE("nobody takes the message key of another for his own") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys victim = net.member(desk, kStart, net.founder);
  for (const crypto::Ed25519Pair& claimed : {victim.message, net.founder.message}) {
    IdentityKeys thief = net.someone();
    const auto token = net.invitation(net.founder, thief, kStart);
    thief.message = claimed;
    CHECK(net.code(desk, kStart, token, thief) == ErrorCode::invalid_token);
  }
  const IdentityKeys guest = net.someone();
  CHECK(net.code(desk, kStart, net.invitation(victim, guest, kStart), guest) == ErrorCode::none);
}

TEST_CASE("a revoked member is none, lets nobody in and is not let in again") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys bad = net.member(desk, kStart, net.founder);
  const IdentityKeys child = net.member(desk, kStart, bad);
  const IdentityKeys grandchild = net.member(desk, kStart, child);
  const IdentityKeys good = net.member(desk, kStart, net.founder);
  using Reach = crypto::RevocationReach;
  REQUIRE(desk.adopt(net.list(1, {{net.id_of(bad), Reach::member}})) == ErrorCode::none);
  CHECK_FALSE(desk.is_member(kStart, net.id_of(bad)));
  CHECK(desk.is_member(kStart, net.id_of(child)));
  const IdentityKeys guest = net.someone();
  CHECK(net.code(desk, kStart, net.invitation(bad, guest, kStart), guest) ==
        ErrorCode::invalid_token);
  CHECK(net.code(desk, kStart, net.invitation(net.founder, bad, kStart), bad) ==
        ErrorCode::invalid_token);
  REQUIRE(desk.adopt(net.list(2, {{net.id_of(bad), Reach::branch}})) == ErrorCode::none);
  CHECK_FALSE(desk.is_member(kStart, net.id_of(child)));
  CHECK_FALSE(desk.is_member(kStart, net.id_of(grandchild)));
  CHECK(desk.is_member(kStart, net.id_of(good)));
  // Who stands in the tree is known for the audit all the same.
  CHECK(desk.path_of(net.id_of(grandchild)).size() == 3);
}

TEST_CASE("a revoked invitation is not redeemed") {
  Network net(1);
  MembershipDesk desk = net.desk();
  const IdentityKeys guest = net.someone();
  const auto token = net.invitation(net.founder, guest, kStart);
  crypto::RevocationList list = *net.list(1, {});
  REQUIRE(crypto::revoke(list, token.nonce));
  REQUIRE(desk.adopt(crypto::VerifiedRevocationList::vouch_for(list)) == ErrorCode::none);
  CHECK(net.code(desk, kStart, token, guest) == ErrorCode::invalid_token);
}

TEST_CASE("T12: a list of revocations gives way to a newer one of its founder alone") {
  Network net(1);
  MembershipDesk desk = net.desk();
  using Reach = crypto::RevocationReach;
  const auto second = net.list(2, {{NodeId(1, 0, 0), Reach::member}});
  CHECK(desk.adopt(second) == ErrorCode::none);
  CHECK(desk.adopt(second) == ErrorCode::none);
  CHECK(desk.adopt(net.list(1, {})) == ErrorCode::outdated);
  CHECK(desk.adopt(net.list(2, {})) == ErrorCode::outdated);
  CHECK(desk.is_revoked(NodeId(1, 0, 0)));
  CHECK(desk.adopt(net.list(3, {})) == ErrorCode::none);
  CHECK_FALSE(desk.is_revoked(NodeId(1, 0, 0)));
  const auto of_stranger = crypto::VerifiedRevocationList::vouch_for(
      crypto::sign(*net.list(9, {}), net.someone().message));
  CHECK(desk.adopt(of_stranger) == ErrorCode::unauthorized);
  crypto::RevocationList foreign = *net.list(9, {});
  foreign.network[0] ^= 1;
  CHECK(desk.adopt(crypto::VerifiedRevocationList::vouch_for(foreign)) == ErrorCode::unauthorized);
}

TEST_CASE("a full desk refuses; a place is free when a membership has ended") {
  Network net(1, {.members_max = 3});
  MembershipDesk desk = net.desk();
  net.member(desk, kStart, net.founder);
  net.member(desk, kStart + hours(1), net.founder);
  net.member(desk, kStart + hours(2), net.founder);
  const IdentityKeys guest = net.someone();
  CHECK(net.code(desk, kStart + hours(3), net.invitation(net.founder, guest, kStart), guest) ==
        ErrorCode::store_full);
  const WallTime later = kStart + crypto::kMembershipLife;
  CHECK(net.code(desk, later, net.invitation(net.founder, guest, later), guest) == ErrorCode::none);
  CHECK(desk.size() == 3);
}

/// What one story says must be true: who holds a membership until when, who let it in.
struct Known {
  WallTime expires;
  std::size_t inviter;
  unsigned depth;
};

TEST_CASE("T10: the desk agrees with a naive model of its tree, in 1,000 random stories") {
  constexpr std::size_t kPeople = 12;
  int circles = 0;
  int refusals = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Network net(seed, {.invitees_max = 2, .depth_max = 4});
    MembershipDesk desk = net.desk();
    Rng rng(seed);
    std::vector<IdentityKeys> people = {net.founder};
    while (people.size() < kPeople) people.push_back(net.someone());
    std::map<std::size_t, Known> model;
    std::vector<std::pair<crypto::Invitation, std::size_t>> tokens;
    std::vector<std::size_t> inviters;
    WallTime now = kStart;
    for (int step = 0; step < 60; ++step) {
      now += hours(rng.below(72));
      if (tokens.empty() || rng.chance(1, 2)) {
        // The founder and members more often than strangers, so that trees grow.
        std::size_t inviter = rng.below(kPeople);
        if (rng.chance(3, 4)) {
          const std::size_t place_in_model = rng.below(model.size() + 1);
          inviter = place_in_model == 0
                        ? 0
                        : std::next(model.begin(), static_cast<int>(place_in_model) - 1)->first;
        }
        const std::size_t invitee = 1 + rng.below(kPeople - 1);
        tokens.emplace_back(net.invitation(people[inviter], people[invitee], now), invitee);
        inviters.push_back(inviter);
      }
      const std::size_t chosen = rng.below(tokens.size());
      const auto& [token, invitee] = tokens[chosen];
      const std::size_t presenter = rng.chance(1, 5) ? 1 + rng.below(kPeople - 1) : invitee;
      const auto lives = [&](std::size_t person) {
        return model.contains(person) && model.at(person).expires > now;
      };
      const std::size_t inviter = inviters[chosen];
      bool is_circle = false;
      std::size_t place = inviter;
      for (unsigned count = 0; count <= kPeople && model.contains(place); ++count) {
        is_circle = is_circle || place == presenter;
        place = model.at(place).inviter;
      }
      std::size_t live_invitees = 0;
      for (const auto& [person, known] : model) {
        if (known.inviter == inviter && known.expires > now) ++live_invitees;
      }
      ErrorCode expected = ErrorCode::none;
      const bool is_presentable = presenter == invitee && token.expires > now;
      const unsigned depth = inviter == 0 ? 0 : lives(inviter) ? model.at(inviter).depth : 99;
      if (!is_presentable) {
        expected = ErrorCode::invalid_token;
      } else if (!lives(presenter)) {
        if (depth != 99 && is_circle) ++circles;
        if (depth == 99 || is_circle || inviter == presenter)
          expected = ErrorCode::invalid_token;
        else if ((inviter != 0 && live_invitees >= 2) || depth >= 4)
          expected = ErrorCode::refused;
      }
      const auto answer = net.redeem(desk, now, token, people[presenter]);
      CHECK((answer ? ErrorCode::none : answer.error()) == expected);
      if (expected == ErrorCode::refused) ++refusals;
      if (answer && !lives(presenter)) {
        model[presenter] = {now + crypto::kMembershipLife, inviter, depth + 1};
      }
      if (answer) {
        CHECK(answer->expires == model.at(presenter).expires);
        CHECK(answer->depth == model.at(presenter).depth);
      }
      for (std::size_t person = 1; person < kPeople; ++person) {
        CHECK(desk.is_member(now, net.id_of(people[person])) == lives(person));
      }
    }
  }
  INFO("the stories reach the rare branches");
  CHECK(circles > 0);
  CHECK(refusals > 0);
}

}  // namespace
}  // namespace trestle::test
