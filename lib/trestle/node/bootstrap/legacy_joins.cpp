// Joins of JavaScript clients: asked of the reception, answered in the words of the old bootstrap
// (protocol of the old dialect, section 3.1).

#include <algorithm>
#include <utility>

#include "trestle/node/bootstrap/legacy_reception.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

namespace {

/// Contacts asked for by a JavaScript client, within what one answer may name.
std::uint8_t contacts_wanted(const std::optional<std::int64_t>& max_peers) {
  constexpr std::int64_t kMost = 20;
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(max_peers.value_or(kMost), 1, kMost));
}

std::vector<legacy::PeerEntry> entries_of(const wire::Contacts& contacts) {
  std::vector<legacy::PeerEntry> entries;
  for (const wire::Contact& contact : contacts) {
    entries.push_back({contact.id.to_hex(), legacy::metadata_of(contact)});
  }
  return entries;
}

}  // namespace

void LegacyReception::on_request(Instant, ConnectionId client,
                                 const legacy::GetPeersOrGenesis& request) {
  if (!learn(client, request.node_id, request.metadata)) return;
  std::vector<OpenJoin>& joins = *joins_.insert(client, {}).first;
  const auto repeated = std::ranges::find(joins, request.request_id, &OpenJoin::request_id);
  if (repeated != joins.end()) return;  // the first one is still to be answered
  if (joins.size() >= options_.joins_per_client_max) {
    return answer(client, {request.request_id, false, std::nullopt, "Too many open requests"});
  }
  const wire::RequestId id{++last_join_};
  const legacy::PeerDescription described = legacy::describe_peer(request.metadata);
  joins.push_back({id, request.request_id, described.shows_membership, described.needs_peers});
  outbox_.push(Join{client, id, {contacts_wanted(request.max_peers), described.shows_membership}});
}

void LegacyReception::on_join_ended(Instant now, ConnectionId client, wire::RequestId request_id,
                                    const wire::Message& answer) {
  std::vector<OpenJoin>* joins = joins_.find(client);
  if (joins == nullptr) return;
  const auto place = std::ranges::find(*joins, request_id, &OpenJoin::id);
  if (place == joins->end()) return;
  const OpenJoin join = std::move(*place);
  joins->erase(place);
  if (const auto* response = std::get_if<wire::JoinResponse>(&answer)) {
    answer_join(now, client, join, *response);
  } else if (const auto* failure = std::get_if<wire::Failure>(&answer)) {
    answer_failure(client, join, *failure);
  }
  collect();
}

void LegacyReception::answer_join(Instant now, ConnectionId client, const OpenJoin& join,
                                  const wire::JoinResponse& response) {
  const NodeId asker = clients_.find(client)->contact.id;
  const std::string count = std::to_string(response.contacts.size());
  legacy::PeerOffer offer;
  offer.peers = entries_of(response.contacts);
  offer.is_genesis = response.outcome == wire::JoinOutcome::genesis;
  switch (response.outcome) {
    case wire::JoinOutcome::introduced: {
      const NodeId helper = response.contacts.empty() ? NodeId{} : response.contacts.front().id;
      // A JavaScript bridge issues the token itself: it goes on as it came.
      const auto help = bridges_.take_help(asker, response.introduced_by);
      offer.membership_token = help && help->membership_token
                                   ? help->membership_token
                                   : membership_token(now, asker, response.introduced_by, helper);
      offer.status = "peer_found";
      offer.message = "Found onboarding peer: " + helper.to_short_hex() + "...";
      // A native one needs no asking, the newcomer dials it; and whoever is here under its id is
      // not the one that proved it.
      const bool is_native =
          !response.contacts.empty() && response.contacts.front().dialect == wire::Dialect::native;
      if (!is_native) invitations_.ask_for(now, helper, asker);
      break;
    }
    case wire::JoinOutcome::genesis:
      offer.message =
          "Genesis peer designated - connect to " + count + " bridge nodes to form initial DHT";
      invitations_.ask_for_bridges(now, client, response.contacts);
      break;
    case wire::JoinOutcome::emergency:
      offer.emergency_mode = true;
      offer.status = "emergency_direct_connect";
      offer.message = "DHT network sparse - connecting directly to " + count + " available nodes";
      break;
    case wire::JoinOutcome::bridge:
      if (join.needs_peers) offer.status = "emergency_peers_for_bridge";
      break;
  }
  // One that was a member before is told so (decision 1): it resumes instead of beginning anew. Its
  // peers are found like anybody's: better ones than whoever happens to be connected here.
  if (join.rejoining && response.outcome != wire::JoinOutcome::genesis) {
    offer.reconnecting = true;
    offer.membership_token.reset();  // it has one
    offer.status = "reconnection_peers";
    offer.message = "Found " + count + " peers for reconnection";
  }
  answer(client, {join.request_id, true, legacy::encode_body(offer), std::nullopt});
}

/// An error answer would make a JavaScript client give up after three tries; an empty offer makes
/// it ask again every 10 s.
void LegacyReception::answer_failure(ConnectionId client, const OpenJoin& join,
                                     const wire::Failure& failure) {
  legacy::PeerOffer offer;
  offer.is_genesis = false;
  offer.emergency_mode = true;
  offer.status = "network_empty";
  offer.message = std::string(name(failure.code)) + ": " + failure.text;
  answer(client, {join.request_id, true, legacy::encode_body(offer), std::nullopt});
}

void LegacyReception::answer(ConnectionId client, const legacy::Response& response) {
  outbox_.push(SendText{client, legacy::encode(response)});
}

/// The token a bridge of the old system would have issued: its signature is a fixed text that
/// nobody checks (section 3.3).
legacy::RawJson LegacyReception::membership_token(Instant now, const NodeId& holder,
                                                  const NodeId& issuer,
                                                  const NodeId& helper) const {
  wire::json::ObjectWriter writer;
  writer.text("nodeId", holder.to_hex())
      .text("issuer", issuer.to_hex())
      .integer("timestamp", wall_ms(now))
      .boolean("isOpenNetwork", true)
      .text("authorizedBy", helper.to_hex())
      .text("signature", "bridge-issued-open-network-token");
  return {writer.take()};
}

}  // namespace trestle::node
