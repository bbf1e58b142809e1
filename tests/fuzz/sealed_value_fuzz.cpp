// F8: sealed values as their authors may sign them, any bytes; genuine ones after any changes; and
// the keys of a network, as a list and wrapped.
#include <algorithm>
#include <optional>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/crypto/agreed_key.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/keyring.hpp"
#include "trestle/crypto/sealed_value.hpp"

namespace trestle::fuzz {
namespace {

using crypto::Audience;

struct Scene {
  Scene() {
    keys.network.renew(suite);
    keys.network.renew(suite);
  }

  crypto::Suite suite{17};
  crypto::Sealer sealer;
  crypto::Identity self = crypto::identity_of(suite, suite.generate());
  crypto::Keyring keys{self.key, self.sealing, {}};
  crypto::ValuePlace place{"main", "key", self.key, 7};
};

Bytes seal(Scene& scene, Audience audience, ByteSpan plain) {
  if (audience == Audience::network) {
    return crypto::seal_for_network(scene.suite, scene.sealer, scene.keys.network.current(),
                                    scene.place, plain);
  }
  if (audience == Audience::self) {
    return crypto::seal_for_self(scene.suite, scene.sealer, scene.self.sealing->self, scene.place,
                                 plain);
  }
  const crypto::X25519Key other = crypto::ephemeral_pair(scene.suite).key;
  const std::vector<crypto::X25519Key> readers = {other, scene.self.sealing->pair.key};
  return *crypto::seal_for_readers(scene.suite, scene.sealer, readers, scene.place, plain);
}

/// Nobody has sealed anything: only what says of itself that it is public is shown.
void check_raw(Scene& scene, ByteSpan bytes) {
  const auto opened = crypto::open_value(scene.suite, scene.sealer, scene.keys, scene.place, bytes);
  if (!opened) return;
  MUST_HOLD(opened->audience == Audience::everybody);
  MUST_HOLD(crypto::mark_public(opened->plain) == to_bytes(bytes));
}

void check_changed(Scene& scene, Input& story) {
  const auto audience = static_cast<Audience>(1 + story.below(3));
  const Bytes plain = to_bytes(story.take(story.below(64)));
  const Bytes genuine = seal(scene, audience, plain);
  Bytes changed = genuine;
  while (!story.is_over() && !changed.empty()) {
    const std::size_t place = static_cast<std::size_t>(story.number(2)) % changed.size();
    const std::uint8_t what = story.byte();
    if (what < 8) {
      changed.resize(place);
    } else if (what < 16) {
      changed.push_back(what);
    } else {
      changed[place] ^= what;
    }
  }
  const auto opened =
      crypto::open_value(scene.suite, scene.sealer, scene.keys, scene.place, changed);
  if (opened && opened->audience == Audience::everybody) return check_raw(scene, changed);
  MUST_HOLD(opened.has_value() == (changed == genuine));
  if (opened) MUST_HOLD(opened->audience == audience && opened->plain == plain);
}

void check_network_keys(Scene& scene, ByteSpan bytes) {
  const auto network = crypto::network_hash(scene.suite, "main");
  const auto& own = scene.self.sealing->pair;
  MUST_HOLD(!crypto::unwrap_network_keys(scene.suite, scene.sealer, network, own, bytes));
  const auto keys = crypto::decode_network_keys(scene.suite, bytes);
  if (!keys) return;
  MUST_HOLD(crypto::encode(*keys) == to_bytes(bytes));
  MUST_HOLD(keys->find(keys->current().id) == &keys->current());
  const auto wrapped =
      crypto::wrap_network_keys(scene.suite, scene.sealer, network, own.key, *keys);
  MUST_HOLD(wrapped.has_value());
  const auto read = crypto::unwrap_network_keys(scene.suite, scene.sealer, network, own, *wrapped);
  MUST_HOLD(read && *read == *keys);
}

}  // namespace

TRESTLE_FUZZ_TARGET(sealed_value) {
  Input story(input);
  Scene scene;
  switch (story.below(3)) {
    case 0:
      return check_raw(scene, story.rest());
    case 1:
      return check_changed(scene, story);
    default:
      return check_network_keys(scene, story.rest());
  }
}

}  // namespace trestle::fuzz
