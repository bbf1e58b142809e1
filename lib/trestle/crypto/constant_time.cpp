#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

bool equal_in_constant_time(ByteSpan left, ByteSpan right) {
  // The lengths of what we compare (proofs, digests) are public; only the content is secret.
  if (left.size() != right.size()) return false;
  // Volatile, so that the compiler cannot conclude that the first difference settles the answer.
  volatile std::uint8_t difference = 0;
  for (std::size_t index = 0; index < left.size(); ++index) {
    difference = static_cast<std::uint8_t>(difference | (left[index] ^ right[index]));
  }
  return difference == 0;
}

}  // namespace trestle::crypto
