#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace trestle::inline base {

/// Where a machine leaves its effects, in order, until the driver polls them. The driver drains
/// after every changing call, so what lies here is bounded by what one call can produce. Storage is
/// kept between turns, but that of a burst only until quiet turns follow: a node has many outboxes,
/// and most of them say a word at a time.
template <typename Effect>
class Outbox {
 public:
  void push(Effect effect) { emplace(std::move(effect)); }

  /// Makes the effect where it will lie. For effects that carry whole messages: moving one of those
  /// costs as much as reading it from the wire.
  template <typename... Arguments>
  void emplace(Arguments&&... arguments) {
    if (empty()) clear();  // also for owners that always push before they find it empty
    effects_.emplace_back(std::forward<Arguments>(arguments)...);
  }

  std::optional<Effect> poll() {
    if (empty()) {
      clear();
      return std::nullopt;
    }
    return std::move(effects_[next_++]);
  }

  bool empty() const { return next_ == effects_.size(); }
  std::size_t size() const { return effects_.size() - next_; }

 private:
  /// So many turns in a row filled less than half of the storage: it is given back.
  static constexpr std::uint32_t kRoomyTurnsMax = 16;

  void clear() {
    if (effects_.empty()) return;
    const bool is_roomy = 2 * effects_.size() < effects_.capacity();
    effects_.clear();
    next_ = 0;
    roomy_turns_ = is_roomy ? roomy_turns_ + 1 : 0;
    if (roomy_turns_ < kRoomyTurnsMax) return;
    std::vector<Effect>().swap(effects_);
    roomy_turns_ = 0;
  }

  std::vector<Effect> effects_;
  std::uint32_t next_ = 0;
  std::uint32_t roomy_turns_ = 0;
};

}  // namespace trestle::inline base
