#include "trestle/wire/legacy/body.hpp"

#include "trestle/wire/legacy/member_reader.hpp"
#include "trestle/wire/legacy/member_writer.hpp"
#include "trestle/wire/legacy/object_text.hpp"

namespace trestle::wire::legacy {

template <typename Body>
Result<Body, DecodeError> decode_body(const RawJson& raw, const Limits& limits) {
  const Result<json::Document, DecodeError> document = parse_object(raw.json, limits.json);
  if (!document) return refuse(document.error());
  Body body;
  MemberReader reader(document->root(), limits);
  Body::fields(body, reader);
  if (const std::optional<DecodeError> error = reader.error()) return refuse(*error);
  return body;
}

template <typename Body>
RawJson encode_body(const Body& body) {
  json::ObjectWriter out;
  MemberWriter writer(out);
  Body::fields(body, writer);
  return {out.take()};
}

#define TRESTLE_LEGACY_BODY(Body)                                                      \
  template Result<Body, DecodeError> decode_body<Body>(const RawJson&, const Limits&); \
  template RawJson encode_body<Body>(const Body&)

TRESTLE_LEGACY_BODY(PeerOffer);
TRESTLE_LEGACY_BODY(OnboardingHelp);
TRESTLE_LEGACY_BODY(OnboardingRefusal);
TRESTLE_LEGACY_BODY(NetworkState);
TRESTLE_LEGACY_BODY(BridgeHealth);
TRESTLE_LEGACY_BODY(BridgeNodeInfo);

#undef TRESTLE_LEGACY_BODY

}  // namespace trestle::wire::legacy
