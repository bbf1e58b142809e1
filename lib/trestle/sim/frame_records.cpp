#include "trestle/sim/frame_records.hpp"

#include <array>
#include <utility>
#include <variant>

#include "trestle/wire/native/codec.hpp"
#include "trestle/wire/native/fields.hpp"
#include "trestle/wire/native/record_type.hpp"

namespace trestle::sim {
namespace {

RecordPart part_of(const wire::Message& message) {
  if (std::holds_alternative<wire::Cancel>(message)) return RecordPart::withdrawal;
  if (wire::is_request(message)) return RecordPart::request;
  if (wire::is_answer(message)) return RecordPart::answer;
  return RecordPart::notification;
}

template <std::size_t kIndex>
RecordHead head_of_alternative() {
  const wire::Message message(std::in_place_index<kIndex>);
  return {wire::name(message), 0, part_of(message)};
}

template <std::size_t... kIndices>
std::array<RecordHead, sizeof...(kIndices)> all_heads(std::index_sequence<kIndices...>) {
  return {head_of_alternative<kIndices>()...};
}

/// What stands for a message, in the order of the alternatives of `Message`.
const RecordHead& head_of(std::uint8_t alternative) {
  static const auto heads = all_heads(std::make_index_sequence<wire::kMessageKinds>{});
  return heads[alternative];
}

}  // namespace

bool read_heads(link::FrameKind kind, ByteSpan frame, std::vector<RecordHead>& heads) {
  heads.clear();
  if (kind != link::FrameKind::binary) return true;
  wire::native::Reader reader(frame);
  while (reader.left() > 0) {
    const ByteSpan body = reader.take(reader.varint());
    if (reader.failed() || body.empty()) return false;
    const std::uint8_t alternative = wire::native::kAlternatives[body[0]];
    if (alternative == wire::native::kUnknownRecord) continue;
    wire::native::Reader fields(body.subspan(1));
    RecordHead& head = heads.emplace_back(head_of(alternative));
    head.request_id = fields.varint();
    if (fields.failed()) return false;
  }
  return true;
}

bool decodes(link::FrameKind kind, ByteSpan frame) {
  if (kind != link::FrameKind::binary) return true;
  wire::native::FrameReader reader(frame, wire::native::Limits{});
  while (true) {
    const auto record = reader.next();
    if (!record) return false;
    if (!*record) return true;
  }
}

std::optional<wire::Envelope> read_record(ByteSpan frame, std::size_t index) {
  wire::native::FrameReader reader(frame, wire::native::Limits{});
  for (std::size_t place = 0;; ++place) {
    auto record = reader.next();
    if (!record || !*record) return std::nullopt;
    if (place == index) return std::move(**record);
  }
}

}  // namespace trestle::sim
