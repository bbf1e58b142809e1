#pragma once

#include <cstddef>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/known_contact.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

struct HeardContactsOptions {
  /// Some ten answers' worth; the oldest gives way. Strangers decide what is in here, we how much.
  std::size_t contacts_max = 256;
  /// The same contact is news again after this long: about one refresh interval.
  Duration news_again_after = std::chrono::minutes(10);
};

/// Contacts that others named and that have not shown themselves: a policy. They never enter the
/// routing table from here (T9); they serve as first candidates of a lookup while the table is
/// thin, and so that the same discovery is not announced over and over.
class HeardContacts {
 public:
  explicit HeardContacts(const HeardContactsOptions& options) : options_(options) {}

  /// Remembers the contact. True if it is news: unknown, or not announced for a while. The first
  /// address heard stays until then, so that nobody talks over it.
  bool note(Instant now, const wire::Contact& contact);
  /// It showed itself.
  void forget(const NodeId& id);
  /// It could not be reached: no candidate any more, and no news either, until it is news again.
  void discredit(const NodeId& id);

  std::size_t size() const { return heard_.size(); }
  /// Calls `look(const wire::Contact&)`, valid for the call, for every contact worth a try, oldest
  /// first.
  template <typename Look>
  void visit(Look&& look) const {
    for (const Heard& heard : heard_) {
      if (!heard.discredited) look(wire::Contact(heard.contact));
    }
  }

 private:
  struct Heard {
    KnownContact contact;
    Instant announced{};
    bool discredited = false;
  };

  HeardContactsOptions options_;
  /// Oldest first.
  std::vector<Heard> heard_;
};

}  // namespace trestle::dht
