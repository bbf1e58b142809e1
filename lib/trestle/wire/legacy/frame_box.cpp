#include "trestle/wire/legacy/frame_box.hpp"

#include <utility>

#include "trestle/wire/legacy/frame.hpp"

namespace trestle::wire::legacy {

FrameBox::FrameBox(std::unique_ptr<HeldFrame> held) : held_(std::move(held)) {}
FrameBox::FrameBox(FrameBox&&) noexcept = default;
FrameBox& FrameBox::operator=(FrameBox&&) noexcept = default;
FrameBox::~FrameBox() = default;

FrameBox box(Frame&& frame) { return FrameBox(std::make_unique<HeldFrame>(std::move(frame))); }

}  // namespace trestle::wire::legacy
