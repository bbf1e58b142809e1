#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace trestle::inline base {

/// Where a machine leaves its effects, in order, until the driver polls them. The driver drains
/// after every changing call, so what lies here is bounded by what one call can produce; storage is
/// kept between turns.
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
  void clear() {
    effects_.clear();
    next_ = 0;
  }

  std::vector<Effect> effects_;
  std::size_t next_ = 0;
};

}  // namespace trestle::inline base
