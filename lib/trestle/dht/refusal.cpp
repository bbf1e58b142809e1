#include "trestle/dht/refusal.hpp"

#include <cstdint>

namespace trestle::dht {
namespace {

/// A disk that is behind catches up within group commits of some ten milliseconds; a second spreads
/// those who come again.
constexpr std::uint32_t kBusyRetryMs = 1000;

const char* sentence_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::store_full:
      return "The store or your share of it is full; store elsewhere or let records expire.";
    case ErrorCode::too_large:
      return "The value is larger than this node keeps; split it.";
    case ErrorCode::data_refused:
      return "This node is a bridge: it keeps and serves no data. Ask a node.";
    case ErrorCode::outdated:
      return "A newer version of this record is kept here; read it before you write.";
    case ErrorCode::unauthorized:
      return "The record's signature is not its author's, or the key belongs to another node.";
    case ErrorCode::storage_failed:
      return "This node's disk failed; it keeps nothing new.";
    case ErrorCode::busy:
      return "This node cannot keep up; come again or store elsewhere.";
    case ErrorCode::rate_limited:
      return "More signatures to check than this peer's share; come again in a moment.";
    case ErrorCode::refused:
      return "Another key has this place.";
    case ErrorCode::shutting_down:
      return "This node is shutting down.";
    default:
      return "The key is empty or too long, the record has no life left, or its version lies in "
             "the "
             "future.";
  }
}

}  // namespace

wire::Failure refusal_with(ErrorCode code) {
  const bool is_temporary = code == ErrorCode::busy || code == ErrorCode::rate_limited;
  return {
      .code = code, .retry_after_ms = is_temporary ? kBusyRetryMs : 0, .text = sentence_for(code)};
}

}  // namespace trestle::dht
