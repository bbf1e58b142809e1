#include "trestle/host/calendar_word.hpp"

#include <chrono>
#include <cstddef>

namespace trestle::host {
namespace {

/// The number in so many digits; takes them off the word.
std::optional<unsigned> digits(std::string_view& word, std::size_t count) {
  if (word.size() < count) return std::nullopt;
  unsigned number = 0;
  for (const char letter : word.substr(0, count)) {
    if (letter < '0' || letter > '9') return std::nullopt;
    number = 10 * number + static_cast<unsigned>(letter - '0');
  }
  word.remove_prefix(count);
  return number;
}

bool take(std::string_view& word, char letter) {
  if (!word.starts_with(letter)) return false;
  word.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> day_of(std::string_view& word) {
  const auto year = digits(word, 4);
  if (!year || !take(word, '-')) return std::nullopt;
  const auto month = digits(word, 2);
  if (!month || !take(word, '-')) return std::nullopt;
  const auto day = digits(word, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<std::chrono::seconds> time_of_day(std::string_view& word) {
  const auto hours = digits(word, 2);
  if (!hours || *hours > 23 || !take(word, ':')) return std::nullopt;
  const auto minutes = digits(word, 2);
  if (!minutes || *minutes > 59 || !take(word, ':')) return std::nullopt;
  const auto seconds = digits(word, 2);
  if (!seconds || *seconds > 59 || !take(word, 'Z')) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds);
}

}  // namespace

std::optional<WallTime> calendar_time_of(std::string_view word) {
  const auto day = day_of(word);
  if (!day) return std::nullopt;
  std::chrono::seconds time{0};
  if (take(word, 'T')) {
    const auto given = time_of_day(word);
    if (!given) return std::nullopt;
    time = *given;
  }
  if (!word.empty()) return std::nullopt;
  return WallTime(day->time_since_epoch() + time);
}

}  // namespace trestle::host
