#include <memory>

#include "catch.hpp"
#include "crypto/suite_contract.hpp"
#include "trestle/crypto/cleanse.hpp"

namespace trestle::test {
namespace {

TEST_CASE("equal_in_constant_time tells every difference of one bit and of length") {
  const Bytes bytes = patterned(32);
  CHECK(crypto::equal_in_constant_time(bytes, Bytes(bytes)));
  CHECK(crypto::equal_in_constant_time({}, {}));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    CHECK_FALSE(crypto::equal_in_constant_time(bytes, changed));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(crypto::equal_in_constant_time(bytes, ByteSpan(bytes).first(size)));
  }
}

TEST_CASE("equal_in_constant_time does not let two differences cancel out") {
  const Bytes zeros(32, 0);
  Bytes twice(32, 0);
  twice[3] = 0x80;
  twice[17] = 0x80;
  CHECK_FALSE(crypto::equal_in_constant_time(zeros, twice));
}

TEST_CASE("cleanse leaves zeros") {
  Bytes secret = patterned(40);
  crypto::cleanse(std::span(secret).first(39));
  CHECK(std::ranges::all_of(std::span(secret).first(39),
                            [](std::uint8_t byte) { return byte == 0; }));
  CHECK(secret.back() == patterned(40).back());
  crypto::cleanse({});
}

TEST_CASE("T16: a private key leaves nothing where it lay") {
  alignas(PrivateKey) std::array<std::uint8_t, sizeof(PrivateKey)> place;
  place.fill(0x55);
  const Bytes scalar(PrivateKey::kBytes, 0xaa);
  PrivateKey* const secret = std::construct_at(
      reinterpret_cast<PrivateKey*>(place.data()),
      std::span<const std::uint8_t, PrivateKey::kBytes>(scalar.data(), PrivateKey::kBytes));
  REQUIRE(same_bytes(secret->bytes(), scalar));
  std::destroy_at(secret);
  // Read as memory, not as what the compiler remembers of it.
  const volatile std::uint8_t* const memory = place.data();
  int left = 0;
  for (std::size_t index = 0; index < place.size(); ++index) left += memory[index] == 0xaa ? 1 : 0;
  CHECK(left == 0);
}

}  // namespace
}  // namespace trestle::test
