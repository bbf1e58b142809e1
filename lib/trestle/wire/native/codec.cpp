#include "trestle/wire/native/codec.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/native/fields.hpp"
#include "trestle/wire/native/layout_admission.hpp"
#include "trestle/wire/native/record_type.hpp"

namespace trestle::wire::native {
namespace {

/// The type number is one byte.
constexpr std::size_t kTypeBytes = 1;

/// The smallest contact: its id, role and dialect, two empty texts. A list that claims more
/// contacts than the bytes left could hold is refused before space is reserved for them.
constexpr std::size_t kContactBytesMin = NodeId::kBytes + 4;
/// The smallest summary: place, two short numbers, digest.
constexpr std::size_t kSummaryBytesMin = NodeId::kBytes + 2 + sizeof(RecordDigest);

/// Whether a record of this message refers to a request (its own, or the one it answers or
/// withdraws).
bool needs_request_id(const Message& message) {
  return is_request(message) || is_answer(message) || std::holds_alternative<Cancel>(message);
}

bool request_id_is_right(RequestId id, const Message& message) {
  return (id.value != 0) == needs_request_id(message);
}

// ---- the three archives (layout.hpp)

/// Counts the bytes of a message and notes whether all of it lies within the limits.
class Meter {
 public:
  explicit Meter(const Limits& limits) : limits_(limits) {}

  std::size_t total() const { return total_; }
  bool within_limits() const { return within_limits_; }

  void number(const char*, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    total_ += varint_bytes(value);
    demand(low <= value && value <= high);
  }
  void limited(const char*, std::uint64_t value, std::uint64_t Limits::* limit) {
    number("", value, 0, limits_.*limit);
  }
  template <typename Choice>
  void choice(const char*, Choice value, Choice low, Choice high) {
    total_ += 1;
    demand(low <= value && value <= high);
  }
  void flag(const char*, bool) { total_ += 1; }
  void id(const char*, const NodeId&) { total_ += NodeId::kBytes; }
  void fixed(const char*, ByteSpan bytes) { total_ += bytes.size(); }
  void proof(const char*, ByteSpan bytes) { total_ += bytes.size(); }
  void text(const char*, std::string_view text, std::size_t Limits::* limit) {
    bytes("", as_bytes(text), limit);
  }
  void bytes(const char*, ByteSpan bytes, std::size_t Limits::* limit) {
    total_ += varint_bytes(bytes.size()) + bytes.size();
    demand(bytes.size() <= limits_.*limit);
  }
  void contact(const char*, const Contact& contact) { describe(*this, contact); }
  void contacts(const char*, const Contacts& contacts) {
    total_ += varint_bytes(contacts.size());
    demand(contacts.size() <= limits_.contacts_max);
    for (const Contact& contact : contacts) describe(*this, contact);
  }
  void record(const char*, const Record& record) { describe(*this, record); }
  void summaries(const char*, const std::vector<ReplicaSummary>& summaries) {
    total_ += varint_bytes(summaries.size());
    demand(summaries.size() <= limits_.replicas_max);
    for (const ReplicaSummary& summary : summaries) describe(*this, summary);
  }
  void states(const char*, const std::vector<ReplicaState>& states) {
    total_ += varint_bytes(states.size());
    demand(states.size() <= limits_.replicas_max);
    for (const ReplicaState& state : states) {
      choice("", state, ReplicaState::have, ReplicaState::refused);
    }
  }

 private:
  void demand(bool holds) { within_limits_ = within_limits_ && holds; }

  const Limits& limits_;
  std::size_t total_ = 0;
  bool within_limits_ = true;
};

/// Writes a message into space that a `Meter` has measured.
class Encoder {
 public:
  explicit Encoder(Writer& writer) : writer_(writer) {}

  void number(const char*, std::uint64_t value, std::uint64_t, std::uint64_t) {
    writer_.varint(value);
  }
  void limited(const char*, std::uint64_t value, std::uint64_t Limits::*) { writer_.varint(value); }
  template <typename Choice>
  void choice(const char*, Choice value, Choice, Choice) {
    writer_.byte(static_cast<std::uint8_t>(value));
  }
  void flag(const char*, bool value) { writer_.byte(value ? 1 : 0); }
  void id(const char*, const NodeId& id) { writer_.raw(id.to_bytes()); }
  void fixed(const char*, ByteSpan bytes) { writer_.raw(bytes); }
  void proof(const char*, ByteSpan bytes) { writer_.raw(bytes); }
  void text(const char*, std::string_view text, std::size_t Limits::*) {
    writer_.sized(as_bytes(text));
  }
  void bytes(const char*, ByteSpan bytes, std::size_t Limits::*) { writer_.sized(bytes); }
  void contact(const char*, const Contact& contact) { describe(*this, contact); }
  void contacts(const char*, const Contacts& contacts) {
    writer_.varint(contacts.size());
    for (const Contact& contact : contacts) describe(*this, contact);
  }
  void record(const char*, const Record& record) { describe(*this, record); }
  void summaries(const char*, const std::vector<ReplicaSummary>& summaries) {
    writer_.varint(summaries.size());
    for (const ReplicaSummary& summary : summaries) describe(*this, summary);
  }
  void states(const char*, const std::vector<ReplicaState>& states) {
    writer_.varint(states.size());
    for (const ReplicaState state : states) writer_.byte(static_cast<std::uint8_t>(state));
  }

 private:
  Writer& writer_;
};

/// Reads a message. Failures stay in the reader; what was read until then is thrown away with the
/// message.
class Decoder {
 public:
  Decoder(Reader& reader, const Limits& limits) : reader_(reader), limits_(limits) {}

  template <std::unsigned_integral Number>
  void number(const char*, Number& value, std::uint64_t low, std::uint64_t high) {
    const std::uint64_t read = reader_.varint();
    if (read < low || read > high) return reader_.fail(DecodeError::malformed);
    value = static_cast<Number>(read);
  }
  void limited(const char*, std::uint64_t& value, std::uint64_t Limits::* limit) {
    const std::uint64_t read = reader_.varint();
    if (read > limits_.*limit) return reader_.fail(DecodeError::oversized);
    value = read;
  }
  template <typename Choice>
  void choice(const char*, Choice& value, Choice low, Choice high) {
    const auto read = static_cast<Choice>(reader_.byte());
    if (read < low || read > high) return reader_.fail(DecodeError::malformed);
    value = read;
  }
  void flag(const char*, bool& value) {
    const std::uint8_t read = reader_.byte();
    if (read > 1) return reader_.fail(DecodeError::malformed);
    value = read == 1;
  }
  void id(const char*, NodeId& id) {
    const ByteSpan taken = reader_.take(NodeId::kBytes);
    if (!taken.empty()) id = NodeId::from_bytes(taken.first<NodeId::kBytes>());
  }
  template <std::size_t kSize>
  void fixed(const char*, std::array<std::uint8_t, kSize>& out) {
    const ByteSpan taken = reader_.take(kSize);
    std::copy(taken.begin(), taken.end(), out.begin());
  }
  template <std::size_t kSize>
  void proof(const char*, std::array<std::uint8_t, kSize>& out) {
    fixed("", out);
  }
  void text(const char*, std::string& out, std::size_t Limits::* limit) {
    out = std::string(as_text(reader_.sized(limits_.*limit)));
  }
  void bytes(const char*, Bytes& out, std::size_t Limits::* limit) {
    const ByteSpan taken = reader_.sized(limits_.*limit);
    out.assign(taken.begin(), taken.end());
  }
  void contact(const char*, Contact& contact) { describe(*this, contact); }
  void contacts(const char*, Contacts& contacts) {
    const std::uint64_t count = reader_.varint();
    if (count > limits_.contacts_max) return reader_.fail(DecodeError::oversized);
    if (count > reader_.left() / kContactBytesMin) return reader_.fail(DecodeError::truncated);
    contacts.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; index < count && !reader_.failed(); ++index) {
      describe(*this, contacts.emplace_back());
    }
  }
  void record(const char*, Record& record) { describe(*this, record); }
  void summaries(const char*, std::vector<ReplicaSummary>& summaries) {
    const std::uint64_t count = reader_.varint();
    if (count > limits_.replicas_max) return reader_.fail(DecodeError::oversized);
    if (count > reader_.left() / kSummaryBytesMin) return reader_.fail(DecodeError::truncated);
    summaries.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; index < count && !reader_.failed(); ++index) {
      describe(*this, summaries.emplace_back());
    }
  }
  void states(const char*, std::vector<ReplicaState>& states) {
    const std::uint64_t count = reader_.varint();
    if (count > limits_.replicas_max) return reader_.fail(DecodeError::oversized);
    if (count > reader_.left()) return reader_.fail(DecodeError::truncated);
    states.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; index < count && !reader_.failed(); ++index) {
      choice("", states.emplace_back(), ReplicaState::have, ReplicaState::refused);
    }
  }

 private:
  Reader& reader_;
  const Limits& limits_;
};

// ---- from type number to message

using ReadMessage = void (*)(Decoder&, Message&);

template <std::size_t kIndex>
void read_message(Decoder& decoder, Message& message) {
  describe(decoder, message.emplace<kIndex>());
}

template <std::size_t... kIndices>
constexpr std::array<ReadMessage, sizeof...(kIndices)> readers(std::index_sequence<kIndices...>) {
  return {&read_message<kIndices>...};
}

/// In the order of the alternatives of `Message`.
constexpr auto kReaders = readers(std::make_index_sequence<kMessageKinds>{});

template <typename Archive>
void describe_message(Archive& archive, const Message& message) {
  std::visit([&archive](const auto& alternative) { describe(archive, alternative); }, message);
}

/// Stands for "any size", where only the weight of a message is asked for.
constexpr Limits kNoMatter;

}  // namespace

std::string_view name(DecodeError error) {
  switch (error) {
    case DecodeError::truncated:
      return "truncated";
    case DecodeError::oversized:
      return "oversized";
    case DecodeError::malformed:
      return "malformed";
    case DecodeError::too_many_records:
      return "too_many_records";
  }
  return "";
}

FrameReader::FrameReader(ByteSpan frame, const Limits& limits) : rest_(frame), limits_(limits) {
  if (frame.size() > limits_.frame_bytes_max) error_ = DecodeError::oversized;
}

FrameReader::Next FrameReader::fail(DecodeError error) {
  error_ = error;
  return refuse(error);
}

FrameReader::Next FrameReader::next() {
  if (error_) return refuse(*error_);
  while (!rest_.empty()) {
    if (records_ == limits_.records_per_frame_max) return fail(DecodeError::too_many_records);
    ++records_;

    Reader frame(rest_);
    const ByteSpan body = frame.take(frame.varint());
    if (frame.failed()) return fail(frame.error());
    if (body.empty()) return fail(DecodeError::malformed);
    rest_ = rest_.last(frame.left());

    const std::uint8_t alternative = kAlternatives[body[0]];
    if (alternative != kUnknownRecord) return read(body, alternative);
    ++unknown_records_;
  }
  return std::nullopt;
}

/// One variable from first to last, so that the message is read where the caller will find it and
/// is never moved.
FrameReader::Next FrameReader::read(ByteSpan body, std::uint8_t alternative) {
  Next next(std::in_place, std::in_place);
  Envelope& envelope = **next;
  Reader reader(body.subspan(kTypeBytes));
  envelope.request_id.value = reader.varint();
  Decoder decoder(reader, limits_);
  kReaders[alternative](decoder, envelope.message);
  if (reader.failed()) {
    next = fail(reader.error());
  } else if (!request_id_is_right(envelope.request_id, envelope.message)) {
    next = fail(DecodeError::malformed);
  }
  return next;
}

// ---- the way out

RecordDraft::RecordDraft(const Message& message, const Limits& limits)
    : message_(message), limits_(limits) {
  Meter meter(limits);
  describe_message(meter, message);
  field_bytes_ = meter.total();
  is_within_limits_ = meter.within_limits();
}

std::size_t RecordDraft::body_bytes(RequestId id) const {
  return kTypeBytes + varint_bytes(id.value) + field_bytes_;
}

std::size_t RecordDraft::bytes(RequestId id) const {
  const std::size_t body = body_bytes(id);
  return varint_bytes(body) + body;
}

bool RecordDraft::fits(RequestId id) const {
  return is_within_limits_ && request_id_is_right(id, message_) &&
         bytes(id) <= limits_.frame_bytes_max;
}

void RecordDraft::append_to(Bytes& frame, RequestId id) const {
  const std::size_t body = body_bytes(id);
  const std::size_t begin = frame.size();
  // resize grows the storage by a factor, so that many small records do not copy the frame again
  // and again.
  frame.resize(begin + varint_bytes(body) + body);

  Writer writer(std::span<std::uint8_t>(frame).subspan(begin));
  writer.varint(body);
  writer.byte(static_cast<std::uint8_t>(kRecordTypes[message_.index()]));
  writer.varint(id.value);
  Encoder encoder(writer);
  describe_message(encoder, message_);
  TRESTLE_ASSERT(writer.left() == 0);
}

void append_record(Bytes& frame, const Envelope& envelope) {
  RecordDraft(envelope.message, kNoMatter).append_to(frame, envelope.request_id);
}

std::size_t record_bytes(const Envelope& envelope) {
  return RecordDraft(envelope.message, kNoMatter).bytes(envelope.request_id);
}

bool fits(const Envelope& envelope, const Limits& limits) {
  return RecordDraft(envelope.message, limits).fits(envelope.request_id);
}

}  // namespace trestle::wire::native
