#include "trestle/base/rng.hpp"

#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

/// splitmix64: spreads a seed over the state, as the authors of xoshiro advise.
std::uint64_t spread(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) : seed_(seed), state_{} {
  std::uint64_t source = seed;
  for (std::uint64_t& word : state_) word = spread(source);
}

Rng Rng::fork(std::string_view label) const { return fork(label, 0); }

Rng Rng::fork(std::string_view label, std::uint64_t index) const {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a over the label
  for (const char letter : label) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  }
  std::uint64_t source = seed_ ^ std::rotl(hash, 17);
  const std::uint64_t first = spread(source);
  source ^= index;
  return Rng(first ^ spread(source));
}

std::uint64_t Rng::redrawn(std::uint64_t drawn, std::uint64_t bound) {
  const std::uint64_t threshold = (0 - bound) % bound;
  while (drawn < threshold) drawn = next();
  return drawn;
}

Duration Rng::between(Duration low, Duration high) {
  TRESTLE_ASSERT(low <= high);
  const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
  return low + Duration(static_cast<Duration::rep>(below(span)));
}

}  // namespace trestle::inline base
