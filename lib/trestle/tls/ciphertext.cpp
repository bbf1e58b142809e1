#include "trestle/tls/ciphertext.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/bio.h>

#include "trestle/base/assertion.hpp"

namespace trestle::tls {

struct Ciphertext::Callbacks {
  static int read(BIO* bio, char* out, std::size_t bytes, std::size_t* taken) {
    auto& self = *static_cast<Ciphertext*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *taken = std::min({bytes, self.in_.size(), self.allowance_});
    if (*taken == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(out, self.in_.data(), *taken);
    self.in_ = self.in_.subspan(*taken);
    self.allowance_ -= *taken;
    self.taken_total_ += *taken;
    return 1;
  }

  static int write(BIO* bio, const char* data, std::size_t bytes, std::size_t* written) {
    auto& self = *static_cast<Ciphertext*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    append(self.out_, {reinterpret_cast<const std::uint8_t*>(data), bytes});
    *written = bytes;
    return 1;
  }

  static long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "trestle");
      TRESTLE_ASSERT(fresh != nullptr);
      BIO_meth_set_read_ex(fresh, read);
      BIO_meth_set_write_ex(fresh, write);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }
};

bio_st* Ciphertext::make_bio() {
  BIO* bio = BIO_new(Callbacks::method());
  TRESTLE_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

void Ciphertext::consume(std::size_t bytes) {
  TRESTLE_ASSERT(bytes <= size());
  begin_ += bytes;
  if (begin_ < out_.size()) return;
  Bytes().swap(out_);
  begin_ = 0;
}

void Ciphertext::reserve(std::size_t bytes) {
  // Moved to the front where that is cheaper than what is gained.
  if (begin_ > size()) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  out_.reserve(out_.size() + bytes);
}

}  // namespace trestle::tls
