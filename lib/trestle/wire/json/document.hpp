#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::wire::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

class Document;

/// One value of a document. A borrowed view: valid while its `Document` lives and is neither moved
/// nor assigned to.
class Value {
 public:
  class Items;
  class Members;
  struct Member;

  Kind kind() const;
  bool is_null() const { return kind() == Kind::null; }

  /// The bytes of this value exactly as received, without surrounding whitespace.
  std::string_view raw() const;

  /// The decoded characters (UTF-8) of a string; nothing for any other kind. A lone surrogate
  /// escape reads as U+FFFD, which is also what the JavaScript system makes of it whenever it turns
  /// text into bytes.
  std::optional<std::string_view> text() const;
  /// The number, if it is written without fraction and exponent and fits; nothing otherwise ("1.0"
  /// and "1e3" are not integers here: the JavaScript system never writes an integer that way).
  std::optional<std::int64_t> integer() const;
  std::optional<bool> boolean() const;

  /// The member of that name; of several, the last, as in JavaScript. Nothing if absent or if this
  /// is no object.
  std::optional<Value> member(std::string_view name) const;

  /// The elements of an array in order; empty for any other kind.
  Items items() const;
  /// The members of an object in order; empty for any other kind.
  Members members() const;

 private:
  friend class Document;
  Value(const Document* document, std::uint32_t index) : document_(document), index_(index) {}

  const Document* document_;
  std::uint32_t index_;
};

struct Value::Member {
  std::string_view name;
  Value value;
};

/// A text that was read completely and found correct: a flat tape of its values over an owned copy
/// of the text. Nothing is converted before it is asked for, except strings with escapes.
class Document {
 public:
  /// One value on the tape. The children of an array or object follow it; in an object names and
  /// values alternate.
  struct Entry {
    std::uint32_t begin = 0;  ///< First byte of the value in the text.
    std::uint32_t end = 0;    ///< One past its last byte.
    std::uint32_t next = 0;   ///< Index of the entry behind this one and all its children.
    /// Decoded characters of a string: in the text itself, or in the side buffer if it had escapes.
    std::uint32_t characters = 0;
    std::uint32_t characters_size = 0;
    Kind kind = Kind::null;
    bool escaped = false;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  Value root() const { return {this, 0}; }
  /// The text as received, including whitespace around the root.
  std::string_view text() const { return {text_.data(), text_size_}; }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  friend class Value;
  friend class TapeBuilder;

  std::string_view characters(const Entry& entry) const {
    const std::string& source = entry.escaped ? decoded_ : text_;
    return {source.data() + entry.characters, entry.characters_size};
  }

  std::string text_;            // followed by the padding some readers need
  std::size_t text_size_ = 0;   // without that padding
  std::string decoded_;         // decoded strings, one behind the other
  std::vector<Entry> entries_;  // [0] is the root
};

/// Range over the elements of an array.
class Value::Items {
 public:
  class Iterator {
   public:
    Iterator(const Document* document, std::uint32_t index) : document_(document), index_(index) {}
    Value operator*() const { return {document_, index_}; }
    Iterator& operator++() {
      index_ = document_->entries()[index_].next;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Document* document_;
    std::uint32_t index_;
  };

  Items(Iterator first, Iterator last) : first_(first), last_(last) {}
  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }
  bool empty() const { return first_ == last_; }

 private:
  Iterator first_;
  Iterator last_;
};

/// Range over the members of an object.
class Value::Members {
 public:
  class Iterator {
   public:
    Iterator(const Document* document, std::uint32_t index) : document_(document), index_(index) {}
    Member operator*() const { return {*Value(document_, index_).text(), {document_, index_ + 1}}; }
    Iterator& operator++() {
      index_ = document_->entries()[index_ + 1].next;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Document* document_;
    std::uint32_t index_;
  };

  Members(Iterator first, Iterator last) : first_(first), last_(last) {}
  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }
  bool empty() const { return first_ == last_; }

 private:
  Iterator first_;
  Iterator last_;
};

}  // namespace trestle::wire::json
