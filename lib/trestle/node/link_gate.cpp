#include "trestle/node/link_gate.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/canonical.hpp"

namespace trestle::node {

using link::ConnectionId;

namespace {

constexpr std::size_t kLengthBytes = 4;

admission::GatekeeperOptions keeper_options(const AdmissionOptions& options, crypto::Suite& suite,
                                            std::string_view network) {
  admission::GatekeeperOptions made;
  if (options.mode == Admission::open) return made;
  made.network = crypto::network_hash(suite, network);
  made.founders = options.founders;
  return made;
}

}  // namespace

LinkGate::LinkGate(const AdmissionOptions& options, crypto::Suite& suite, std::string_view network)
    : options_(options), suite_(&suite), keeper_(keeper_options(options, suite, network)) {}

bool LinkGate::is_due(const wire::Contact& peer) const {
  return is_on() && peer.dialect != wire::Dialect::legacy && peer.role != wire::Role::bootstrap;
}

bool LinkGate::hold(Instant now, ConnectionId connection, const wire::Contact& peer) {
  if (newcomers_.size() >= options_.newcomers_max) {
    ++stats_.no_room_total;
    return false;
  }
  newcomers_.insert_or_assign(connection,
                              {peer.id, peer.role, after(now, options_.newcomer_within)});
  return true;
}

Verdict LinkGate::present(WallTime wall, ConnectionId connection,
                          const wire::Credentials& credentials) {
  const Newcomer* const newcomer = newcomers_.find(connection);
  Inside* const member = inside_.find(connection);
  if (newcomer == nullptr && member == nullptr) return Verdict::unasked;
  if (newcomer != nullptr && credentials.membership.empty()) return Verdict::newcomer;
  const NodeId id = newcomer != nullptr ? newcomer->id : member->id;
  const wire::Role role = newcomer != nullptr ? newcomer->role : member->role;
  auto admitted =
      keeper_.check(*suite_, wall, id,
                    {.membership = credentials.membership, .certificate = credentials.certificate});
  const bool is_what_it_says =
      admitted && (role != wire::Role::bridge || keeper_.is_founder(admitted->membership->issuer));
  if (!is_what_it_says) {
    ++stats_.refused_total;
    return Verdict::refused;
  }
  if (member != nullptr) {
    member->as = std::move(*admitted);
    return Verdict::renewed;
  }
  newcomers_.erase(connection);
  inside_.insert(connection, {id, role, std::move(*admitted)});
  return Verdict::admitted;
}

void LinkGate::forget(ConnectionId connection) {
  newcomers_.erase(connection);
  inside_.erase(connection);
}

std::vector<ConnectionId> LinkGate::overdue(Instant now) const {
  std::vector<ConnectionId> late;
  for (const auto& [connection, newcomer] : newcomers_) {
    if (newcomer.due <= now) late.push_back(connection);
  }
  return late;
}

std::vector<ConnectionId> LinkGate::unwelcome(WallTime wall) {
  std::vector<ConnectionId> ended;
  for (const auto& [connection, member] : inside_) {
    const bool is_revoked = keeper_.is_revoked(*suite_, *member.as.membership);
    const bool has_ended = member.as.until <= wall;
    if (!is_revoked && !has_ended) continue;
    ++(is_revoked ? stats_.revoked_total : stats_.expired_total);
    ended.push_back(connection);
  }
  return ended;
}

std::vector<ConnectionId> LinkGate::admitted() const {
  std::vector<ConnectionId> links;
  links.reserve(inside_.size());
  for (const auto& [connection, member] : inside_) links.push_back(connection);
  return links;
}

const crypto::Membership* LinkGate::membership(ConnectionId connection) const {
  const Inside* const member = inside_.find(connection);
  return member != nullptr ? &*member->as.membership : nullptr;
}

bool LinkGate::lacks_lists(const wire::RevocationsMark& theirs) const {
  return mark_ != wire::RevocationsMark{} && mark_ != theirs;
}

Result<crypto::VerifiedRevocationList, ErrorCode> LinkGate::adopt(ByteSpan list) {
  auto adopted = keeper_.adopt(list);
  if (adopted) mark_ = keeper_.mark(*suite_);
  return adopted;
}

Instant LinkGate::next_deadline() const {
  Instant next = kNever;
  for (const auto& [connection, newcomer] : newcomers_) next = std::min(next, newcomer.due);
  return next;
}

LinkGateStats LinkGate::stats() const {
  LinkGateStats stats = stats_;
  stats.newcomers = newcomers_.size();
  stats.admitted = inside_.size();
  return stats;
}

Bytes pack(const std::vector<Bytes>& lists) {
  crypto::CanonicalWriter writer(0);
  for (const Bytes& list : lists) writer.number(list.size(), kLengthBytes).bytes(list);
  return writer.take();
}

std::vector<Bytes> unpack(ByteSpan packed) {
  std::vector<Bytes> lists;
  while (packed.size() >= kLengthBytes) {
    crypto::CanonicalReader reader(packed.first(kLengthBytes));
    const std::uint64_t length = reader.number(kLengthBytes);
    packed = packed.subspan(kLengthBytes);
    if (length > packed.size()) break;
    const ByteSpan list = packed.first(static_cast<std::size_t>(length));
    lists.emplace_back(list.begin(), list.end());
    packed = packed.subspan(list.size());
  }
  return lists;
}

wire::Failure not_a_member() {
  return {ErrorCode::unauthorized, 0,
          "this network is entered by invitation: redeem one first (--invitation)"};
}

}  // namespace trestle::node
