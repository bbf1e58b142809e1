#include "trestle/crypto/proof.hpp"

#include <map>

#include "catch.hpp"
#include "crypto/conversation.hpp"
#include "crypto/suite_contract.hpp"

namespace trestle::test {
namespace {

using crypto::secret_proof;
using crypto::Side;
using crypto::transcript;

TEST_CASE("the transcript is laid out as docs/protocol.md says") {
  const Conversation example = example_conversation();
  // Written out by hand: context, side, then each field with its length in four bytes.
  const std::string hello =
      "000000020001"
      "0000000103"
      "00000040" +
      std::string(128, '1') + "00000020" + std::string(64, '2') + "00000019" +
      to_hex(as_bytes("wss://bridge.example:443/")) + "00000007" + to_hex(as_bytes("trestle")) +
      "00000000";
  const std::string welcome =
      "000000020001"
      "0000000102"
      "00000040" +
      std::string(128, '3') + "00000020" + std::string(64, '4') + "00000007" +
      to_hex(as_bytes("trestle")) + "00000019" + to_hex(as_bytes("wss://bridge.example:443/"));
  const std::string context = "00000015" + to_hex(as_bytes("trestle link proof v1"));
  CHECK(to_hex(transcript(Side::dialler, example.hello, example.welcome)) ==
        context + "0000000101" + hello + welcome);
  CHECK(to_hex(transcript(Side::acceptor, example.hello, example.welcome)) ==
        context + "0000000102" + hello + welcome);
}

/// Every way in which one conversation can differ from another by one field.
std::vector<Conversation> changed_in_one_field(const Conversation& from) {
  std::vector<Conversation> changed;
  const auto change = [&](auto&& alter) {
    changed.push_back(from);
    alter(changed.back());
  };
  change([](Conversation& c) { c.hello.version = 2; });
  change([](Conversation& c) { c.hello.version = 0x0101; });
  change([](Conversation& c) { c.hello.role = wire::Role::bootstrap; });
  change([](Conversation& c) { c.hello.dialled_url += "x"; });
  change([](Conversation& c) { c.hello.network += "x"; });
  change([](Conversation& c) { c.hello.address += "x"; });
  change([](Conversation& c) { c.welcome.version = 2; });
  change([](Conversation& c) { c.welcome.version = 0x0101; });
  change([](Conversation& c) { c.welcome.role = wire::Role::bootstrap; });
  change([](Conversation& c) { c.welcome.network += "x"; });
  change([](Conversation& c) { c.welcome.address += "x"; });
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
    change([&](Conversation& c) { c.hello.key = with_bit_flipped(c.hello.key, bit); });
    change([&](Conversation& c) { c.welcome.key = with_bit_flipped(c.welcome.key, bit); });
  }
  for (std::size_t bit = 0; bit < 32 * 8; ++bit) {
    change([&](Conversation& c) { c.hello.nonce = with_bit_flipped(c.hello.nonce, bit); });
    change([&](Conversation& c) { c.welcome.nonce = with_bit_flipped(c.welcome.nonce, bit); });
  }
  return changed;
}

TEST_CASE("a change of any field changes the transcript, and each change differently") {
  const Conversation from = example_conversation();
  std::vector<Bytes> transcripts;
  for (const Side side : {Side::dialler, Side::acceptor}) {
    transcripts.push_back(transcript(side, from.hello, from.welcome));
    for (const Conversation& changed : changed_in_one_field(from)) {
      transcripts.push_back(transcript(side, changed.hello, changed.welcome));
    }
  }
  std::ranges::sort(transcripts);
  CHECK(std::ranges::adjacent_find(transcripts) == transcripts.end());
}

TEST_CASE("the proof inside the welcome is no part of what it proves") {
  Conversation conversation = example_conversation();
  const Bytes before = transcript(Side::acceptor, conversation.hello, conversation.welcome);
  conversation.welcome.proof.fill(0x99);
  CHECK(transcript(Side::acceptor, conversation.hello, conversation.welcome) == before);
}

TEST_CASE("no two ways to split the same text over the fields share a transcript") {
  // The text contains what a length looks like, so that a field might pretend to hold the next one.
  const std::string text("ab\0\0\0\1cd\0\0\0\2ef", 14);
  std::vector<Bytes> transcripts;
  Conversation conversation;
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      for (std::size_t third = second; third <= text.size(); ++third) {
        conversation.hello.dialled_url = text.substr(0, first);
        conversation.hello.network = text.substr(first, second - first);
        conversation.hello.address = text.substr(second, third - second);
        conversation.welcome.network = text.substr(third);
        transcripts.push_back(transcript(Side::dialler, conversation.hello, conversation.welcome));
        std::swap(conversation.welcome.network, conversation.welcome.address);
        if (!conversation.welcome.address.empty()) {
          transcripts.push_back(
              transcript(Side::dialler, conversation.hello, conversation.welcome));
        }
        conversation.welcome.address.clear();
      }
    }
  }
  std::ranges::sort(transcripts);
  CHECK(transcripts.size() > 1000);
  CHECK(std::ranges::adjacent_find(transcripts) == transcripts.end());
}

TEST_CASE("random conversations share a transcript only if they are equal") {
  Rng rng(3);
  const auto draw_text = [&rng] {
    // Short texts of few letters, zero among them: equal ones are likely, and so are look-alikes.
    std::string text(rng.below(4), 'a');
    for (char& letter : text) letter = static_cast<char>(rng.below(3));
    return text;
  };
  std::map<Bytes, Conversation> seen;
  int repeated = 0;
  for (int round = 0; round < 20'000; ++round) {
    Conversation drawn;
    drawn.hello.version = static_cast<std::uint16_t>(rng.below(2));
    drawn.hello.dialled_url = draw_text();
    drawn.hello.network = draw_text();
    drawn.hello.address = draw_text();
    drawn.welcome.network = draw_text();
    const auto [entry, is_new] =
        seen.emplace(transcript(Side::dialler, drawn.hello, drawn.welcome), drawn);
    if (is_new) continue;
    ++repeated;
    CHECK(entry->second.hello == drawn.hello);
    CHECK(entry->second.welcome == drawn.welcome);
  }
  CHECK(repeated > 0);
  CHECK(seen.size() > 1000);
}

TEST_CASE("a proof cannot be mirrored: what one side signs is refused from the other") {
  crypto::Suite suite(5);
  const KeyPair pair = suite.generate();
  Conversation conversation = example_conversation();
  conversation.hello.key = pair.key;
  conversation.welcome.key = pair.key;
  const auto signed_by = [&](Side side) {
    return suite.sign(pair, transcript(side, conversation.hello, conversation.welcome));
  };
  const Signature proof = signed_by(Side::dialler);
  CHECK(suite.verify(pair.key, transcript(Side::dialler, conversation.hello, conversation.welcome),
                     proof));
  CHECK_FALSE(suite.verify(
      pair.key, transcript(Side::acceptor, conversation.hello, conversation.welcome), proof));
}

TEST_CASE("a secret proof depends on the secret, the side and every field") {
  crypto::Suite suite(5);
  const Conversation from = example_conversation();
  const ByteSpan secret = as_bytes("a shared secret");
  std::vector<wire::SecretProof> proofs;
  for (const Side side : {Side::dialler, Side::acceptor}) {
    proofs.push_back(secret_proof(suite, secret, side, from.hello, from.welcome));
    proofs.push_back(
        secret_proof(suite, as_bytes("another secret"), side, from.hello, from.welcome));
    proofs.push_back(
        secret_proof(suite, as_bytes("a shared secret "), side, from.hello, from.welcome));
    for (const Conversation& changed : changed_in_one_field(from)) {
      proofs.push_back(secret_proof(suite, secret, side, changed.hello, changed.welcome));
    }
  }
  std::ranges::sort(proofs);
  CHECK(std::ranges::adjacent_find(proofs) == proofs.end());
}

TEST_CASE("a secret proof is computed in a context of its own") {
  crypto::Suite suite(5);
  const Conversation conversation = example_conversation();
  const ByteSpan secret = as_bytes("a shared secret");
  for (const Side side : {Side::dialler, Side::acceptor}) {
    const Bytes link = transcript(side, conversation.hello, conversation.welcome);
    CHECK(secret_proof(suite, secret, side, conversation.hello, conversation.welcome) !=
          suite.hmac_sha256(secret, link));
  }
}

}  // namespace
}  // namespace trestle::test
