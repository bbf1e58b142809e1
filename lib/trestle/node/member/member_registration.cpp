// The bootstrap node as a member sees it, in either dialect: dialled, asked, closed as the joiner
// orders.

#include <utility>

#include "trestle/node/member/member_node.hpp"
#include "trestle/node/request_token.hpp"

namespace trestle::node {

using link::Channel;
using link::ConnectionId;

namespace {

/// How a bootstrap node of the old system ends a connection whose first frame is ours: it takes it
/// for bad JSON (protocol of the old dialect, section 1). One of ours says goodbye with a code.
bool closed_on_first_word(const Channel::Closed& closed) {
  constexpr std::uint16_t kUnsupportedData = 1003;
  constexpr std::uint16_t kInvalidData = 1007;
  const auto protocol_error = static_cast<std::uint16_t>(link::CloseStatus::protocol_error);
  if (!closed.by_peer || closed.code != ErrorCode::connection_lost) return false;
  return closed.status == protocol_error || closed.status == kUnsupportedData ||
         closed.status == kInvalidData;
}

}  // namespace

// ---- what the joiner orders

void MemberNode::perform(Instant now, onboarding::JoinerEffect&& effect) {
  if (auto* open = std::get_if<onboarding::OpenBootstrap>(&effect)) {
    open_registration(now, *open);
  } else if (auto* ask = std::get_if<onboarding::AskJoin>(&effect)) {
    ask_join(now, ask->request);
  } else if (auto* close = std::get_if<onboarding::CloseBootstrap>(&effect)) {
    close_registration(now, close->code);
  } else if (auto* candidates = std::get_if<onboarding::Candidates>(&effect)) {
    for (const wire::Contact& contact : candidates->contacts) meet(now, contact);
  } else if (auto* joined = std::get_if<onboarding::Joined>(&effect)) {
    report_joined(*joined);
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

void MemberNode::open_registration(Instant now, const onboarding::OpenBootstrap& order) {
  registration_dialect_ = order.dialect;
  registration_ = order.dialect == wire::Dialect::legacy
                      ? channels_.dial_as_old_client(now, order.url)
                      : channels_.dial(now, order.url);
}

void MemberNode::ask_join(Instant now, const wire::JoinRequest& request) {
  if (!registration_) return;
  if (registration_dialect_ == wire::Dialect::legacy) {
    return old_bootstrap_.join(now, request, !mesh_.links().empty());
  }
  const Instant deadline = after(now, join_timeout_);
  const auto sent =
      channels_.request(now, *registration_, request, deadline, make_token(Asker::joiner, 0));
  if (!sent) joiner_.on_join_failed(now, wire::Failure{sent.error(), 0, {}});
}

void MemberNode::close_registration(Instant now, ErrorCode code) {
  if (!registration_) return;
  const ConnectionId connection = *std::exchange(registration_, std::nullopt);
  old_bootstrap_.on_closed();
  on_channel_closed(now, connection);
  channels_.close(now, connection, code, "the registration is not needed any more");
}

void MemberNode::report_joined(const onboarding::Joined& joined) {
  wire::Contact through;
  through.id = joined.introduced_by;
  if (const mesh::Link* link = mesh_.links().find(joined.introduced_by)) through = link->peer;
  outbox_.push(
      Joined{self_, through, joined.took, joined.outcome ? wire::name(*joined.outcome) : "linked"});
}

// ---- what becomes of the connection

void MemberNode::on_registration_opened(Instant now, ConnectionId connection,
                                        const wire::Contact& peer) {
  if (peer.role != wire::Role::bootstrap) {
    // Settings that name a peer as bootstrap: the URL is useless for joining, say so instead of
    // asking in vain.
    channels_.close(now, connection, ErrorCode::refused, "the peer is not a bootstrap node");
    return;
  }
  if (registration_dialect_ == wire::Dialect::legacy) old_bootstrap_.on_opened(now);
  if (!enter(now, connection)) return;
  joiner_.on_bootstrap_opened(now);
}

void MemberNode::on_registration_closed(Instant now, const Channel::Closed& closed) {
  const ConnectionId connection = *std::exchange(registration_, std::nullopt);
  old_bootstrap_.on_closed();
  on_channel_closed(now, connection);
  if (joiner_.is_bootstrap_open()) return joiner_.on_bootstrap_closed(now, closed.code);
  if (closed_on_first_word(closed)) return joiner_.on_bootstrap_misunderstood(now);
  joiner_.on_bootstrap_failed(now, closed.code, closed.text);
}

void MemberNode::on_join_ended(Instant now, const wire::Message& answer) {
  if (const auto* response = std::get_if<wire::JoinResponse>(&answer)) {
    joiner_.on_join_response(now, *response);
  } else if (const auto* failure = std::get_if<wire::Failure>(&answer)) {
    joiner_.on_join_failed(now, *failure);
  }
}

// ---- a bootstrap node of the old system

void MemberNode::perform(Instant now, LegacyRegistration::Effect&& effect) {
  if (auto* named = std::get_if<LegacyRegistration::Named>(&effect)) {
    return meet(now, named->contact);
  }
  if (auto* record = std::get_if<LogRecord>(&effect)) return outbox_.push(std::move(*record));
  if (!registration_) return;
  if (auto* text = std::get_if<LegacyRegistration::Send>(&effect)) {
    channels_.send_text(now, *registration_, std::move(text->text));
  } else if (auto* ended = std::get_if<LegacyRegistration::JoinEnded>(&effect)) {
    on_join_ended(now, ended->answer);
  } else if (auto* invited = std::get_if<LegacyRegistration::Invited>(&effect)) {
    if (!mesh_.find(invited->inviter)) old_bootstrap_.accept(now, invited->inviter);
  } else if (auto* helped = std::get_if<LegacyRegistration::AskedToInvite>(&effect)) {
    if (!mesh_.find(helped->newcomer)) old_bootstrap_.invite(now, helped->newcomer);
  } else if (auto* asked = std::get_if<LegacyRegistration::Introduce>(&effect)) {
    introduce(now, *registration_, asked->id, asked->request);
  } else if (auto* sign = std::get_if<LegacyRegistration::SignInvitation>(&effect)) {
    outbox_.push(link::Sign{*registration_, sign->ticket, std::move(sign->message)});
  } else if (std::holds_alternative<LegacyRegistration::Lost>(effect)) {
    channels_.close(now, *registration_, ErrorCode::timeout, "pings were not answered");
  }
}

void MemberNode::introduce(Instant now, ConnectionId, wire::RequestId id,
                           const wire::IntroduceRequest&) {
  answer_introduction(now, id, wire::Failure{ErrorCode::unsupported, 0, "this is not a bridge"});
}

void MemberNode::answer_introduction(Instant now, wire::RequestId id, const wire::Message& answer) {
  old_bootstrap_.respond(now, id, answer);
}

}  // namespace trestle::node
