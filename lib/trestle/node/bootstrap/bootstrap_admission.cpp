// What the entrance to a network that one enters by invitation orders.

#include <utility>

#include "trestle/node/bootstrap/bootstrap_node.hpp"

namespace trestle::node {

namespace {

constexpr std::uint64_t kRedemption = std::uint64_t{1} << 63;

}  // namespace

void BootstrapNode::restore(Instant now, Restored restored) {
  for (const Bytes& list : restored.revocations) {
    entrance_.on_list(local_.wall_clock.at(now), list);
  }
  local_.credentials = entrance_.credentials();
}

void BootstrapNode::register_client(Instant now, link::ConnectionId client) {
  const link::Channel* channel = clients_.find(client);
  if (channel != nullptr) reception_.on_client_opened(now, client, channel->peer());
}

void BootstrapNode::on_membership_issued(Instant now, IssueTicket ticket,
                                         const crypto::Membership& token, Bytes) {
  entrance_.on_issued(ticket, token);
  pump(now);
}

void BootstrapNode::on_redeemed(pool::RequestToken token, const wire::Message& answer) {
  entrance_.on_bridge_answered(token.value & ~kRedemption, answer);
}

void BootstrapNode::perform(Instant now, Entrance::Effect&& effect) {
  if (const auto* admitted = std::get_if<Entrance::Admitted>(&effect)) {
    register_client(now, admitted->client);
  } else if (auto* out = std::get_if<Entrance::PutOut>(&effect)) {
    clients_.close(now, out->client, out->code, std::move(out->text));
  } else if (const auto* answer = std::get_if<Entrance::AnswerClient>(&effect)) {
    clients_.respond(now, answer->client, answer->id, answer->message);
  } else if (auto* ask = std::get_if<Entrance::AskBridge>(&effect)) {
    const auto asked = bridges_.submit(now, std::move(ask->request), pool::Hedging::never,
                                       {.value = ask->token | kRedemption});
    if (!asked) {
      entrance_.on_bridge_answered(ask->token,
                                   wire::Failure{asked.error(), 0, "no bridge could redeem it"});
    }
  } else if (const auto* told = std::get_if<Entrance::TellBridge>(&effect)) {
    bridges_.notify(now, told->bridge, told->message);
  } else if (const auto* all = std::get_if<Entrance::TellBridges>(&effect)) {
    local_.credentials = entrance_.credentials();
    bridges_.notify_all(now, all->message);
  } else if (std::holds_alternative<Entrance::WakeBridges>(effect)) {
    bridges_.wake_idle(now);
  } else if (const auto* news = std::get_if<Entrance::TellClient>(&effect)) {
    clients_.notify(now, news->client, news->message);
  } else if (auto* issue = std::get_if<IssueMembership>(&effect)) {
    outbox_.push(*issue);
  } else if (auto* save = std::get_if<SaveAdmission>(&effect)) {
    outbox_.push(std::move(*save));
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

}  // namespace trestle::node
