#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::wire {

/// A contact but for its id, as tables keep hundreds of: 16 bytes and one block of text, where
/// `Contact` takes 72 and up to two. A text that is longer than any dialect lets through is left
/// out.
class KnownAddress {
 public:
  KnownAddress() = default;
  ~KnownAddress() = default;
  KnownAddress(KnownAddress&&) = default;
  KnownAddress& operator=(KnownAddress&&) = default;
  KnownAddress(const KnownAddress& other)
      : role(other.role),
        dialect(other.dialect),
        address_bytes_(other.address_bytes_),
        metadata_bytes_(other.metadata_bytes_),
        text_(copy_of(other.text_.get(), std::size_t{address_bytes_} + metadata_bytes_)) {}
  KnownAddress& operator=(const KnownAddress& other) { return *this = KnownAddress(other); }
  explicit KnownAddress(const Contact& contact)
      : role(contact.role),
        dialect(contact.dialect),
        address_bytes_(bytes_kept(contact.address)),
        metadata_bytes_(bytes_kept(contact.metadata)) {
    const std::size_t bytes = std::size_t{address_bytes_} + metadata_bytes_;
    if (bytes == 0) return;
    text_ = std::make_unique<char[]>(bytes);
    contact.address.copy(text_.get(), address_bytes_);
    contact.metadata.copy(text_.get() + address_bytes_, metadata_bytes_);
  }

  std::string_view address() const { return {text_.get(), address_bytes_}; }
  std::string_view metadata() const {
    return {metadata_bytes_ == 0 ? nullptr : text_.get() + address_bytes_, metadata_bytes_};
  }
  Contact of(const NodeId& id) const {
    return {.id = id,
            .role = role,
            .dialect = dialect,
            .address = std::string(address()),
            .metadata = std::string(metadata())};
  }

  Role role = Role::node;
  Dialect dialect = Dialect::unknown;

 private:
  using TextBytes = std::uint16_t;

  static TextBytes bytes_kept(const std::string& text) {
    const bool fits = text.size() <= std::numeric_limits<TextBytes>::max();
    return fits ? static_cast<TextBytes>(text.size()) : TextBytes{0};
  }

  static std::unique_ptr<char[]> copy_of(const char* text, std::size_t bytes) {
    if (text == nullptr) return nullptr;
    auto copy = std::make_unique<char[]>(bytes);
    std::copy_n(text, bytes, copy.get());
    return copy;
  }

  TextBytes address_bytes_ = 0;
  TextBytes metadata_bytes_ = 0;
  std::unique_ptr<char[]> text_;
};

}  // namespace trestle::wire
