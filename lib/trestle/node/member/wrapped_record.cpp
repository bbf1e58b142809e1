#include "trestle/node/member/wrapped_record.hpp"

#include <utility>

#include "trestle/wire/native/codec.hpp"

namespace trestle::node {

std::optional<Bytes> wrapped(const wire::Envelope& envelope) {
  const wire::native::Limits limits;
  if (!wire::native::fits(envelope, limits)) return std::nullopt;
  Bytes bytes;
  wire::native::append_record(bytes, envelope);
  if (bytes.size() > limits.routed_bytes_max) return std::nullopt;
  return bytes;
}

std::optional<wire::Envelope> unwrapped(ByteSpan bytes) {
  wire::native::FrameReader reader(bytes, wire::native::Limits{});
  auto first = reader.next();
  if (!first || !first->has_value()) return std::nullopt;
  const auto second = reader.next();
  if (!second || second->has_value() || reader.unknown_records() > 0) return std::nullopt;
  return std::move(**first);
}

}  // namespace trestle::node
