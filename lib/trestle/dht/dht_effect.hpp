#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>

#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

/// Names one operation (put, get, find) until its `Ended`.
struct OperationId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const OperationId&, const OperationId&) = default;
};

/// Names one question to a peer until `on_answer` or `on_ask_failed`.
struct AskId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const AskId&, const AskId&) = default;
};

/// Chosen by the owner for a peer's request; comes back in `Respond`.
struct RequestToken {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const RequestToken&, const RequestToken&) = default;
};

/// Ask this peer, dialling it if no link is open. The owner times it and reports its end exactly
/// once, also when the timeout passed while dialling.
struct Ask {
  AskId ask;
  wire::Contact peer;
  wire::Message message;
  Duration timeout{};
};

/// The answer to a request, in the same call as the request.
struct Respond {
  RequestToken token;
  wire::Message message;
};

/// How an operation ended. Every accepted one ends exactly once.
struct Ended {
  OperationId operation;
  ErrorCode code = ErrorCode::none;
  /// put: how many nodes keep the record, this one included.
  std::uint32_t replicas = 0;
  /// get: the record.
  std::optional<wire::Record> record{};
  /// find: the nearest that answered, nearest first. put: who keeps a copy. Never ourselves.
  wire::Contacts contacts{};
};

/// Somebody named a dialable peer that we have no link to. A hint from a stranger; the same contact
/// is not announced again for a while.
struct Discovered {
  wire::Contact contact;
};

/// The node has looked up its own neighbourhood after its first link, or the first after it had
/// lost all, or has given up trying (LOOK-03).
struct NeighbourhoodKnown {
  /// `none`, or why the last try failed.
  ErrorCode code = ErrorCode::none;
  /// The nearest that answered.
  wire::Contacts contacts{};
};

using Effect = std::variant<Ask, Respond, Ended, Discovered, NeighbourhoodKnown>;

}  // namespace trestle::dht
