#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {

/// First in, first out, in one array that grows; whoever fills it sees to its bound. Without
/// storage before the first item and after `release_storage`, where std::deque has 600 bytes: a
/// node has thousands of queues in which hardly ever something waits.
template <typename Item>
class Fifo {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }

  void push(Item item) { items_.push_back(std::move(item)); }

  Item& front() {
    TRESTLE_ASSERT(!empty());
    return items_[first_];
  }

  Item pop() {
    Item item = std::move(front());
    ++first_;
    if (empty()) {
      clear();
    } else if (first_ > items_.size() / 2) {  // each item is moved once at most, on the average
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return item;
  }

  void clear() {
    items_.clear();
    first_ = 0;
  }

  /// Gives back what an empty queue holds; does nothing to another.
  void release_storage() {
    if (empty()) std::vector<Item>().swap(items_);
  }

 private:
  std::vector<Item> items_;
  std::size_t first_ = 0;
};

}  // namespace trestle::inline base
