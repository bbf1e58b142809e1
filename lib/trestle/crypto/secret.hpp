#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "trestle/crypto/cleanse.hpp"

namespace trestle::crypto {

/// Secret bytes that serve one role. Cleared when destroyed.
///
/// `Role` is a type that need not exist: it keeps a key for signing from being taken for one that
/// agrees or seals, since a key never changes its role (design section 5).
template <typename Role, std::size_t Size = 32>
class Secret {
 public:
  static constexpr std::size_t kBytes = Size;

  Secret() = default;
  explicit Secret(std::span<const std::uint8_t, Size> bytes) {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { cleanse(bytes_); }

  std::span<const std::uint8_t, Size> bytes() const { return bytes_; }
  /// For whoever fills it: a generator, a derivation, a key agreement.
  std::span<std::uint8_t, Size> writable() { return bytes_; }

 private:
  std::array<std::uint8_t, Size> bytes_{};
};

}  // namespace trestle::crypto
