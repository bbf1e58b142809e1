#include "trestle/wire/native/trace.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/json/utf8.hpp"
#include "trestle/wire/native/layout_admission.hpp"

namespace trestle::wire::native {
namespace {

/// Enough to recognise a value, short enough for a line.
constexpr std::size_t kValueBytesShown = 32;
/// Enough to tell two proofs apart, useless as a proof.
constexpr std::size_t kProofBytesShown = 4;

std::string_view word(Role role) {
  switch (role) {
    case Role::bootstrap:
      return "bootstrap";
    case Role::bridge:
      return "bridge";
    case Role::node:
      return "node";
    case Role::observer:
      return "observer";
  }
  return "?";
}

std::string_view word(Dialect dialect) {
  switch (dialect) {
    case Dialect::unknown:
      return "unknown";
    case Dialect::native:
      return "native";
    case Dialect::legacy:
      return "legacy";
  }
  return "?";
}

std::string_view word(JoinOutcome outcome) { return name(outcome); }

std::string_view word(RecordKind kind) {
  switch (kind) {
    case RecordKind::value:
      return "value";
    case RecordKind::tombstone:
      return "tombstone";
    case RecordKind::sealed:
      return "sealed";
  }
  return "?";
}

std::string_view word(StoreOutcome outcome) {
  return outcome == StoreOutcome::refreshed ? "refreshed" : "stored";
}

std::string_view word(ReplicaState state) {
  switch (state) {
    case ReplicaState::have:
      return "have";
    case ReplicaState::need:
      return "need";
    case ReplicaState::mismatch:
      return "mismatch";
    case ReplicaState::newer:
      return "newer";
    case ReplicaState::refused:
      return "refused";
  }
  return "?";
}

std::string_view word(ErrorCode code) { return trestle::name(code); }

/// Whether terminals or log readers may act on this sequence: C0, DEL, the C1 controls, the line
/// and paragraph separators.
bool is_control(std::string_view sequence) {
  if (sequence.size() == 1) return sequence[0] < 0x20 || sequence[0] == 0x7f;
  if (sequence.size() == 2) return sequence[0] == '\xc2' && sequence[1] < '\xa0';
  return sequence == "\u2028" || sequence == "\u2029";
}

/// The archive that prints (layout.hpp).
class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void number(const char* name, std::uint64_t value, std::uint64_t = 0, std::uint64_t = 0) {
    key(name);
    append_number(value);
  }
  void limited(const char* name, std::uint64_t value, std::uint64_t Limits::*) {
    number(name, value);
  }
  template <typename Choice>
  void choice(const char* name, Choice value, Choice, Choice) {
    string(name, word(value));
  }
  void flag(const char* name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  void id(const char* name, const NodeId& id) { string(name, id.to_hex()); }
  void fixed(const char* name, ByteSpan bytes) { string(name, to_hex(bytes)); }
  void proof(const char* name, ByteSpan bytes) {
    string(name, to_hex(bytes.first(std::min(bytes.size(), kProofBytesShown))) + "...");
  }
  void text(const char* name, std::string_view text, std::size_t Limits::*) { string(name, text); }
  void bytes(const char* name, ByteSpan bytes, std::size_t Limits::*) {
    if (bytes.size() <= kValueBytesShown) return string(name, to_hex(bytes));
    open(name, '{');
    number("bytes", bytes.size());
    string("starts", to_hex(bytes.first(kValueBytesShown)));
    close('}');
  }
  void contact(const char* name, const Contact& contact) { nested(name, contact); }
  void contacts(const char* name, const Contacts& contacts) {
    open(name, '[');
    for (const Contact& contact : contacts) nested(nullptr, contact);
    close(']');
  }
  void record(const char* name, const Record& record) { nested(name, record); }
  void summaries(const char* name, const std::vector<ReplicaSummary>& summaries) {
    open(name, '[');
    for (const ReplicaSummary& summary : summaries) nested(nullptr, summary);
    close(']');
  }
  void states(const char* name, const std::vector<ReplicaState>& states) {
    open(name, '[');
    for (const ReplicaState state : states) string(nullptr, word(state));
    close(']');
  }

  void string(const char* name, std::string_view text) {
    key(name);
    quote(text);
  }
  /// `name` is null for an element of a list and for the whole.
  void open(const char* name, char bracket) {
    key(name);
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }

 private:
  template <typename Item>
  void nested(const char* name, const Item& item) {
    open(name, '{');
    describe(*this, item);
    close('}');
  }

  void key(const char* name) {
    if (!first_) out_ += ',';
    first_ = false;
    if (name == nullptr) return;
    quote(name);
    out_ += ':';
  }

  void append_number(std::uint64_t value) {
    std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out_.append(digits.data(), end);
  }

  void quote(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
      const std::size_t bytes = json::utf8_sequence_bytes(text);
      if (bytes == 0) {
        out_ += "\\ufffd";
        text.remove_prefix(1);
        continue;
      }
      append_sequence(text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
    out_ += '"';
  }

  void append_sequence(std::string_view sequence) {
    if (is_control(sequence)) {
      if (sequence.size() == 3) {
        out_ += sequence == "\u2028" ? "\\u2028" : "\\u2029";
        return;
      }
      // One byte, or the second of two: in both cases the code point itself.
      out_ += "\\u00";
      out_ += to_hex(as_bytes(sequence.substr(sequence.size() - 1)));
      return;
    }
    if (sequence == "\"" || sequence == "\\") out_ += '\\';
    out_ += sequence;
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string to_json(const Envelope& envelope) {
  std::string line;
  Printer printer(line);
  printer.open(nullptr, '{');
  printer.string("type", name(envelope.message));
  if (envelope.request_id.value != 0) printer.number("request", envelope.request_id.value);
  std::visit([&printer](const auto& alternative) { describe(printer, alternative); },
             envelope.message);
  printer.close('}');
  return line;
}

}  // namespace trestle::wire::native
