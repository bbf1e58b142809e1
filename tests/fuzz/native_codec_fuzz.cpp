// F7, F19: any bytes as a frame of the native dialect. What is understood can be said again in the
// same bytes, keeps to the limits that it was read under, and is printed without harm.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "entry.hpp"
#include "trestle/wire/json/portable/parse.hpp"
#include "trestle/wire/native/codec.hpp"
#include "trestle/wire/native/fields.hpp"
#include "trestle/wire/native/record_type.hpp"
#include "trestle/wire/native/trace.hpp"

namespace trestle::fuzz {
namespace {

using wire::native::FrameReader;
using wire::native::Limits;

/// The bodies of the records of known types, in order, as far as lengths make sense.
std::vector<ByteSpan> known_bodies(ByteSpan frame) {
  std::vector<ByteSpan> bodies;
  wire::native::Reader reader(frame);
  while (reader.left() > 0) {
    const ByteSpan body = reader.take(reader.varint());
    if (reader.failed() || body.empty()) break;
    if (wire::native::kAlternatives[body[0]] != wire::native::kUnknownRecord) {
      bodies.push_back(body);
    }
  }
  return bodies;
}

/// Our form of the record is how it came, without the fields of later versions at its end.
void check_canonical(const wire::Envelope& record, ByteSpan body) {
  Bytes frame;
  wire::native::append_record(frame, record);
  MUST_HOLD(frame.size() == wire::native::record_bytes(record));
  wire::native::Reader reader(frame);
  const ByteSpan again = reader.take(reader.varint());
  MUST_HOLD(!reader.failed() && reader.left() == 0);
  MUST_HOLD(again.size() <= body.size());
  MUST_HOLD(std::equal(again.begin(), again.end(), body.begin()));

  FrameReader second(frame, Limits{});
  const auto read = second.next();
  MUST_HOLD(read.has_value() && read->has_value() && **read == record);
  const auto end = second.next();
  MUST_HOLD(end.has_value() && !end->has_value());
}

void check_line(const wire::Envelope& record) {
  const std::string line = wire::native::to_json(record);
  MUST_HOLD(std::ranges::none_of(
      line, [](char letter) { return static_cast<unsigned char>(letter) < 0x20; }));
  wire::json::Limits limits;
  limits.bytes_max = std::size_t{16} * 1024 * 1024;
  limits.values_max = std::size_t{1024} * 1024;
  MUST_HOLD(wire::json::portable::parse(line, limits).has_value());
}

/// Those of a proven peer, of a stranger, and some that everything runs into.
Limits limits_of(std::uint8_t choice) {
  Limits limits;
  if (choice == 1) limits.frame_bytes_max = wire::native::kFrameBytesBeforeHelloMax;
  if (choice == 2) {
    limits = {.frame_bytes_max = 512,
              .records_per_frame_max = 4,
              .contacts_max = 2,
              .address_bytes_max = 16,
              .network_bytes_max = 4,
              .metadata_bytes_max = 16,
              .text_bytes_max = 8,
              .key_bytes_max = 8,
              .value_bytes_max = 16,
              .replicas_max = 2,
              .routed_bytes_max = 16,
              .ttl_ms_max = 1000};
  }
  return limits;
}

}  // namespace

TRESTLE_FUZZ_TARGET(native_codec) {
  if (input.empty()) return;
  const Limits limits = limits_of(input[0] % 3);
  const ByteSpan frame = input.subspan(1);
  const std::vector<ByteSpan> bodies = known_bodies(frame);
  FrameReader reader(frame, limits);
  std::size_t count = 0;
  while (true) {
    const auto record = reader.next();
    if (!record) {
      const auto again = reader.next();
      MUST_HOLD(!again.has_value() && again.error() == record.error());
      break;
    }
    if (!*record) {
      MUST_HOLD(count == bodies.size());
      break;
    }
    MUST_HOLD(count < bodies.size());
    MUST_HOLD(wire::native::fits(**record, limits));
    check_canonical(**record, bodies[count]);
    check_line(**record);
    ++count;
    MUST_HOLD(count + reader.unknown_records() <= limits.records_per_frame_max);
  }
}

}  // namespace trestle::fuzz
