#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/wire/message/message.hpp"
#include "trestle/wire/native/decode_error.hpp"
#include "trestle/wire/native/limits.hpp"

namespace trestle::wire::native {

/// Reads one frame of the native dialect record by record (docs/protocol.md, "Frames and records").
///
///     FrameReader reader(frame, limits);
///     while (true) {
///       auto record = reader.next();
///       if (!record) { ...; break; }   // record.error() ends the connection
///       if (!*record) break;           // the end of the frame
///       handle(**record);
///     }
///
/// The frame is borrowed and must outlive the reader; envelopes own their content. Nothing is
/// allocated before its size was checked against the limits and against the bytes that are really
/// there. What came before an error in the same frame was delivered already: records stand for
/// themselves.
class FrameReader {
 public:
  FrameReader(ByteSpan frame, const Limits& limits);

  /// The next record of a known type, or nothing at the end of the frame. Records of unknown type
  /// are skipped. After an error every further call gives the same error.
  Result<std::optional<Envelope>, DecodeError> next();

  /// How many records of unknown type were skipped so far.
  std::size_t unknown_records() const { return unknown_records_; }

 private:
  using Next = Result<std::optional<Envelope>, DecodeError>;

  Next read(ByteSpan body, std::uint8_t alternative);
  Next fail(DecodeError error);

  ByteSpan rest_;
  Limits limits_;
  std::size_t records_ = 0;
  std::size_t unknown_records_ = 0;
  std::optional<DecodeError> error_;
};

/// A record on its way out. Borrows the message and weighs it once, whatever is asked afterwards;
/// both must outlive the draft.
class RecordDraft {
 public:
  RecordDraft(const Message& message, const Limits& limits);

  /// Exactly the number of bytes that `append_to` adds, so that a batch is closed before it grows
  /// over its cap.
  std::size_t bytes(RequestId id) const;
  /// Whether a peer with those limits will read the record. Ask before sending what came from a
  /// user or from a third party: a record that does not fit costs the connection.
  bool fits(RequestId id) const;
  /// Appends the record to a frame under construction. Deterministic: equal messages give equal
  /// bytes. Limits are not looked at, see `fits`.
  void append_to(Bytes& frame, RequestId id) const;

 private:
  /// What `length` counts: type, request id and fields.
  std::size_t body_bytes(RequestId id) const;

  const Message& message_;
  const Limits& limits_;
  std::size_t field_bytes_ = 0;
  bool is_within_limits_ = false;
};

// ---- the same for whoever asks one question only

void append_record(Bytes& frame, const Envelope& envelope);
std::size_t record_bytes(const Envelope& envelope);
bool fits(const Envelope& envelope, const Limits& limits);

}  // namespace trestle::wire::native
