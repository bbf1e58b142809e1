#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/websocket/frame_head.hpp"
#include "trestle/wire/websocket/mask_source.hpp"

namespace trestle::wire::websocket {

/// Whether a frame must keep to the bound of a batch.
enum class Room : std::uint8_t { bounded, beyond };

/// Frames on their way out, one behind the other in one piece of memory, each head right before its
/// payload: whatever gathers during a turn of the loop leaves in one write and one run of TLS
/// records. A payload is copied once, and masked while it is copied.
///
/// `storage_` begins with what has been written and is not needed any more:
///
///     |  gone  |     waiting     |  free  |
///     0        begin_            end_     storage_.size()
class FrameBatch {
 public:
  /// `bytes_max` bounds what waits, heads included. The storage has at most twice as much, because
  /// what waits is moved to the front only if it is not longer than what has gone.
  explicit FrameBatch(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// False if it does not fit; nothing has changed then. `masks` is null for a server. What goes
  /// `beyond` the bound must be bounded by its owner: one close frame.
  [[nodiscard]] bool append(Opcode opcode, bool is_final, ByteSpan payload, MaskSource* masks,
                            Room room = Room::bounded);

  /// What waits. Valid until the next change.
  ByteSpan bytes() const { return ByteSpan(storage_).subspan(begin_, size()); }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  /// The first so many bytes have been written.
  void consume(std::size_t bytes);

  /// Bytes of memory beside the batch itself.
  std::size_t storage_bytes() const { return storage_.capacity(); }
  /// Gives the storage back if nothing waits.
  void release_storage();

 private:
  void make_room(std::size_t bytes);

  std::size_t bytes_max_;
  Bytes storage_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace trestle::wire::websocket
