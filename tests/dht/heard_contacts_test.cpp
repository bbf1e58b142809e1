#include "trestle/dht/heard_contacts.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::random_id;

wire::Contacts all_of(const HeardContacts& heard) {
  wire::Contacts contacts;
  heard.visit([&](const wire::Contact& contact) { contacts.push_back(contact); });
  return contacts;
}

}  // namespace

TEST_CASE("The same contact is news once in ten minutes, and nobody talks over its address") {
  Rng rng(1);
  HeardContacts heard({});
  const wire::Contact first = dialable(random_id(rng));
  wire::Contact other = first;
  other.address = "ws://elsewhere.test:1";
  CHECK(heard.note(at(0s), first));
  CHECK_FALSE(heard.note(at(599s), other));
  CHECK(all_of(heard) == wire::Contacts{first});
  CHECK(heard.note(at(600s), other));
  CHECK(all_of(heard) == wire::Contacts{other});
}

TEST_CASE("A discredited contact is no candidate and no news for a while") {
  Rng rng(1);
  HeardContacts heard({});
  const wire::Contact contact = dialable(random_id(rng));
  heard.note(at(0s), contact);
  heard.discredit(contact.id);
  CHECK(all_of(heard).empty());
  CHECK_FALSE(heard.note(at(1s), contact));
  CHECK(all_of(heard).empty());
  CHECK(heard.note(at(600s), contact));
  CHECK(all_of(heard).size() == 1);
  heard.forget(contact.id);
  CHECK(heard.size() == 0);
}

TEST_CASE("Strangers decide what is remembered, we how much: the oldest gives way") {
  Rng rng(2);
  HeardContacts heard({.contacts_max = 3, .news_again_after = 10min});
  wire::Contacts named;
  for (int count = 0; count < 10; ++count) {
    named.push_back(dialable(random_id(rng)));
    CHECK(heard.note(at(1s), named.back()));
    CHECK(heard.size() <= 3);
  }
  CHECK(all_of(heard) == wire::Contacts(named.end() - 3, named.end()));
}

}  // namespace trestle::dht
