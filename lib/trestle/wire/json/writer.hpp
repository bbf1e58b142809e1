#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trestle::wire::json {

/// Appends `text` as a JSON string. Escapes exactly what JavaScript's JSON.stringify escapes, in
/// the same spelling, since peers sign such texts. Bytes that are not UTF-8 become U+FFFD: a text
/// frame with them would cost the connection.
void append_quoted(std::string& out, std::string_view text);

/// Writes one JSON object, compact, members in call order: equal calls give equal bytes.
class ObjectWriter {
 public:
  ObjectWriter& text(std::string_view name, std::string_view value);
  ObjectWriter& integer(std::string_view name, std::int64_t value);
  ObjectWriter& boolean(std::string_view name, bool value);
  ObjectWriter& null(std::string_view name);
  /// `json` must be one correct JSON value; it is copied byte for byte.
  ObjectWriter& raw(std::string_view name, std::string_view json);

  /// Closes the object and gives it away. The writer must not be used afterwards.
  std::string take();

 private:
  void begin(std::string_view name);

  std::string out_ = "{";
};

/// Writes one JSON array, compact, elements in call order.
class ArrayWriter {
 public:
  ArrayWriter& text(std::string_view value);
  ArrayWriter& raw(std::string_view json);

  /// Closes the array and gives it away. The writer must not be used afterwards.
  std::string take();

 private:
  void begin();

  std::string out_ = "[";
};

}  // namespace trestle::wire::json
