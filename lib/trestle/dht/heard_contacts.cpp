#include "trestle/dht/heard_contacts.hpp"

#include <algorithm>

namespace trestle::dht {

bool HeardContacts::note(Instant now, const wire::Contact& contact) {
  const auto place = std::find_if(heard_.begin(), heard_.end(), [&](const Heard& heard) {
    return heard.contact.id == contact.id;
  });
  if (place != heard_.end()) {
    if (now - place->announced < options_.news_again_after) return false;
    heard_.erase(place);
  } else if (heard_.size() == options_.contacts_max) {
    heard_.erase(heard_.begin());
  }
  heard_.push_back({.contact = KnownContact(contact), .announced = now});
  return true;
}

void HeardContacts::forget(const NodeId& id) {
  std::erase_if(heard_, [&](const Heard& heard) { return heard.contact.id == id; });
}

void HeardContacts::discredit(const NodeId& id) {
  for (Heard& heard : heard_) {
    if (heard.contact.id == id) heard.discredited = true;
  }
}

}  // namespace trestle::dht
