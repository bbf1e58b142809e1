#include "trestle/node/member/sealed_values.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/edwards_encoding.hpp"

namespace trestle::node {

using crypto::Audience;
using crypto::SealFault;

SealedValues::SealedValues(const ValueOptions& options, std::string network,
                           const crypto::Identity& identity, crypto::Suite& suite)
    : network_(std::move(network)),
      keys_{identity.key, identity.sealing, options.network_keys},
      plain_until_(options.plain_until),
      suite_(&suite) {}

// ---- keys

ErrorCode SealedValues::adopt_network_keys(ByteSpan wrapped) {
  if (!keys_.own) return ErrorCode::invalid_token;
  const crypto::NetworkHash network = crypto::network_hash(*suite_, network_);
  const auto keys =
      crypto::unwrap_network_keys(*suite_, sealer_, network, keys_.own->pair, wrapped);
  if (!keys) return keys.error();
  const bool is_older = has_network_key() && keys->current().epoch < keys_.network.current().epoch;
  if (!is_older) keys_.network = *keys;
  return ErrorCode::none;
}

// ---- out

Result<std::optional<Audience>, ErrorCode> SealedValues::audience_of(
    const PutOptions& options, std::size_t plain_bytes, std::size_t value_bytes_max) const {
  const Audience audience = options.audience.value_or(Audience::network);
  const bool is_for_readers = audience == Audience::readers;
  // The author is one of those that there may be.
  const bool are_possible = options.readers.size() < crypto::kReadersMax &&
                            options.readers.empty() != is_for_readers &&
                            std::ranges::none_of(options.readers, crypto::is_small_order);
  if (!are_possible) return refuse(ErrorCode::invalid_request);
  const bool is_for_some = is_for_readers || audience == Audience::self;
  if (is_for_some && !keys_.own) return refuse(ErrorCode::unsupported);
  const bool is_sealed = is_for_some || has_network_key();
  const std::size_t overhead =
      is_sealed ? crypto::sealing_overhead_bytes(audience, options.readers.size() + 1) : 0;
  if (plain_bytes + overhead > value_bytes_max) return refuse(ErrorCode::too_large);
  return is_sealed ? std::optional(audience) : std::nullopt;
}

void SealedValues::await(OperationId operation, Audience audience, const PutOptions& options,
                         Bytes plain) {
  Awaited awaited{audience, options.readers, std::move(plain)};
  if (audience == Audience::readers) awaited.readers.push_back(keys_.own->pair.key);
  awaited_.insert(operation, std::move(awaited));
}

Bytes SealedValues::seal(OperationId operation, const wire::Record& record) {
  const Awaited* awaited = awaited_.find(operation);
  TRESTLE_ASSERT(awaited != nullptr);
  const crypto::ValuePlace place = crypto::place_of(network_, record);
  ++stats_.sealed;
  switch (awaited->audience) {
    case Audience::network:
      return crypto::seal_for_network(*suite_, sealer_, keys_.network.current(), place,
                                      awaited->plain);
    case Audience::self:
      return crypto::seal_for_self(*suite_, sealer_, keys_.own->self, place, awaited->plain);
    case Audience::readers: {
      auto sealed =
          crypto::seal_for_readers(*suite_, sealer_, awaited->readers, place, awaited->plain);
      TRESTLE_ASSERT(sealed.has_value());
      return std::move(*sealed);
    }
    case Audience::everybody:
      break;
  }
  return crypto::mark_public(awaited->plain);
}

std::optional<Audience> SealedValues::take_ended(OperationId operation) {
  Awaited* awaited = awaited_.find(operation);
  if (awaited == nullptr) return std::nullopt;
  const Audience audience = awaited->audience;
  crypto::cleanse(awaited->plain);
  awaited_.erase(operation);
  return audience;
}

// ---- in

SealedValues::Reading SealedValues::plain_reading(WallTime today) {
  if (!has_network_key()) return {};
  if (today < plain_until_) {
    ++stats_.plain_read;
    return {.detail = "a value that is not sealed was read; write it again to have it sealed"};
  }
  ++stats_.plain_refused;
  return {.code = ErrorCode::refused,
          .detail = "the value is not sealed, and this network has a key for values"};
}

SealedValues::Reading SealedValues::open(WallTime today, wire::Record& record) {
  if (record.kind != wire::RecordKind::sealed) return plain_reading(today);
  auto opened =
      crypto::open_value(*suite_, sealer_, keys_, crypto::place_of(network_, record), record.value);
  if (opened) {
    ++stats_.opened;
    record.value = std::move(opened->plain);
    return {.audience = opened->audience};
  }
  if (opened.error() == SealFault::not_for_us) {
    ++stats_.not_for_us;
    return {.code = ErrorCode::unauthorized, .detail = "the value is sealed for others"};
  }
  ++stats_.not_genuine;
  return {.code = ErrorCode::protocol_error,
          .detail = "the value is signed, but not what its author sealed for this key"};
}

}  // namespace trestle::node
