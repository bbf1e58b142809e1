#include "trestle/node/bootstrap/legacy_authentication.hpp"

#include "catch.hpp"
#include "trestle/crypto/curve_order.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const link::ConnectionId kClient{link::ConnectionOwner::node, 1};

struct Browser {
  Browser() {
    const crypto::Digest256 digest = suite.sha256(pair.key);
    id = NodeId::from_bytes(std::span<const std::uint8_t, 32>(digest).first<NodeId::kBytes>());
  }
  void drain() {
    while (auto effect = machine.poll_effect()) effects.push_back(std::move(*effect));
  }
  template <typename Frame>
  std::vector<Frame> sent() {
    drain();
    std::vector<Frame> frames;
    for (const auto& effect : effects) {
      const auto* text = std::get_if<node::LegacyText>(&effect);
      if (text == nullptr) continue;
      const auto frame = legacy::decode(text->text);
      if (const auto* match = std::get_if<Frame>(&*frame)) frames.push_back(*match);
    }
    return frames;
  }
  /// Performs the newest order to verify, as the driver does.
  void verify(Instant now) {
    drain();
    const auto order = std::ranges::find_if(effects.rbegin(), effects.rend(), [](const auto& one) {
      return std::holds_alternative<link::Verify>(one);
    });
    REQUIRE(order != effects.rend());
    const auto& asked = std::get<link::Verify>(*order);
    const bool valid = suite.verify(asked.key, asked.message, asked.signature);
    is_proven = machine.on_verified(now, asked.connection, asked.ticket, valid);
  }
  void answer(Instant now, const wire::Signature& signature) {
    machine.on_request(now, kClient, {id, to_hex(signature), 1});
  }
  wire::Signature sign() {
    const auto challenge = sent<legacy::AuthChallenge>().back();
    const std::string text = challenge.nonce + ":" + std::to_string(challenge.timestamp);
    return suite.sign(pair, as_bytes(text));
  }
  std::string reason() { return sent<legacy::AuthFailure>().back().reason.value(); }

  link::LocalPeer local;
  crypto::Suite suite{3};
  crypto::KeyPair pair = suite.generate();
  NodeId id;
  bool is_proven = false;
  node::LegacyAuthentication machine{{}, local, suite};
  std::vector<node::LegacyAuthentication::Effect> effects;
};

}  // namespace

TEST_CASE("a browser that signs the challenge is told of its success, once") {
  Browser browser;
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  REQUIRE(browser.sent<legacy::AuthChallenge>().size() == 1);
  CHECK(browser.sent<legacy::AuthChallenge>()[0].nonce.size() == 64);
  const wire::Signature signature = browser.sign();
  browser.answer(kStart, signature);
  browser.verify(kStart);
  CHECK(browser.is_proven);
  REQUIRE(browser.sent<legacy::AuthSuccess>().size() == 1);
  CHECK(browser.sent<legacy::AuthSuccess>()[0].node_id == browser.id);
  browser.answer(kStart, signature);
  CHECK(browser.reason() == "No pending authentication challenge");
}

TEST_CASE("either of the two encodings of a signature is taken, as WebCrypto makes both") {
  Browser browser;
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  wire::Signature signature = browser.sign();
  REQUIRE(crypto::is_canonical(signature));
  const std::span<std::uint8_t, 64> bytes(signature);
  std::ranges::copy(crypto::negated(bytes.last<32>()), bytes.last<32>().begin());
  REQUIRE_FALSE(crypto::is_canonical(signature));
  browser.answer(kStart, signature);
  browser.verify(kStart);
  CHECK(browser.sent<legacy::AuthSuccess>().size() == 1);
}

TEST_CASE("a wrong signature, and what is none, fail in the old words") {
  Browser browser;
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  browser.answer(kStart, wire::Signature{});
  CHECK(browser.reason() == "Invalid signature");
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  browser.answer(kStart, browser.suite.sign(browser.pair, as_bytes("another text")));
  browser.verify(kStart);
  CHECK(browser.reason() == "Invalid signature");
  CHECK_FALSE(browser.is_proven);
  CHECK(browser.sent<legacy::AuthSuccess>().empty());
  browser.machine.on_request(kStart, kClient, {browser.id, std::nullopt, std::nullopt});
  CHECK(browser.reason() == "Missing required authentication fields");
}

TEST_CASE("an id that is not made of the key is refused before any challenge") {
  Browser browser;
  browser.machine.challenge(kStart, kClient, NodeId{1, 2, 3}, browser.pair.key);
  CHECK(browser.reason() == "Node ID does not match public key hash");
  CHECK(browser.sent<legacy::AuthChallenge>().empty());
}

TEST_CASE("a challenge lives for two minutes, and not beyond its connection") {
  Browser browser;
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  browser.answer(kStart + 2min, browser.sign());
  CHECK(browser.reason() == "No pending authentication challenge");
  browser.machine.challenge(kStart, kClient, browser.id, browser.pair.key);
  browser.answer(kStart, browser.sign());
  browser.machine.on_closed(kClient);
  browser.verify(kStart);
  CHECK(browser.sent<legacy::AuthSuccess>().empty());
}

TEST_CASE("the open challenges are bounded") {
  Browser browser;
  for (std::uint64_t serial = 1; serial <= 1100; ++serial) {
    browser.machine.challenge(kStart, {link::ConnectionOwner::node, serial}, browser.id,
                              browser.pair.key);
  }
  // The oldest is forgotten, the newest still counts.
  browser.machine.on_request(kStart, kClient, {browser.id, to_hex(browser.sign()), 1});
  CHECK(browser.reason() == "No pending authentication challenge");
}

TEST_CASE("a client that begins anew takes no place from another, and the oldest challenge goes") {
  Browser browser;
  const auto client = [](std::uint64_t serial) {
    return link::ConnectionId{link::ConnectionOwner::node, serial};
  };
  const auto is_open = [&](link::ConnectionId connection) {
    const auto failures = browser.sent<legacy::AuthFailure>().size();
    browser.machine.on_request(kStart + 2s, connection, {browser.id, to_hex(browser.sign()), 1});
    return browser.sent<legacy::AuthFailure>().size() == failures;
  };
  for (std::uint64_t serial = 1; serial <= 1000; ++serial) {
    browser.machine.challenge(kStart, client(serial), browser.id, browser.pair.key);
  }
  browser.machine.challenge(kStart + 1s, client(500), browser.id, browser.pair.key);
  CHECK(is_open(client(1)));
  // The first connection is challenged again too, so that the second one waits longest.
  browser.machine.challenge(kStart + 1s, client(1), browser.id, browser.pair.key);
  browser.machine.challenge(kStart + 1s, client(1001), browser.id, browser.pair.key);
  CHECK(is_open(client(1)));
  CHECK(is_open(client(1001)));
  CHECK_FALSE(is_open(client(2)));
}
