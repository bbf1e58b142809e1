#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace trestle::host {

/// What may wait to be taken; as much again may be in the hands of who took it.
struct HandoverBounds {
  std::size_t entries_max;
  std::size_t bytes_max;
};

/// Carries entries from one thread to one other, in order and in batches. Whoever gives fills a
/// batch of its own and publishes it at the end of its turn, whoever takes gets all that was
/// published: one short lock for each, and none while either works.
///
/// Waking the other thread is its user's business, who is told when that is needed.
template <typename Entry>
class Handover {
 public:
  /// The most that ever waited.
  struct Peak {
    std::size_t entries = 0;
    std::size_t bytes = 0;
  };

  explicit Handover(const HandoverBounds& bounds) : bounds_(bounds) {}

  // ---- the thread that gives

  /// False if more would wait than may; the entry is as it was. One that is larger than the bound
  /// by itself passes alone.
  bool put(Entry&& entry, std::size_t bytes) {
    if (!has_room(bytes)) look();
    if (!has_room(bytes)) return false;
    put_beyond(std::move(entry), bytes);
    return true;
  }

  /// For what its user has bounded otherwise and must get through.
  void put_beyond(Entry&& entry, std::size_t bytes) {
    batch_.push_back(std::move(entry));
    batch_bytes_ += bytes;
    peak_.entries = std::max(peak_.entries, seen_entries_ + batch_.size());
    peak_.bytes = std::max(peak_.bytes, seen_bytes_ + batch_bytes_);
  }

  /// From now on what was put can be taken. True: the other thread has to be woken for it.
  bool publish() {
    if (batch_.empty()) return false;
    const std::lock_guard lock(mutex_);
    const bool was_empty = published_.empty();
    if (was_empty) {
      published_.swap(batch_);
    } else {
      std::move(batch_.begin(), batch_.end(), std::back_inserter(published_));
      batch_.clear();
    }
    published_bytes_ += std::exchange(batch_bytes_, 0);
    see();
    return was_empty;
  }

  /// Sleeps until everything that was published has been taken. False: nothing will be taken any
  /// more.
  bool wait_until_taken() {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return has_ended_ || published_.empty(); });
    see();
    return !has_ended_;
  }

  const Peak& peak() const { return peak_; }

  // ---- the thread that takes

  /// Everything that was published, instead of what `entries` holds.
  void take(std::vector<Entry>& entries) {
    // A burst's room is not kept for quiet times.
    if (entries.capacity() > kEntriesKept) std::vector<Entry>().swap(entries);
    entries.clear();
    {
      const std::lock_guard lock(mutex_);
      entries.swap(published_);
      published_bytes_ = 0;
    }
    taken_.notify_one();
  }

  /// Takes no more: who waits to give is let go.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      has_ended_ = true;
    }
    taken_.notify_one();
  }

 private:
  static constexpr std::size_t kEntriesKept = 1024;

  bool has_room(std::size_t bytes) const {
    const std::size_t entries = seen_entries_ + batch_.size();
    if (entries == 0) return true;
    return entries < bounds_.entries_max && seen_bytes_ + batch_bytes_ + bytes <= bounds_.bytes_max;
  }
  void look() {
    const std::lock_guard lock(mutex_);
    see();
  }
  void see() {
    seen_entries_ = published_.size();
    seen_bytes_ = published_bytes_;
  }

  HandoverBounds bounds_;

  // Of the thread that gives.
  std::vector<Entry> batch_;  ///< Not published yet.
  std::size_t batch_bytes_ = 0;
  std::size_t seen_entries_ = 0;  ///< What waited when it last looked: by now the same, or less.
  std::size_t seen_bytes_ = 0;
  Peak peak_;

  // Under the mutex.
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<Entry> published_;
  std::size_t published_bytes_ = 0;
  bool has_ended_ = false;
};

}  // namespace trestle::host
