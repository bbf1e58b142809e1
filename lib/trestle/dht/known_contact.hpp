#pragma once

#include "trestle/base/node_id.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/known_address.hpp"

namespace trestle::dht {

/// A contact as a table keeps hundreds of: 40 bytes and one block of text, where `wire::Contact`
/// takes 96 and up to two. Cannot be copied by accident; it turns into a contact where one is
/// wanted.
class KnownContact : public wire::KnownAddress {
 public:
  KnownContact() = default;
  explicit KnownContact(const wire::Contact& contact)
      : wire::KnownAddress(contact), id(contact.id) {}

  /// On purpose without a cast: whoever asks the table wants contacts.
  operator wire::Contact() const { return of(id); }

  NodeId id{};
};

}  // namespace trestle::dht
