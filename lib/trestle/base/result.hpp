#pragma once

#include <expected>

namespace trestle::inline base {

/// What a command returns: a value, or a refusal after which nothing has changed. (style: errors,
/// second road.) The monadic members of std::expected are not used: libstdc++ 12 lacks them.
template <typename Value, typename Error>
using Result = std::expected<Value, Error>;

template <typename Error>
constexpr std::unexpected<Error> refuse(Error error) {
  return std::unexpected<Error>(error);
}

}  // namespace trestle::inline base
