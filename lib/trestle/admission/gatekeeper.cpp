#include "trestle/admission/gatekeeper.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::admission {

using crypto::Membership;

namespace {

constexpr std::string_view kMarkContext = "trestle revocations in force v1";

}  // namespace

Gatekeeper::Gatekeeper(GatekeeperOptions options) : options_(std::move(options)) {
  // In one order whatever the settings say, so that equal lists have equal marks.
  std::ranges::sort(options_.founders);
  const auto repeated = std::ranges::unique(options_.founders);
  options_.founders.erase(repeated.begin(), repeated.end());
  lists_.resize(options_.founders.size());
}

Result<Admitted, ErrorCode> Gatekeeper::check(crypto::Suite& suite, WallTime now,
                                              const NodeId& presenter, const Presented& presented) {
  const auto token = crypto::decode_membership(presented.membership);
  // What costs nothing first (T20).
  const bool is_possible = token && crypto::node_id_of(suite, token->member) == presenter &&
                           is_within(now, *token) && !is_revoked(suite, *token);
  const WallTime until =
      is_possible ? issuer_until(suite, now, *token, presented.certificate) : WallTime{};
  if (until <= now || !is_genuine(suite, *token)) {
    ++stats_.refused;
    return refuse(ErrorCode::invalid_token);
  }
  return Admitted{crypto::VerifiedMembership::vouch_for(*token), std::min(until, token->expires)};
}

WallTime Gatekeeper::issuer_until(crypto::Suite& suite, WallTime now, const Membership& token,
                                  ByteSpan certificate) {
  if (is_founder(token.issuer)) return token.expires;
  const auto issuer = crypto::decode_membership(certificate);
  const bool is_certified = issuer && issuer->message_key == token.issuer &&
                            is_founder(issuer->issuer) && is_within(now, *issuer) &&
                            !is_revoked(suite, *issuer) && is_genuine(suite, *issuer);
  return is_certified ? issuer->expires : WallTime{};
}

bool Gatekeeper::is_within(WallTime now, const Membership& token) const {
  return crypto::check(token, {options_.network, token.member, now}) == ErrorCode::none;
}

bool Gatekeeper::is_genuine(crypto::Suite& suite, const Membership& token) {
  const crypto::Digest256 digest = suite.sha256(crypto::encode(token));
  if (known_.contains(digest)) {
    ++stats_.known;
    return true;
  }
  ++stats_.checked;
  if (!crypto::is_genuine(token)) return false;
  remember(digest, crypto::node_id_of(suite, token.member), token);
  return true;
}

void Gatekeeper::remember(const crypto::Digest256& digest, const NodeId& id,
                          const Membership& token) {
  known_.insert(digest, token.message_key);
  known_by_age_.push_back(digest);
  seen_.insert_or_assign(token.message_key, {id, token.inviter});
  if (known_by_age_.size() <= options_.known_max) return;
  const crypto::Ed25519Key forgotten = *known_.find(known_by_age_.front());
  known_.erase(known_by_age_.front());
  known_by_age_.pop_front();
  const bool is_needed =
      std::ranges::any_of(known_, [&](const auto& entry) { return entry.second == forgotten; });
  if (!is_needed) seen_.erase(forgotten);
}

Result<crypto::VerifiedRevocationList, ErrorCode> Gatekeeper::adopt(ByteSpan bytes) {
  auto list = crypto::decode_revocation_list(bytes);
  if (!list) return refuse(list.error());
  const auto founder = std::ranges::find(options_.founders, list->founder);
  if (founder == options_.founders.end() || list->network != options_.network) {
    return refuse(ErrorCode::unauthorized);
  }
  crypto::RevocationList& in_force =
      lists_[static_cast<std::size_t>(founder - options_.founders.begin())];
  // Before the signature: what is old needs none.
  if (list->number <= in_force.number) return refuse(ErrorCode::outdated);
  if (!crypto::is_genuine(*list)) return refuse(ErrorCode::unauthorized);
  in_force = *list;
  return crypto::VerifiedRevocationList::vouch_for(std::move(*list));
}

bool Gatekeeper::is_revoked(crypto::Suite& suite, const Membership& membership) const {
  const NodeId id = crypto::node_id_of(suite, membership.member);
  const auto reach_of = [&](const NodeId& member) {
    auto reach = std::optional<crypto::RevocationReach>();
    for (const crypto::RevocationList& list : lists_) {
      const crypto::RevokedMember* const revoked = crypto::find(list, member);
      if (revoked != nullptr) reach = std::max(reach.value_or(revoked->reach), revoked->reach);
    }
    return reach;
  };
  if (reach_of(id)) return true;
  const Seen* above = seen_.find(membership.inviter);
  // A forger's ways may lead in a circle.
  for (std::size_t step = 0; above != nullptr && step < seen_.size(); ++step) {
    if (reach_of(above->id) == crypto::RevocationReach::branch) return true;
    above = seen_.find(above->inviter);
  }
  return false;
}

bool Gatekeeper::is_founder(const crypto::Ed25519Key& key) const {
  return std::ranges::binary_search(options_.founders, key);
}

Gatekeeper::Mark Gatekeeper::mark(crypto::Suite& suite) const {
  crypto::CanonicalWriter content(lists_.size() * (crypto::kCurve25519Bytes + 8));
  bool is_any_in_force = false;
  for (std::size_t index = 0; index < lists_.size(); ++index) {
    if (lists_[index].number == 0) continue;
    is_any_in_force = true;
    content.bytes(options_.founders[index].bytes).number(lists_[index].number, 8);
  }
  Mark mark{};
  if (!is_any_in_force) return mark;
  const auto digest = suite.sha256(crypto::transcript_of(kMarkContext, content.take()));
  std::copy_n(digest.begin(), mark.size(), mark.begin());
  return mark;
}

std::vector<Bytes> Gatekeeper::lists() const {
  std::vector<Bytes> encoded;
  for (const crypto::RevocationList& list : lists_) {
    if (list.number > 0) encoded.push_back(crypto::encode(list));
  }
  return encoded;
}

}  // namespace trestle::admission
