#pragma once

#include <memory>

namespace trestle::wire::legacy {

/// Holds one `Frame`; complete in frame.hpp.
struct HeldFrame;

/// One frame on its way to whoever looks inside. A header that only passes frames on includes this
/// instead of frame.hpp: the variant of all frames costs seconds of compile time in every file that
/// moves it.
class FrameBox {
 public:
  explicit FrameBox(std::unique_ptr<HeldFrame> held);
  FrameBox(FrameBox&&) noexcept;
  FrameBox& operator=(FrameBox&&) noexcept;
  ~FrameBox();

  HeldFrame& operator*() const { return *held_; }
  HeldFrame* operator->() const { return held_.get(); }

 private:
  std::unique_ptr<HeldFrame> held_;
};

}  // namespace trestle::wire::legacy
