#include <algorithm>

#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

PrivateKey::PrivateKey(std::span<const std::uint8_t, kBytes> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

PrivateKey::~PrivateKey() { cleanse(bytes_); }

}  // namespace trestle::crypto
