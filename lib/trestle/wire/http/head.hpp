#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::http {

struct HeadLimits {
  /// The head of a request or an answer, its line ends included (T19). A browser's has about 600
  /// bytes; cookies of another service under the same name take the rest.
  std::size_t head_bytes_max = std::size_t{8} * 1024;
  /// Header lines. Browsers and three proxies come to about thirty.
  std::size_t fields_max = 64;
};

enum class HeadFlaw : std::uint8_t {
  none,
  too_large,        ///< More bytes than may be.
  too_many_fields,  ///< More header lines than may be.
  line_end,         ///< A line that does not end with CR and LF, or has a CR inside.
  start_line,       ///< An empty first line, or a first byte that begins no line of HTTP.
  folded_field,     ///< A line that begins with white space (obs-fold).
  field_name,       ///< No colon, or no token in front of it: white space there hides a name.
  field_value,      ///< A control character.
};

/// The lines in front of the body of an HTTP/1 message (RFC 9112, section 2), read as their bytes
/// come: the one parser for both directions. Strict, because what it would forgive another reader
/// might understand differently (T39). A head that is not whole within its bounds is refused, and
/// never more of it is kept.
///
/// What is found does not depend on the pieces in which the bytes come. Views into the head are
/// valid until it is changed, moved or destroyed.
class Head {
 public:
  enum class State : std::uint8_t { incomplete, complete, flawed };
  struct Field {
    std::string_view name;   ///< In lower case.
    std::string_view value;  ///< Without white space at its ends.
  };

  explicit Head(const HeadLimits& limits) : limits_(limits) {}

  /// Takes bytes up to the end of the head, and returns how many: what is left belongs to what
  /// comes behind it. Nothing is taken once it is complete or flawed.
  std::size_t on_bytes(ByteSpan bytes);

  State state() const { return state_; }
  HeadFlaw flaw() const { return flaw_; }
  /// Bytes so far.
  std::size_t size() const { return text_.size(); }

  // ---- of a complete head; names are given in lower case

  std::string_view start_line() const { return view(start_line_); }
  std::size_t fields() const { return fields_.size(); }
  Field field(std::size_t index) const;
  /// How many lines have that name.
  std::size_t count(std::string_view name) const;
  /// The value of the first line of that name.
  std::optional<std::string_view> value(std::string_view name) const;
  /// The values of all lines of that name, joined by commas, which is what they mean together
  /// (RFC 9110, section 5.3). Empty if there is none.
  std::string joined(std::string_view name) const;
  /// Whether that word is among the members of a list, in whatever case (5.6.1).
  bool lists(std::string_view name, std::string_view member) const;

 private:
  struct Place {
    std::uint32_t begin = 0;
    std::uint32_t bytes = 0;
  };
  struct FieldPlace {
    Place name;
    Place value;
  };

  std::string_view view(Place place) const {
    return std::string_view(text_).substr(place.begin, place.bytes);
  }
  void fail(HeadFlaw flaw);
  void on_line(std::size_t begin, std::size_t end);
  void on_field(std::size_t begin, std::string_view line);

  HeadLimits limits_;
  State state_ = State::incomplete;
  HeadFlaw flaw_ = HeadFlaw::none;
  std::string text_;
  std::size_t line_begins_ = 0;
  bool has_start_line_ = false;
  Place start_line_;
  std::vector<FieldPlace> fields_;
};

}  // namespace trestle::wire::http
