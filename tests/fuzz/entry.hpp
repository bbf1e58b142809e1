#pragma once

// What every fuzz target is written against.
//
//     TRESTLE_FUZZ_TARGET(native_codec) {   // `input` is a ByteSpan: any bytes at all
//       MUST_HOLD(...);                     // what is true whatever they are
//     }
//
// Built by the preset `fuzz` it is a program of clang's libFuzzer. Built by any other it is an
// ordinary test, which runs every file of corpus/<name>/ through the same function.

#include "trestle/base/bytes.hpp"

#define MUST_HOLD(...) \
  ((__VA_ARGS__) ? void(0) : ::trestle::fuzz::broken(#__VA_ARGS__, __FILE__, __LINE__))

/// Before a slow reader that was written to compare with: which way it goes teaches libFuzzer
/// nothing, and saying so at each step takes most of the time of a small target.
#ifdef TRESTLE_FUZZ
#define NOT_GUIDING __attribute__((no_sanitize("coverage")))
#else
#define NOT_GUIDING
#endif

#ifdef TRESTLE_FUZZ

#include <cstddef>
#include <cstdint>

#include "trestle/base/assertion.hpp"

namespace trestle::fuzz {

[[noreturn]] inline void broken(const char* property, const char* file, int line) {
  assertion_failed(property, file, line);
}

}  // namespace trestle::fuzz

#define TRESTLE_FUZZ_TARGET(name)                                                      \
  static void trestle_fuzz_##name(::trestle::ByteSpan input);                          \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) { \
    trestle_fuzz_##name({data, bytes});                                                \
    return 0;                                                                          \
  }                                                                                    \
  static void trestle_fuzz_##name([[maybe_unused]] ::trestle::ByteSpan input)

#else

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"

namespace trestle::fuzz {

[[noreturn]] inline void broken(const char* property, const char* file, int line) {
  FAIL(property << " does not hold: " << file << ":" << line);
  std::abort();  // FAIL throws.
}

/// Runs the corpus of one target, in the order of its names.
inline void replay(const std::string& name, void (*target)(ByteSpan)) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(TRESTLE_FUZZ_CORPUS "/" + name)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  REQUIRE_FALSE(files.empty());
  for (const std::string& path : files) {
    INFO(path);
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(file.good());
    // A copy of exactly that size, so that a sanitizer sees a read behind the end.
    const Bytes bytes = to_bytes(as_bytes(content));
    target(bytes);
  }
}

}  // namespace trestle::fuzz

#define TRESTLE_FUZZ_TARGET(name)                                                                  \
  static void trestle_fuzz_##name(::trestle::ByteSpan input);                                      \
  TEST_CASE("the fuzz corpus of " #name) { ::trestle::fuzz::replay(#name, &trestle_fuzz_##name); } \
  static void trestle_fuzz_##name([[maybe_unused]] ::trestle::ByteSpan input)

#endif
