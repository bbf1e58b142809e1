#pragma once

#include <cstdint>
#include <span>

namespace trestle::crypto {

/// Overwrites a secret that is no longer needed with zeros. Unlike an ordinary fill, the compiler
/// may not drop it because nothing reads the bytes afterwards (T16).
void cleanse(std::span<std::uint8_t> secret);

}  // namespace trestle::crypto
