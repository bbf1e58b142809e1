#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// A contact as a table keeps hundreds of: 48 bytes and one block of text, where `wire::Contact`
/// takes 96 and up to two. Cannot be copied by accident; it turns into a contact where one is
/// wanted.
class KnownContact {
 public:
  KnownContact() = default;
  explicit KnownContact(const wire::Contact& contact)
      : id(contact.id),
        role(contact.role),
        dialect(contact.dialect),
        address_bytes_(static_cast<std::uint32_t>(contact.address.size())),
        metadata_bytes_(static_cast<std::uint32_t>(contact.metadata.size())) {
    if (address_bytes_ + metadata_bytes_ == 0) return;
    text_ = std::make_unique<char[]>(contact.address.size() + contact.metadata.size());
    contact.address.copy(text_.get(), contact.address.size());
    contact.metadata.copy(text_.get() + contact.address.size(), contact.metadata.size());
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
  std::uint32_t address_bytes_ = 0;
  std::uint32_t metadata_bytes_ = 0;
  std::unique_ptr<char[]> text_;
};

}  // namespace trestle::dht
