#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/bytes.hpp"

struct bio_st;

namespace trestle::tls {

/// The two buffers that OpenSSL takes for a socket. It reads where the input lies, and what it
/// writes gathers in one piece:
///
///     |  gone  |     waiting     |
///     0        begin_            out_.size()
class Ciphertext {
 public:
  Ciphertext() = default;
  Ciphertext(const Ciphertext&) = delete;
  Ciphertext& operator=(const Ciphertext&) = delete;

  /// For `SSL_set_bio`, which takes it. It refers to this object.
  bio_st* make_bio();

  // ---- in

  /// Borrowed until it is taken or dropped.
  void lend(ByteSpan input) { in_ = input; }
  void drop() { in_ = {}; }
  bool has_input() const { return !in_.empty(); }
  /// At most so many bytes more are handed over, whatever lies there.
  void set_allowance(std::size_t bytes) { allowance_ = bytes; }
  std::size_t allowance() const { return allowance_; }
  std::uint64_t taken_total() const { return taken_total_; }

  // ---- out

  /// Valid until the next change.
  ByteSpan waiting() const { return ByteSpan(out_).subspan(begin_); }
  std::size_t size() const { return out_.size() - begin_; }
  /// The first so many bytes have been written. With the last of them the memory goes.
  void consume(std::size_t bytes);
  /// Memory for so many bytes more at once.
  void reserve(std::size_t bytes);
  std::size_t storage_bytes() const { return out_.capacity(); }

 private:
  struct Callbacks;

  ByteSpan in_;
  std::size_t allowance_ = SIZE_MAX;
  std::uint64_t taken_total_ = 0;
  Bytes out_;
  std::size_t begin_ = 0;
};

}  // namespace trestle::tls
