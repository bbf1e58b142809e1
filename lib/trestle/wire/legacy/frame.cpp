#include "trestle/wire/legacy/frame.hpp"

#include <memory>
#include <utility>

namespace trestle::wire::legacy {

Frame::Frame() = default;
Frame::Frame(const Frame& other) = default;
Frame::Frame(Frame&& other) noexcept = default;
Frame& Frame::operator=(const Frame& other) = default;
Frame& Frame::operator=(Frame&& other) noexcept = default;
Frame::~Frame() = default;

FrameBox::FrameBox(std::unique_ptr<HeldFrame> held) : held_(std::move(held)) {}
FrameBox::FrameBox(FrameBox&&) noexcept = default;
FrameBox& FrameBox::operator=(FrameBox&&) noexcept = default;
FrameBox::~FrameBox() = default;

FrameBox box(Frame&& frame) { return FrameBox(std::make_unique<HeldFrame>(std::move(frame))); }

}  // namespace trestle::wire::legacy
