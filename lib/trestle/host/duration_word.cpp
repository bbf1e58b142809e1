#include "trestle/host/duration_word.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

namespace trestle::host {

std::optional<std::chrono::seconds> duration_of(std::string_view word) {
  constexpr std::pair<char, std::int64_t> kUnits[] = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}};
  // A hundred years: far over every bound a node has, and no unit makes it overflow.
  constexpr std::int64_t kCountMax = std::int64_t{100} * 366 * 24 * 3600;
  std::int64_t factor = 1;
  for (const auto& [letter, seconds] : kUnits) {
    if (!word.ends_with(letter)) continue;
    factor = seconds;
    word.remove_suffix(1);
    break;
  }
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  if (count <= 0 || count > kCountMax) return std::nullopt;
  return std::chrono::seconds(count * factor);
}

}  // namespace trestle::host
