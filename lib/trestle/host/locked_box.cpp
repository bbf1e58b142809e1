#include "trestle/host/locked_box.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

#include <sys/mman.h>
#include <unistd.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/cleanse.hpp"

namespace trestle::host {
namespace {

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

LockedPages::LockedPages(std::size_t bytes)
    : bytes_(whole_pages(bytes)),
      data_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  TRESTLE_ASSERT(data_ != MAP_FAILED);
  if (::mlock(data_, bytes_) != 0) {
    complaint_ = std::string(
                     "the identity's private key may be swapped to disk, its memory cannot "
                     "be locked: ") +
                 std::strerror(errno) + "; raise the limit of locked memory (LimitMEMLOCK)";
  }
  ::madvise(data_, bytes_, MADV_DONTDUMP);
}

LockedPages::~LockedPages() {
  crypto::cleanse(std::span(static_cast<std::uint8_t*>(data_), bytes_));
  ::munmap(data_, bytes_);
}

}  // namespace trestle::host
