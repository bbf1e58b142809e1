#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace trestle::inline base {

/// An ordered map in one array: iteration follows the keys, so a loop over it gives the same order
/// everywhere (no loop over an unordered container may decide anything). Lookup is a binary search;
/// insertion moves what lies behind, which for the few thousand entries our bounds allow is cheaper
/// than a node per entry. References are invalidated by insert and erase.
template <typename Key, typename Value>
class FlatMap {
 public:
  /// No std::pair, whose assignment is never trivial: plain entries are moved as bytes.
  struct Entry {
    Key first;
    Value second;
  };
  using iterator = typename std::vector<Entry>::iterator;
  using const_iterator = typename std::vector<Entry>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void clear() { entries_.clear(); }
  void reserve(std::size_t entries) { entries_.reserve(entries); }

  Value* find(const Key& key) {
    const auto place = lower(key);
    return place != entries_.end() && place->first == key ? &place->second : nullptr;
  }
  const Value* find(const Key& key) const { return const_cast<FlatMap*>(this)->find(key); }
  bool contains(const Key& key) const { return find(key) != nullptr; }

  /// The entry at position `index` in key order.
  Entry& at_index(std::size_t index) { return entries_[index]; }
  const Entry& at_index(std::size_t index) const { return entries_[index]; }

  /// Inserts unless the key is present. Returns the value now stored and whether it was inserted.
  std::pair<Value*, bool> insert(const Key& key, Value value) {
    auto place = lower(key);
    if (place != entries_.end() && place->first == key) return {&place->second, false};
    return {&insert_at(place, key, std::move(value))->second, true};
  }

  Value& insert_or_assign(const Key& key, Value value) {
    auto place = lower(key);
    if (place != entries_.end() && place->first == key) {
      place->second = std::move(value);
    } else {
      place = insert_at(place, key, std::move(value));
    }
    return place->second;
  }

  /// True if something was removed.
  bool erase(const Key& key) {
    const auto place = lower(key);
    if (place == entries_.end() || !(place->first == key)) return false;
    entries_.erase(place);
    return true;
  }
  iterator erase(iterator place) { return entries_.erase(place); }
  /// Removes every entry for which `is_unwanted(entry)`, in one pass.
  template <typename Predicate>
  std::size_t erase_if(Predicate&& is_unwanted) {
    return std::erase_if(entries_, is_unwanted);
  }

 private:
  /// Grows by a quarter: an insertion moves half of the entries anyway, and every node has dozens
  /// of these maps.
  iterator insert_at(iterator place, const Key& key, Value value) {
    const auto index = place - entries_.begin();
    if (entries_.size() == entries_.capacity()) {
      entries_.reserve(entries_.size() + entries_.size() / 4 + 1);
    }
    return entries_.insert(entries_.begin() + index, Entry{key, std::move(value)});
  }

  iterator lower(const Key& key) {
    return std::lower_bound(
        entries_.begin(), entries_.end(), key,
        [](const Entry& entry, const Key& wanted) { return entry.first < wanted; });
  }

  std::vector<Entry> entries_;
};

}  // namespace trestle::inline base
