#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trestle/base/bytes.hpp"

namespace trestle::crypto::standin {

/// A fast mixing hash: spreads well, the same on every machine and compiler, and NO SECURITY AT
/// ALL. It exists so that the simulator can hash millions of messages a second.
///
/// Two lanes of 64 bits swallow the input word by word; each step can be undone, so that different
/// inputs of one word never meet. The output words are drawn from both lanes by the finisher of
/// splitmix64 (Steele, Lea and Flood, 2014).
class Mixer {
 public:
  /// `domain` keeps the uses of the mixer apart: the same bytes give unrelated results in two
  /// domains.
  explicit Mixer(std::string_view domain);

  /// Adds one item. Its length goes in as well, so that no byte can move from one item to the next
  /// unnoticed.
  void add(ByteSpan item);

  /// As many well spread bytes as `out` has. Changes nothing: the same items give the same bytes.
  void finish(std::span<std::uint8_t> out) const;

 private:
  void add_word(std::uint64_t word);

  std::uint64_t left_;
  std::uint64_t right_;
};

}  // namespace trestle::crypto::standin
