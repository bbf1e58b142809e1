#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/token_contract.hpp"
#include "trestle/crypto/keyring.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/crypto/sealed_value.hpp"

// Sealed values and the keys of networks, the same under every suite.
namespace trestle::test {

using crypto::Audience;
using crypto::Keyring;
using crypto::NetworkKeys;
using crypto::SealFault;
using crypto::ValuePlace;

inline constexpr Audience kSealedAudiences[] = {Audience::network, Audience::self,
                                                Audience::readers};

inline NetworkKeys new_network_keys(Suite& suite, std::size_t count = 1) {
  NetworkKeys keys;
  for (std::size_t index = 0; index < count; ++index) keys.renew(suite);
  return keys;
}

/// A member of the network that has these keys.
inline Keyring new_keyring(Suite& suite, const NetworkKeys& network) {
  const crypto::Identity identity = crypto::identity_of(suite, suite.generate());
  return {identity.key, identity.sealing, network};
}

inline ValuePlace place_by(const Keyring& author, std::string_view key = "a key") {
  return {"main", key, author.author, 1'790'000'000'000};
}

/// Sealed by `author` for the audience; `reader` is the second reader.
inline Bytes sealed_value(Suite& suite, Audience audience, const Keyring& author,
                          const Keyring& reader, const ValuePlace& place, ByteSpan plain) {
  Sealer sealer;
  if (audience == Audience::network) {
    return crypto::seal_for_network(suite, sealer, author.network.current(), place, plain);
  }
  if (audience == Audience::self) {
    return crypto::seal_for_self(suite, sealer, author.own->self, place, plain);
  }
  const X25519Key readers[] = {author.own->pair.key, reader.own->pair.key};
  const auto sealed = crypto::seal_for_readers(suite, sealer, readers, place, plain);
  REQUIRE(sealed);
  return *sealed;
}

inline bool opens(Suite& suite, const Keyring& keys, const ValuePlace& place, ByteSpan value) {
  Sealer sealer;
  return crypto::open_value(suite, sealer, keys, place, value).has_value();
}

inline SealFault fault(Suite& suite, const Keyring& keys, const ValuePlace& place, ByteSpan value) {
  Sealer sealer;
  const auto opened = crypto::open_value(suite, sealer, keys, place, value);
  REQUIRE_FALSE(opened);
  return opened.error();
}

inline void check_audiences(Suite& suite, int rounds) {
  Rng rng(1);
  Sealer sealer;
  for (int round = 0; round < rounds; ++round) {
    const NetworkKeys network = new_network_keys(suite, 1 + rng.below(3));
    const Keyring author = new_keyring(suite, network);
    const Keyring reader = new_keyring(suite, network);
    const Keyring member = new_keyring(suite, network);
    const Keyring stranger = new_keyring(suite, new_network_keys(suite));
    Bytes plain(rng.below(200));
    suite.random(plain);
    const ValuePlace place = place_by(author);
    for (const Audience audience : kSealedAudiences) {
      CAPTURE(round, crypto::name(audience));
      const Bytes value = sealed_value(suite, audience, author, reader, place, plain);
      CHECK(value.size() == plain.size() + crypto::sealing_overhead_bytes(audience, 2));
      if (plain.size() >= 16) CHECK(std::ranges::search(value, plain).empty());
      const auto opened = crypto::open_value(suite, sealer, author, place, value);
      REQUIRE(opened);
      CHECK(opened->audience == audience);
      CHECK(opened->plain == plain);
      CHECK(opens(suite, reader, place, value) == (audience != Audience::self));
      CHECK(opens(suite, member, place, value) == (audience == Audience::network));
      CHECK(fault(suite, stranger, place, value) == SealFault::not_for_us);
    }
    const auto read =
        crypto::open_value(suite, sealer, stranger, place, crypto::mark_public(plain));
    REQUIRE(read);
    CHECK(read->audience == Audience::everybody);
    CHECK(read->plain == plain);
  }
}

/// Whoever knows the key, but finds the value anywhere else.
inline void check_values_stay_in_their_place(Suite& suite) {
  const NetworkKeys network = new_network_keys(suite);
  const Keyring author = new_keyring(suite, network);
  const Keyring reader = new_keyring(suite, network);
  const ValuePlace place = place_by(author);
  for (const Audience audience : kSealedAudiences) {
    CAPTURE(crypto::name(audience));
    const Bytes value =
        sealed_value(suite, audience, author, reader, place, as_bytes("the same value"));
    std::vector<ValuePlace> others(5, place);
    others[0].network = "other";
    others[1].key = "b key";
    others[2].author = reader.author;
    others[3].version += 1;
    // The same characters, cut elsewhere.
    others[4].network = "maina";
    others[4].key = " key";
    for (const ValuePlace& other : others) {
      CHECK_FALSE(opens(suite, author, other, value));
      CHECK_FALSE(opens(suite, reader, other, value));
    }
    CHECK(opens(suite, author, place, value));
  }
}

inline void check_altered_values(Suite& suite, std::size_t size) {
  const NetworkKeys network = new_network_keys(suite, 2);
  const Keyring author = new_keyring(suite, network);
  const Keyring reader = new_keyring(suite, network);
  const ValuePlace place = place_by(author);
  for (const Audience audience : kSealedAudiences) {
    const Bytes value = sealed_value(suite, audience, author, reader, place, patterned(size));
    // A bit in the slot of another reader is seen by him whose slot is whole: it counts as context.
    for (const Keyring* who : {&author, &reader}) {
      if (who == &reader && audience == Audience::self) continue;
      CAPTURE(crypto::name(audience), size, who == &author);
      check_nothing_else_is_accepted(
          value, [&](ByteSpan bytes) { return opens(suite, *who, place, bytes); });
    }
  }
}

/// Every stretch of one value put in the place of the same stretch of another.
inline void check_spliced_values(Suite& suite) {
  const NetworkKeys network = new_network_keys(suite);
  const Keyring author = new_keyring(suite, network);
  const Keyring reader = new_keyring(suite, network);
  const ValuePlace here = place_by(author);
  const ValuePlace there = place_by(author, "another key");
  for (const Audience audience : kSealedAudiences) {
    const std::size_t text = crypto::sealing_overhead_bytes(audience, 2) - crypto::kSealTagBytes;
    std::vector<std::size_t> cuts = {0,    2,        text - crypto::kSealNonceBytes,
                                     text, text + 8, text + 24};
    if (audience == Audience::network) cuts.push_back(10);
    if (audience == Audience::readers) {
      for (const std::size_t cut : {34u, 35u, 35u + 61u, 35u + 122u}) cuts.push_back(cut);
    }
    std::ranges::sort(cuts);
    for (const ValuePlace& other : {here, there}) {
      const Bytes one = sealed_value(suite, audience, author, reader, here, as_bytes("value 1!"));
      const Bytes two = sealed_value(suite, audience, author, reader, other, as_bytes("value 2!"));
      for (std::size_t from = 0; from + 1 < cuts.size(); ++from) {
        for (std::size_t to = from + 1; to < cuts.size(); ++to) {
          Bytes mixed = one;
          std::copy(two.begin() + static_cast<std::ptrdiff_t>(cuts[from]),
                    two.begin() + static_cast<std::ptrdiff_t>(cuts[to]),
                    mixed.begin() + static_cast<std::ptrdiff_t>(cuts[from]));
          const bool is_whole = mixed == one || (mixed == two && other.key == here.key);
          CAPTURE(crypto::name(audience), cuts[from], cuts[to], other.key);
          CHECK(opens(suite, author, here, mixed) == is_whole);
        }
      }
    }
  }
}

/// Values under a key that was replaced stay readable until it is forgotten.
inline void check_replaced_network_keys(Suite& suite) {
  NetworkKeys network = new_network_keys(suite);
  Keyring author = new_keyring(suite, network);
  const ValuePlace place = place_by(author);
  const Bytes old = sealed_value(suite, Audience::network, author, author, place, as_bytes("old"));
  for (std::size_t renewals = 1; renewals <= NetworkKeys::kMax; ++renewals) {
    author.network.renew(suite);
    CHECK(author.network.current().epoch == renewals + 1);
    CHECK(author.network.size() == std::min(renewals + 1, NetworkKeys::kMax));
    CHECK(opens(suite, author, place, old) == (renewals < NetworkKeys::kMax));
  }
}

inline void check_network_key_lists(Suite& suite) {
  for (std::size_t count = 1; count <= NetworkKeys::kMax; ++count) {
    const Bytes bytes = crypto::encode(new_network_keys(suite, count));
    CHECK(bytes.size() == 2 + 36 * count);
    const auto read = crypto::decode_network_keys(suite, bytes);
    REQUIRE(read);
    CHECK(crypto::encode(*read) == bytes);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CHECK_FALSE(crypto::decode_network_keys(suite, std::span(bytes).first(length)));
    }
  }
  Bytes twice = crypto::encode(new_network_keys(suite, 2));
  std::copy_n(twice.begin() + 2, 4, twice.begin() + 2 + 36);
  CHECK_FALSE(crypto::decode_network_keys(suite, twice));
}

inline void check_wrapped_network_keys(Suite& suite, int rounds) {
  Rng rng(1);
  Sealer sealer;
  const auto network = crypto::network_hash(suite, "main");
  for (int round = 0; round < rounds; ++round) {
    const NetworkKeys keys = new_network_keys(suite, 1 + rng.below(NetworkKeys::kMax));
    const X25519Pair member = new_x25519(suite);
    const auto wrapped = crypto::wrap_network_keys(suite, sealer, network, member.key, keys);
    REQUIRE(wrapped);
    CHECK(wrapped->size() <= crypto::kWrappedNetworkKeysBytesMax);
    CHECK(std::ranges::search(*wrapped, keys.current().secret.bytes()).empty());
    const auto read = crypto::unwrap_network_keys(suite, sealer, network, member, *wrapped);
    REQUIRE(read);
    CHECK(crypto::encode(*read) == crypto::encode(keys));
    const auto elsewhere = crypto::network_hash(suite, "other");
    CHECK_FALSE(crypto::unwrap_network_keys(suite, sealer, elsewhere, member, *wrapped));
    const X25519Pair other = new_x25519(suite);
    CHECK_FALSE(crypto::unwrap_network_keys(suite, sealer, network, other, *wrapped));
    CHECK_FALSE(crypto::wrap_network_keys(suite, sealer, network, X25519Key{}, keys));
    if (round > 0) continue;
    check_nothing_else_is_accepted(*wrapped, [&](ByteSpan bytes) {
      return crypto::unwrap_network_keys(suite, sealer, network, member, bytes).has_value();
    });
  }
}

}  // namespace trestle::test
