#include "trestle/sim/frame_records.hpp"

#include <variant>

#include "trestle/wire/native/codec.hpp"

namespace trestle::sim {
namespace {

RecordPart part_of(const wire::Message& message) {
  if (std::holds_alternative<wire::Cancel>(message)) return RecordPart::withdrawal;
  if (wire::is_request(message)) return RecordPart::request;
  if (wire::is_answer(message)) return RecordPart::answer;
  return RecordPart::notification;
}

}  // namespace

bool read_frame_records(link::FrameKind kind, ByteSpan frame, std::vector<RecordHead>& records) {
  records.clear();
  if (kind != link::FrameKind::binary) return true;
  wire::native::FrameReader reader(frame, wire::native::Limits{});
  while (true) {
    const auto record = reader.next();
    if (!record) return false;
    if (!*record) return true;
    const wire::Envelope& envelope = **record;
    records.push_back(
        {wire::name(envelope.message), envelope.request_id.value, part_of(envelope.message)});
  }
}

}  // namespace trestle::sim
