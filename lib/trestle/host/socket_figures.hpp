#pragma once

#include <cstdint>
#include <optional>

namespace trestle::host {

/// Bytes that a TCP socket has received and its program has read, since it was opened. Nothing if
/// the system does not say.
std::optional<std::uint64_t> bytes_read_from(int descriptor);

}  // namespace trestle::host
