#include "trestle/wire/websocket/frame_batch.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "trestle/base/assertion.hpp"

namespace trestle::wire::websocket {
namespace {

/// Where the storage begins to grow.
constexpr std::size_t kFirstBytes = 256;
/// What an empty batch keeps: the largest cap of a native batch (64 KiB) and its head.
constexpr std::size_t kStorageKeptBytesMax = std::size_t{64} * 1024 + kFrameHeadBytesMax;

}  // namespace

bool FrameBatch::append(Opcode opcode, bool is_final, ByteSpan payload, MaskSource* masks,
                        Room room) {
  const Role role = masks == nullptr ? Role::server : Role::client;
  const std::size_t head_size = head_bytes(role, payload.size());
  if (room == Room::bounded) {
    const std::size_t left = bytes_max_ - std::min(bytes_max_, size());
    if (payload.size() > left || head_size > left - payload.size()) return false;
  }
  make_room(head_size + payload.size());
  FrameHead head{.opcode = opcode, .is_final = is_final, .payload_bytes = payload.size()};
  if (masks != nullptr) {
    head.is_masked = true;
    head.mask = masks->next();
  }
  std::array<std::uint8_t, kFrameHeadBytesMax> written{};
  const std::size_t written_size = write_head(head, written);
  TRESTLE_ASSERT(written_size == head_size);
  std::memcpy(storage_.data() + end_, written.data(), head_size);
  end_ += head_size;
  if (masks != nullptr) {
    copy_masked(payload, std::span(storage_).subspan(end_, payload.size()), head.mask);
  } else if (!payload.empty()) {
    std::memcpy(storage_.data() + end_, payload.data(), payload.size());
  }
  end_ += payload.size();
  return true;
}

void FrameBatch::consume(std::size_t bytes) {
  TRESTLE_ASSERT(bytes <= size());
  begin_ += bytes;
  if (begin_ < end_) return;
  begin_ = 0;
  end_ = 0;
  if (storage_.size() > kStorageKeptBytesMax) Bytes().swap(storage_);
}

void FrameBatch::release_storage() {
  if (empty()) Bytes().swap(storage_);
}

void FrameBatch::make_room(std::size_t bytes) {
  if (storage_.size() - end_ >= bytes) return;
  if (begin_ >= size() && begin_ > 0) {
    std::memmove(storage_.data(), storage_.data() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
    if (storage_.size() - end_ >= bytes) return;
  }
  const std::size_t needed = end_ + bytes;
  const std::size_t doubled = std::max(2 * storage_.size(), kFirstBytes);
  // Beyond twice the bound there is only the one frame that may go beyond it.
  const std::size_t larger = std::max(needed, std::min(doubled, 2 * bytes_max_));
  storage_.reserve(larger);
  storage_.resize(larger);
}

}  // namespace trestle::wire::websocket
