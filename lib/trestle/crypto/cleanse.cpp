#include "trestle/crypto/cleanse.hpp"

namespace trestle::crypto {

void cleanse(std::span<std::uint8_t> secret) {
  // Volatile writes are observable behaviour: they happen even to an object that is about to die.
  volatile std::uint8_t* const bytes = secret.data();
  for (std::size_t index = 0; index < secret.size(); ++index) bytes[index] = 0;
}

}  // namespace trestle::crypto
