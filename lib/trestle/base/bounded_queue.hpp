#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {

/// First in, first out, with a bound fixed at construction. Storage is reserved once; a full queue
/// refuses and says so.
template <typename Item>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t items_max) : slots_(items_max) {}

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == slots_.size(); }

  /// False when full; `item` is then left as it was.
  [[nodiscard]] bool push(Item&& item) {
    if (full()) return false;
    slots_[(head_ + size_) % slots_.size()] = std::move(item);
    ++size_;
    return true;
  }

  Item& front() {
    TRESTLE_ASSERT(!empty());
    return slots_[head_];
  }
  const Item& front() const {
    TRESTLE_ASSERT(!empty());
    return slots_[head_];
  }

  Item pop() {
    TRESTLE_ASSERT(!empty());
    Item item = std::move(slots_[head_]);
    slots_[head_] = Item{};
    head_ = (head_ + 1) % slots_.size();
    --size_;
    return item;
  }

 private:
  std::vector<Item> slots_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace trestle::inline base
