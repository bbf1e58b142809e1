#pragma once

namespace trestle::inline base {

/// Writes where and what to standard error and aborts. Our own mistakes only: input from a peer
/// never leads here.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace trestle::inline base

/// Stays on in release builds: continuing in a state we believed impossible costs more than
/// stopping.
/// Variadic, so that a comma inside a template's arguments needs no extra parentheses.
#define TRESTLE_ASSERT(...) \
  ((__VA_ARGS__) ? void(0) : ::trestle::assertion_failed(#__VA_ARGS__, __FILE__, __LINE__))
