#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace trestle::host {

/// Memory of its own pages, which are neither swapped out nor written to a core file (T16). Cleared
/// when it goes.
class LockedPages {
 public:
  explicit LockedPages(std::size_t bytes);
  ~LockedPages();
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;

  void* data() { return data_; }
  /// Why they are not locked, for a warning: the system allows too little of it. They serve all the
  /// same. Empty if they are.
  const std::string& complaint() const { return complaint_; }

 private:
  std::size_t bytes_;
  void* data_;
  std::string complaint_;
};

/// One object in such pages, for as long as the program runs: an identity's private key.
template <typename Secret>
class LockedBox {
 public:
  explicit LockedBox(const Secret& secret)
      : pages_(sizeof(Secret)), secret_(new(pages_.data()) Secret(secret)) {}
  ~LockedBox() { std::destroy_at(secret_); }
  LockedBox(const LockedBox&) = delete;
  LockedBox& operator=(const LockedBox&) = delete;

  const Secret& operator*() const { return *secret_; }
  const std::string& complaint() const { return pages_.complaint(); }

 private:
  LockedPages pages_;
  Secret* secret_;
};

}  // namespace trestle::host
