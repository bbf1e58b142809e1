#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"

namespace trestle::host {

// Small files that hold secrets: readable and writable by their owner alone. Errors are clauses to
// follow the file's name: "cannot be read: No such file or directory".

/// Refuses a file that others may read or write, and one above `bytes_max`.
Result<Bytes, std::string> read_private_file(const std::string& path, std::size_t bytes_max);

enum class Existing : std::uint8_t {
  kept,      ///< A file that is there is an error, and stays as it is.
  replaced,  ///< It gives way to the new one, in one step.
};

/// The file appears complete or not at all, also across a power loss.
Result<void, std::string> write_private_file(const std::string& path, ByteSpan content,
                                             Existing existing);

}  // namespace trestle::host
