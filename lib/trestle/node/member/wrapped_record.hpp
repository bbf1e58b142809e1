#pragma once

#include <optional>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

/// A request or an answer as others carry it: one record of the native codec. Nothing if it is
/// larger than anybody carries.
std::optional<Bytes> wrapped(const wire::Envelope& envelope);
/// Nothing if these are not the bytes of exactly one record that we know.
std::optional<wire::Envelope> unwrapped(ByteSpan bytes);

}  // namespace trestle::node
