// F7: any text as a frame of the old dialect, and as each of the opaque members with a known shape.
// What is understood has one stable form; what reads claims never fails.
#include <optional>
#include <string>
#include <string_view>

#include "entry.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/credentials.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle::fuzz {
namespace {

using namespace wire::legacy;

void check_frame(std::string_view text, const Limits& limits) {
  const auto frame = decode(text, limits);
  if (!frame) return;
  const std::string canonical = encode(*frame);
  // Numbers and escapes may be written longer than they came, so the bound is the default.
  const auto again = decode(canonical);
  MUST_HOLD(again.has_value() && *again == *frame);
  MUST_HOLD(encode(*again) == canonical);
  MUST_HOLD(type_name(*again) == type_name(*frame));
  if (const auto* registering = std::get_if<Register>(&*frame)) {
    const auto verdict =
        judge_version(registering->protocol_version, registering->build_id, "deadbeef");
    if (verdict != VersionVerdict::accepted && verdict != VersionVerdict::not_text) {
      MUST_HOLD(decode(encode(version_mismatch(verdict, *registering, "deadbeef"))).has_value());
    }
  }
}

template <typename Body>
void check_body(const RawJson& raw) {
  const auto body = decode_body<Body>(raw);
  if (!body) return;
  const RawJson written = encode_body(*body);
  MUST_HOLD(wire::json::parse(written.json).has_value());
  const auto again = decode_body<Body>(written);
  MUST_HOLD(again.has_value() && *again == *body);
}

void check_claims(const std::optional<RawJson>& metadata) {
  const MetadataLimits limits;
  const PeerDescription claims = describe_peer(metadata, limits);
  MUST_HOLD(claims.address.size() <= limits.address_bytes_max);
  MUST_HOLD(claims.node_type.size() <= limits.node_type_bytes_max);
  const wire::Contact contact = to_contact(NodeId(1, 2, 3), metadata, limits);
  MUST_HOLD(contact.metadata.size() <= limits.metadata_bytes_max);
  MUST_HOLD(contact.address == claims.address);
  const RawJson shown = metadata_of(contact);
  MUST_HOLD(wire::json::parse(shown.json).has_value());
  MUST_HOLD(describe_peer(shown, limits).address == contact.address ||
            contact.metadata.size() == limits.metadata_bytes_max || contact.metadata.empty());
  browser_key_of(metadata);
  if (const auto token = bridge_token_of(metadata)) MUST_HOLD(!token->empty());
}

}  // namespace

TRESTLE_FUZZ_TARGET(legacy_codec) {
  const std::string_view text = as_text(input);
  check_frame(text, Limits{});
  Limits small;
  small.json.bytes_max = 4096;
  small.json.depth_max = 4;
  small.text_bytes_max = 48;
  small.list_items_max = 3;
  check_frame(text, small);

  check_claims(std::nullopt);
  const std::optional<RawJson> raw = RawJson::checked(text);
  if (!raw) return;
  check_body<PeerOffer>(*raw);
  check_body<OnboardingHelp>(*raw);
  check_body<OnboardingRefusal>(*raw);
  check_body<NetworkState>(*raw);
  check_body<BridgeHealth>(*raw);
  check_body<BridgeNodeInfo>(*raw);
  check_claims(raw);
  if (const auto document = wire::json::parse(text)) {
    if (const auto metadata = document->root().member("metadata")) {
      check_claims(RawJson::checked(metadata->raw()));
    }
    if (const auto data = document->root().member("data")) {
      const auto body = RawJson::checked(data->raw());
      MUST_HOLD(body.has_value());
      check_body<PeerOffer>(*body);
      check_body<OnboardingHelp>(*body);
    }
  }
}

}  // namespace trestle::fuzz
