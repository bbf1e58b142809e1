#pragma once

#include <utility>

namespace trestle::crypto {

/// Something whose signature was checked, or that needs none. The systems of floor 3 take records
/// only so; there are few places that make one, and each says why it may: `node/` after a check,
/// whoever loads what it had checked before it wrote it down, and tests.
template <typename Item>
class Verified {
 public:
  static Verified vouch_for(Item item) { return Verified(std::move(item)); }

  const Item& operator*() const { return item_; }
  const Item* operator->() const { return &item_; }
  Item&& take() && { return std::move(item_); }

 private:
  explicit Verified(Item item) : item_(std::move(item)) {}

  Item item_;
};

}  // namespace trestle::crypto
