#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trestle::wire::legacy {

/// A member we carry but do not look into: `metadata`, `value`, tokens, `signal`, `data`. Its bytes
/// stay exactly as received, because peers sign such members in their own order of members
/// (protocol section 3.3). An absent member is an empty `std::optional<RawJson>`; JSON's null is
/// the text "null".
struct RawJson {
  /// One correct JSON value without surrounding whitespace, never empty.
  std::string json = "null";

  /// `text` as a JSON string.
  static RawJson of_text(std::string_view text);
  /// `text` if it is one correct JSON value, without the whitespace around it; nothing otherwise.
  /// For bytes that did not come out of a decoded frame: written unchecked, they would break the
  /// frame.
  static std::optional<RawJson> checked(std::string_view text);
  bool is_null() const { return json == "null"; }
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

}  // namespace trestle::wire::legacy
