#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// A contact as a table keeps hundreds of: 40 bytes and one block of text, where `wire::Contact`
/// takes 96 and up to two. Cannot be copied by accident; it turns into a contact where one is
/// wanted. A text that is longer than any dialect lets through is left out.
class KnownContact {
 public:
  KnownContact() = default;
  explicit KnownContact(const wire::Contact& contact)
      : id(contact.id),
        role(contact.role),
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
  /// On purpose without a cast: whoever asks the table wants contacts.
  operator wire::Contact() const {
    return {.id = id,
            .role = role,
            .dialect = dialect,
            .address = std::string(address()),
            .metadata = std::string(metadata())};
  }

  NodeId id{};
  wire::Role role = wire::Role::node;
  wire::Dialect dialect = wire::Dialect::unknown;

 private:
  using TextBytes = std::uint16_t;

  static TextBytes bytes_kept(const std::string& text) {
    const bool fits = text.size() <= std::numeric_limits<TextBytes>::max();
    return fits ? static_cast<TextBytes>(text.size()) : TextBytes{0};
  }

  TextBytes address_bytes_ = 0;
  TextBytes metadata_bytes_ = 0;
  std::unique_ptr<char[]> text_;
};

}  // namespace trestle::dht
