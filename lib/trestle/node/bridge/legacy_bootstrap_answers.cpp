#include "trestle/node/bridge/legacy_bootstrap_answers.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

namespace {

/// Fewer members than this and a bridge does not vouch for a network (section 5.2).
constexpr std::size_t kMembersHealthy = 2;
constexpr std::int64_t kHourMs = 60ll * 60 * 1000;

/// Tells two fragments of a network apart: a digest of who is linked here this hour. Opaque to
/// whoever gets it; null as long as nobody is.
legacy::RawJson fingerprint_of(const BridgeView& view, crypto::Suite& suite) {
  if (view.members.empty()) return {};
  std::string text = std::to_string(view.wall_ms / kHourMs);
  for (const wire::Contact& member : view.members) text += "," + member.id.to_hex();
  return legacy::RawJson::of_text(to_hex(suite.sha256(as_bytes(text))));
}

bool names_holder(const std::optional<legacy::RawJson>& token, const NodeId& holder) {
  if (!token) return false;
  const auto document = wire::json::parse(token->json);
  if (!document) return false;
  const auto root = document->root();
  if (!root.member("signature")) return false;
  for (const std::string_view name : {"holder", "nodeId"}) {
    const auto member = root.member(name);
    if (member && member->text() == holder.to_hex()) return true;
  }
  return false;
}

legacy::GenesisConnectionResult accept_genesis(const BridgeView& view, crypto::Suite& suite,
                                               const legacy::ConnectGenesisPeer& question) {
  wire::json::ObjectWriter token;
  token.text("nodeId", question.node_id.to_hex())
      .text("issuer", view.self.to_hex())
      .integer("timestamp", view.wall_ms)
      .boolean("isGenesis", true)
      .text("signature", "bridge-issued-genesis-token");  // a fixed text that nobody checks
  legacy::GenesisConnectionResult result;
  result.node_id = question.node_id;
  result.request_id = question.request_id;
  result.success = true;
  result.reason = "Genesis peer accepted as first DHT connection";
  result.timestamp = view.wall_ms;
  result.bridge_node_id = view.self;
  result.membership_token = legacy::RawJson{token.take()};
  result.network_fingerprint = fingerprint_of(view, suite);
  result.message = "Bridge node ready to observe DHT network starting with genesis peer";
  result.from = view.self.to_hex();
  return result;
}

legacy::ReconnectionResult judge_reconnection(const BridgeView& view, crypto::Suite& suite,
                                              const legacy::ValidateReconnection& question) {
  legacy::ReconnectionResult result;
  result.node_id = question.node_id;
  result.request_id = question.request_id;
  result.timestamp = view.wall_ms;
  result.from = view.self.to_hex();
  if (!names_holder(question.membership_token, question.node_id)) {
    result.reason = "Invalid membership token";
    return result;
  }
  if (view.members.size() < kMembersHealthy) {
    result.reason = "Network unhealthy: Too few active peers";
    return result;
  }
  const auto selected = std::ranges::find_if(
      view.members, [&](const wire::Contact& one) { return one.id != question.node_id; });
  if (selected == view.members.end()) {
    result.reason = "No active DHT members observed";
    return result;
  }
  const auto count = static_cast<std::int64_t>(view.members.size());
  wire::json::ObjectWriter member;
  member.text("nodeId", selected->id.to_hex()).raw("metadata", legacy::metadata_of(*selected).json);
  result.success = true;
  result.reason = "Reconnection validated";
  result.network_fingerprint = fingerprint_of(view, suite);
  result.active_peer_count = count;
  result.valid_announcement_count = count;
  result.selected_active_member = legacy::RawJson{member.take()};
  return result;
}

}  // namespace

std::optional<std::string> answer_old_bootstrap(const BridgeView& view, crypto::Suite& suite,
                                                const legacy::FrameBox& question) {
  if (const auto* genesis = std::get_if<legacy::ConnectGenesisPeer>(&question->frame)) {
    return legacy::encode(accept_genesis(view, suite, *genesis));
  }
  if (const auto* returning = std::get_if<legacy::ValidateReconnection>(&question->frame)) {
    return legacy::encode(judge_reconnection(view, suite, *returning));
  }
  return std::nullopt;
}

std::optional<wire::Contact> announced_genesis(const legacy::FrameBox& question) {
  const auto* genesis = std::get_if<legacy::ConnectGenesisPeer>(&question->frame);
  if (genesis == nullptr) return std::nullopt;
  wire::Contact contact = legacy::to_contact(genesis->node_id, genesis->metadata);
  if (contact.address.empty()) return std::nullopt;
  return contact;
}

}  // namespace trestle::node
