#pragma once

#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

/// How a request of a peer is refused: the code, a sentence for whoever reads its log, and when to
/// come again where that helps.
wire::Failure refusal_with(ErrorCode code);

}  // namespace trestle::dht
