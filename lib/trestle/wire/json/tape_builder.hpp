#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/wire/json/document.hpp"
#include "trestle/wire/json/limits.hpp"

namespace trestle::wire::json {

/// Makes the tape of a document, token by token, for a reader that knows the grammar of arrays and
/// objects. Strings, numbers and literals are checked here, so that all readers accept the same
/// ones; so are the limits. A step that answers false has recorded why, and the text is to be given
/// up.
class TapeBuilder {
 public:
  /// What can be told before anything is copied; nothing if the text may be read.
  static std::optional<ParseError> refusal(std::string_view text, const Limits& limits);

  /// Copies `text` and puts `padding_bytes` zero bytes behind it.
  TapeBuilder(std::string_view text, const Limits& limits, std::size_t padding_bytes = 0);

  /// The owned copy; stays where it is until `finish`.
  std::string_view text() const { return document_.text(); }
  /// First byte that is no whitespace, at or behind `at`.
  std::size_t skip_whitespace(std::size_t at) const;
  /// One past the token added last.
  std::size_t cursor() const { return cursor_; }
  /// Whether the outermost value is complete.
  bool complete() const { return open_.empty() && !document_.entries_.empty(); }
  /// Array or object: the innermost open one. There must be one.
  Kind innermost() const;

  /// A '{' or '[' stands at `at`.
  bool open(std::size_t at);
  /// The innermost array or object ends with the next byte behind the cursor that is no whitespace.
  bool close();
  /// The name of a member should begin at `at`.
  bool name(std::size_t at);
  /// A string, number or literal should begin at `at`.
  bool scalar(std::size_t at);

  /// For the reader itself: records `error` and answers false.
  bool fail(ParseError error);
  /// The document, or what went wrong. The builder must not be used afterwards.
  Result<Document, ParseError> finish();

 private:
  bool add(Kind kind, std::size_t begin, std::size_t end);
  bool string(std::size_t at);
  bool number(std::size_t at);
  bool literal(std::size_t at);
  /// Appends what the escape at `at` (its backslash) stands for; answers one past it, or nothing.
  std::optional<std::size_t> decode_escape(std::size_t at);
  std::optional<std::size_t> decode_unicode_escape(std::size_t at);
  std::optional<std::uint32_t> code_unit(std::size_t at) const;
  bool decode(std::size_t begin, std::size_t end);
  bool ends_token(std::size_t at) const;

  Limits limits_;
  Document document_;
  std::vector<std::uint32_t> open_;  // entries of the arrays and objects not closed yet
  std::size_t cursor_ = 0;
  std::optional<ParseError> error_;
};

}  // namespace trestle::wire::json
