#include <string>

#include "catch.hpp"
#include "crypto/conversation.hpp"
#include "crypto/suite_contract.hpp"

namespace trestle::test {
namespace {

const std::string kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const std::string kMillion(1'000'000, 'a');

TEST_CASE("SHA-1 gives the digests of the examples to FIPS 180-4") {
  Suite suite;
  const auto digest = [&](std::string_view text) { return to_hex(suite.sha1(as_bytes(text))); };
  CHECK(digest("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(digest("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(digest(kTwoBlocks) == "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(digest(kMillion) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("SHA-256 gives the digests of the examples to FIPS 180-4") {
  Suite suite;
  const auto digest = [&](std::string_view text) { return to_hex(suite.sha256(as_bytes(text))); };
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest(kTwoBlocks) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest(kMillion) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("digests of both sizes can be asked for in turn: a reused context carries nothing over") {
  Suite suite;
  const auto short_digest = suite.sha1(as_bytes("abc"));
  const auto long_digest = suite.sha256(as_bytes("abc"));
  for (int round = 0; round < 1000; ++round) {
    CHECK(suite.sha1(as_bytes("abc")) == short_digest);
    CHECK(suite.sha256(as_bytes("abc")) == long_digest);
    suite.sha256(as_bytes(kTwoBlocks));
  }
}

TEST_CASE("HMAC-SHA-256 gives the digests of RFC 4231") {
  Suite suite;
  const auto digest = [&](ByteSpan key, ByteSpan data) {
    return to_hex(suite.hmac_sha256(key, data));
  };
  Bytes counting;
  for (std::uint8_t byte = 0x01; byte <= 0x19; ++byte) counting.push_back(byte);
  const Bytes long_key(131, 0xaa);
  CHECK(digest(Bytes(20, 0x0b), as_bytes("Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(digest(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(digest(Bytes(20, 0xaa), Bytes(50, 0xdd)) ==
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  CHECK(digest(counting, Bytes(50, 0xcd)) ==
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  CHECK(digest(Bytes(20, 0x0c), as_bytes("Test With Truncation")).substr(0, 32) ==
        "a3b6167473100ee06e0c796c2955552b");
  CHECK(digest(long_key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(digest(long_key,
               as_bytes("This is a test using a larger than block-size key and a larger than "
                        "block-size data. The key needs to be hashed before being used by the "
                        "HMAC algorithm.")) ==
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST_CASE("HMAC-SHA-256 with an empty key does not fall back to the key of the last call") {
  Suite suite;
  suite.hmac_sha256(as_bytes("Jefe"), as_bytes("data"));
  CHECK(to_hex(suite.hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("the example conversation has the secret proofs that another implementation computes") {
  Suite suite;
  const Conversation example = example_conversation();
  const auto proof = [&](crypto::Side side) {
    return to_hex(crypto::secret_proof(suite, as_bytes("a shared secret"), side, example.hello,
                                       example.welcome));
  };
  CHECK(proof(crypto::Side::dialler) ==
        "67a40caa6ccee9331f0de00f696ac0c8a9334f9cf5d30b21eb85d6f8f41622b3");
  CHECK(proof(crypto::Side::acceptor) ==
        "1cb93c218019a549d547f6c3215351d1b4f29a8538054a1db2e2245a100a8f68");
}

}  // namespace
}  // namespace trestle::test
