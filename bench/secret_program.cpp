// T23: whether the duration of an answer tells where a secret and what was shown for it begin to
// differ. Two classes of inputs, which differ in their first byte or in their last, are timed in
// random order; Welch's t says whether their means are the same.
//
//     secret_program [--samples N] [--seed N]
//
// Prints one JSON line: t of comparing, of opening sealed bytes whose tag is wrong, and of a
// comparison that ends at the first difference, which shows what this machine can see.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "flags.hpp"
#include "nanoseconds.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::bench {
namespace {

constexpr std::size_t kClasses = 2;
/// A clock's turn is not seen in one comparison of 32 bytes.
constexpr std::size_t kRepeated = 16;
/// Samples above this share of all are the machine's doing: an interrupt, another process.
constexpr std::size_t kKeptPermille = 900;

struct Sample {
  std::uint32_t nanoseconds = 0;
  std::uint32_t kind = 0;
};

/// Welch's t of the two classes, of samples that no interruption made longer.
double t_of(std::vector<Sample> samples) {
  std::vector<std::uint32_t> all;
  for (const Sample& sample : samples) all.push_back(sample.nanoseconds);
  const auto cut = all.begin() + static_cast<std::ptrdiff_t>(all.size() * kKeptPermille / 1000);
  std::nth_element(all.begin(), cut, all.end());
  std::array<double, kClasses> count{}, mean{}, squares{};
  for (const Sample& sample : samples) {
    if (sample.nanoseconds > *cut) continue;
    const std::size_t kind = sample.kind;
    const double value = sample.nanoseconds;
    count[kind] += 1;
    const double before = value - mean[kind];
    mean[kind] += before / count[kind];
    squares[kind] += before * (value - mean[kind]);
  }
  double spread = 0;
  for (std::size_t kind = 0; kind < kClasses; ++kind) {
    spread += squares[kind] / (count[kind] - 1) / count[kind];
  }
  return spread == 0 ? 0 : (mean[0] - mean[1]) / std::sqrt(spread);
}

/// Times `answer` with inputs of both classes, which lie in the same memory when it is called.
template <typename Answer>
double measure(std::size_t count, Rng& rng, const std::array<Bytes, kClasses>& inputs,
               std::size_t repeated, Answer&& answer) {
  std::vector<Sample> samples;
  samples.reserve(count);
  Bytes input = inputs[0];
  std::size_t accepted = 0;
  for (std::size_t index = 0; index < count; ++index) {
    const auto kind = static_cast<std::uint32_t>(rng.below(kClasses));
    std::copy(inputs[kind].begin(), inputs[kind].end(), input.begin());
    const std::uint64_t begin = nanoseconds();
    for (std::size_t again = 0; again < repeated; ++again) {
      accepted += answer(input) ? 1 : 0;
      asm volatile("" : : "r"(input.data()) : "memory");  // Each of them, not one for all.
    }
    samples.push_back({static_cast<std::uint32_t>(nanoseconds() - begin), kind});
  }
  // None is right, and the compiler must not know.
  if (accepted != 0) std::abort();
  return t_of(std::move(samples));
}

/// `right` with a bit altered in its first of the last `compared` bytes, and in its last.
std::array<Bytes, kClasses> wrong_at_both_ends(const Bytes& right, std::size_t compared) {
  std::array<Bytes, kClasses> wrong{right, right};
  wrong[0][right.size() - compared] ^= 1;
  wrong[1].back() ^= 1;
  return wrong;
}

/// What nobody should write.
__attribute__((noinline)) bool equal_until_the_first_difference(ByteSpan left, ByteSpan right) {
  for (std::size_t index = 0; index < left.size(); ++index) {
    if (left[index] != right[index]) return false;
  }
  return true;
}

void run(std::size_t samples, std::uint64_t seed) {
  crypto::Suite suite;
  crypto::Sealer sealer;
  Rng rng(seed);
  Bytes secret(32);
  suite.random(secret);
  const auto shown = wrong_at_both_ends(secret, secret.size());
  const double comparing = measure(samples, rng, shown, kRepeated, [&](ByteSpan bytes) {
    return crypto::equal_in_constant_time(bytes, secret);
  });
  const double early = measure(samples, rng, shown, kRepeated, [&](ByteSpan bytes) {
    return equal_until_the_first_difference(bytes, secret);
  });
  crypto::SealKey key;
  suite.random(key.writable());
  const Bytes sealed = crypto::seal(suite, sealer, key, "bench", {}, secret);
  const auto forged = wrong_at_both_ends(sealed, crypto::kSealTagBytes);
  const double opening = measure(samples, rng, forged, 1, [&](ByteSpan bytes) {
    return crypto::open(sealer, key, "bench", {}, bytes).has_value();
  });
  std::printf(R"({"samples": %zu, "comparing": %.2f, "opening": %.2f, "early_end": %.2f})"
              "\n",
              samples, comparing, opening, early);
}

}  // namespace
}  // namespace trestle::bench

int main(int argc, char** argv) {
  const trestle::bench::Flags flags(argc, argv);
  trestle::bench::run(static_cast<std::size_t>(flags.number("samples", 1'000'000)),
                      static_cast<std::uint64_t>(flags.number("seed", 1)));
}
