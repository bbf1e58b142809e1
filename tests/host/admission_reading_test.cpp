#include "trestle/host/admission_reading.hpp"

#include <string>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/admission_files.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

constexpr WallTime kNow{std::chrono::milliseconds(1'790'000'000'000)};

/// A founder, and a node that it may have invited.
struct Bench {
  crypto::Suite suite;
  crypto::KeyPair founder = suite.generate();
  crypto::KeyPair keys = suite.generate();
  crypto::IdentityKeys founder_keys = crypto::identity_keys(suite, founder);
  node::Restored restored;

  Settings settings(ProgramKind kind = ProgramKind::node) const {
    Settings made = default_settings(kind);
    made.network_name = "main";
    return made;
  }

  crypto::Invitation invitation(WallTime issued = kNow) {
    crypto::Invitation token;
    token.network = crypto::network_hash(suite, "main");
    token.invitee = keys.key;
    suite.random(token.nonce);
    token.issued = issued;
    token.expires = issued + crypto::kInvitationLife;
    return crypto::sign(token, founder_keys.message);
  }

  std::string text(const crypto::Invitation& token) {
    return crypto::to_text(suite, crypto::TextKind::invitation, crypto::encode(token));
  }

  crypto::Membership membership(const crypto::Ed25519Pair& issuer, const crypto::KeyPair& whom) {
    crypto::Membership token;
    token.network = crypto::network_hash(suite, "main");
    token.member = whom.key;
    token.message_key = crypto::identity_keys(suite, whom).message.key;
    token.issued = kNow;
    token.expires = kNow + crypto::kMembershipLife;
    return crypto::sign(token, issuer);
  }

  Result<node::AdmissionOptions, std::string> read(const Settings& settings) {
    return read_admission(settings, suite, keys, restored, kNow);
  }

  std::string refusal(const crypto::Invitation& token) {
    Settings given = settings();
    given.invitation = text(token);
    const auto options = read(given);
    return options ? std::string() : options.error();
  }
};

bool says(const std::string& sentence, std::string_view words) {
  INFO(sentence);
  return sentence.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("who is told nothing is told what to do, and an open network asks nothing") {
  Bench bench;
  CHECK(says(bench.read(bench.settings()).error(), "--invitation"));
  CHECK(says(bench.read(bench.settings(ProgramKind::bridge)).error(), "--founder"));
  Settings open = bench.settings();
  open.admission = node::Admission::open;
  REQUIRE(bench.read(open));
  CHECK(bench.read(open)->mode == node::Admission::open);
}

TEST_CASE("a bootstrap node is the founder unless somebody else is named") {
  Bench bench;
  Settings settings = bench.settings(ProgramKind::bootstrap);
  const auto own = crypto::identity_keys(bench.suite, bench.keys).message.key;
  REQUIRE(bench.read(settings));
  CHECK(bench.read(settings)->founders == std::vector{own});
  settings.founders = {bench.founder_keys.message.key};
  CHECK(bench.read(settings)->founders == settings.founders);
}

TEST_CASE("an invited node believes its inviter, and later who stands behind its membership") {
  Bench bench;
  Settings settings = bench.settings();
  settings.invitation = bench.text(bench.invitation());
  const auto invited = bench.read(settings);
  REQUIRE(invited);
  CHECK(invited->founders == std::vector{bench.founder_keys.message.key});
  CHECK(invited->invitation.size() == crypto::kInvitationBytes);

  // A day later the invitation is over, and nobody minds.
  const crypto::KeyPair bridge = bench.suite.generate();
  const auto bridge_keys = crypto::identity_keys(bench.suite, bridge);
  bench.restored.membership = crypto::encode(bench.membership(bridge_keys.message, bench.keys));
  append(bench.restored.membership,
         crypto::encode(bench.membership(bench.founder_keys.message, bridge)));
  settings.invitation = bench.text(bench.invitation(kNow - std::chrono::hours(30)));
  const auto member = bench.read(settings);
  REQUIRE(member);
  CHECK(member->founders == std::vector{bench.founder_keys.message.key});
  CHECK(member->invitation.empty());
  CHECK(bench.read(bench.settings()));
}

TEST_CASE("an invitation that is no good is refused with its reason") {
  Bench bench;
  CHECK(bench.refusal(bench.invitation()).empty());
  CHECK(says(bench.refusal(bench.invitation(kNow - crypto::kInvitationLife)), "expired"));
  const auto ahead = crypto::kCalendarSkewMax + std::chrono::minutes(1);
  CHECK(says(bench.refusal(bench.invitation(kNow + ahead)), "calendar"));
  crypto::Invitation forged = bench.invitation();
  forged.expires += std::chrono::hours(1);
  CHECK(says(bench.refusal(forged), "forged"));
  crypto::Invitation elsewhere = bench.invitation();
  elsewhere.network = crypto::network_hash(bench.suite, "elsewhere");
  elsewhere = crypto::sign(elsewhere, bench.founder_keys.message);
  CHECK(says(bench.refusal(elsewhere), "another network"));
  crypto::Invitation others = bench.invitation();
  others.invitee = bench.founder.key;
  others = crypto::sign(others, bench.founder_keys.message);
  CHECK(says(bench.refusal(others), "is for the identity"));
}

TEST_CASE("a founder is known by its key or by what its identity command prints") {
  Bench bench;
  const auto record = crypto::make_identity_record(bench.suite, bench.founder_keys);
  const std::string printed =
      crypto::to_text(bench.suite, crypto::TextKind::identity, crypto::encode(record));
  const auto key = bench.founder_keys.message.key;
  CHECK(parse_founder(printed) == key);
  CHECK(parse_founder(to_hex(key.bytes)) == key);
  CHECK_FALSE(parse_founder(to_hex(key.bytes).substr(2)));
  CHECK_FALSE(parse_founder(printed.substr(0, printed.size() - 1)));
}

TEST_CASE("what is kept of memberships is found again, and is its owner's alone") {
  TemporaryFolder folder;
  using Part = node::SaveAdmission::Part;
  REQUIRE(keep_admission(folder.path(), {Part::membership, {1, 2, 3}}));
  REQUIRE(keep_admission(folder.path(), {Part::members, {4, 5}}));
  REQUIRE(keep_admission(folder.path(), {Part::revocations, {0, 0, 0, 1, 9}}));
  REQUIRE(keep_admission(folder.path(), {Part::membership, {6}}));
  REQUIRE(keep_admission(folder.path(), {Part::network_key, {7, 8}}));
  node::Restored restored;
  std::vector<LogRecord> news;
  recall_admission(folder.path(), restored, news);
  CHECK(restored.membership == Bytes{6});
  CHECK(restored.network_key == Bytes{7, 8});
  CHECK(restored.members == Bytes{4, 5});
  CHECK(restored.revocations == std::vector<Bytes>{{9}});
  CHECK(news.empty());
  CHECK_FALSE(keep_admission(folder.file("absent"), {Part::members, {1}}));
}
