#include "trestle/wire/legacy/metadata.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/credentials.hpp"

namespace trestle::wire::legacy {

namespace {

constexpr std::string_view kNativeDialectMember = "trestle";
constexpr std::int64_t kNativeDialectVersion = 1;

std::string_view node_type(Role role) {
  switch (role) {
    case Role::node:
      return "nodejs";
    case Role::bridge:
      return "bridge";
    case Role::observer:
      return "observer";
    case Role::bootstrap:
      break;
  }
  return {};  // a bootstrap node shows no metadata; checked by `describe`
}

bool is_true(json::Value object, std::string_view name) {
  const std::optional<json::Value> member = object.member(name);
  return member && member->boolean() == true;
}

bool is_false(json::Value object, std::string_view name) {
  const std::optional<json::Value> member = object.member(name);
  return member && member->boolean() == false;
}

std::string_view text_of(json::Value object, std::string_view name) {
  const std::optional<json::Value> member = object.member(name);
  const std::optional<std::string_view> text = member ? member->text() : std::nullopt;
  return text.value_or(std::string_view());
}

/// Host and port of a WebSocket URL; empty if it is none.
std::string_view authority_of(std::string_view url) {
  for (const std::string_view scheme : {"ws://", "wss://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    return url.substr(0, url.find_first_of("/?#"));
  }
  return {};
}

bool names_unspecified_host(std::string_view authority) {
  for (const std::string_view host : {"0.0.0.0", "[::]"}) {
    if (!authority.starts_with(host)) continue;
    const std::string_view behind = authority.substr(host.size());
    if (behind.empty() || behind.front() == ':') return true;
  }
  return false;
}

/// Only characters that may stand in a URL: what a peer says is logged and put into requests.
bool is_clean(std::string_view url) {
  for (const char c : url) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

bool is_dialable(std::string_view url, const MetadataLimits& limits) {
  if (url.size() > limits.address_bytes_max || !is_clean(url)) return false;
  const std::string_view authority = authority_of(url);
  return !authority.empty() && !names_unspecified_host(authority);
}

std::string_view address_of(json::Value metadata, const MetadataLimits& limits) {
  if (is_false(metadata, "canAcceptConnections")) return {};
  for (const std::string_view name : {"listeningAddress", "publicWssAddress", "websocketAddress"}) {
    const std::string_view url = text_of(metadata, name);
    if (is_dialable(url, limits)) return url;
  }
  return {};
}

void describe_token(json::Value metadata, PeerDescription& description) {
  const std::optional<json::Value> token = metadata.member("membershipToken");
  if (!token || token->kind() != json::Kind::object) return;
  description.shows_membership =
      !text_of(*token, "holder").empty() && !text_of(*token, "issuer").empty();
  description.claims_genesis = is_true(*token, "isGenesis");
}

}  // namespace

RawJson describe(const Advertisement& advertisement) {
  TRESTLE_ASSERT(advertisement.role != Role::bootstrap);
  const bool dialable = !advertisement.address.empty();
  json::ObjectWriter out;
  out.boolean("isBridgeNode", advertisement.role == Role::bridge);
  out.text("nodeType", node_type(advertisement.role));
  out.raw("capabilities", R"(["websocket"])");
  out.integer("startTime", advertisement.start_time_ms);
  if (dialable) {
    out.text("listeningAddress", advertisement.address);
    out.text("publicWssAddress", advertisement.address);
  }
  out.boolean("canRelay", false);
  out.integer("relayLoad", 0);
  out.integer("relayCapacity", 0);
  out.boolean("canAcceptConnections", dialable);
  out.boolean("canInitiateConnections", true);
  if (advertisement.membership_token)
    out.raw("membershipToken", advertisement.membership_token->json);
  if (advertisement.needs_peers) out.boolean("needsPeers", true);
  if (advertisement.lists_native_dialect) {
    out.integer(kNativeDialectMember, kNativeDialectVersion);
  }
  return {out.take()};
}

PeerDescription describe_peer(const std::optional<RawJson>& metadata,
                              const MetadataLimits& limits) {
  PeerDescription description;
  if (!metadata) return description;
  const Result<json::Document, json::ParseError> document = json::parse(metadata->json);
  if (!document) return description;
  const json::Value object = document->root();

  const std::string_view type = text_of(object, "nodeType");
  if (type.size() <= limits.node_type_bytes_max) description.node_type = type;
  description.is_bridge = is_true(object, "isBridgeNode") || type == "bridge";
  description.is_browser = type == "browser";
  description.address = address_of(object, limits);
  const std::optional<json::Value> native = object.member(kNativeDialectMember);
  description.lists_native_dialect =
      native && native->integer().value_or(0) >= kNativeDialectVersion;
  description.needs_peers = is_true(object, "needsPeers") || is_true(object, "emergencyRecovery");
  describe_token(object, description);
  return description;
}

Contact to_contact(NodeId id, const std::optional<RawJson>& metadata,
                   const MetadataLimits& limits) {
  PeerDescription description = describe_peer(metadata, limits);
  Contact contact;
  contact.id = id;
  contact.role = description.is_bridge                 ? Role::bridge
                 : description.node_type == "observer" ? Role::observer
                                                       : Role::node;
  contact.dialect = description.lists_native_dialect ? Dialect::native : Dialect::legacy;
  contact.address = std::move(description.address);
  // What a bridge says may hold the shared secret in clear (section 3.1); it must not travel on
  // with the contact.
  const bool may_travel = !bridge_token_of(metadata);
  if (metadata && !metadata->is_null() && may_travel &&
      metadata->json.size() <= limits.metadata_bytes_max) {
    contact.metadata = metadata->json;
  }
  return contact;
}

RawJson metadata_of(const Contact& contact) {
  // A contact may have come from a peer of the native dialect, which can write anything into either
  // member.
  const Result<json::Document, json::ParseError> document = json::parse(contact.metadata);
  if (document && document->root().kind() == json::Kind::object) {
    return {std::string(document->root().raw())};
  }
  Advertisement advertisement;
  advertisement.role = contact.role == Role::bootstrap ? Role::node : contact.role;
  advertisement.address = contact.address;
  advertisement.lists_native_dialect = contact.dialect == Dialect::native;
  return describe(advertisement);
}

}  // namespace trestle::wire::legacy
