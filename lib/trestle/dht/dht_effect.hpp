#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/lookup_step.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

/// Names one operation (put, get, find, refresh, remove) until its `Ended`.
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

/// Ask this peer, dialling it if no link is open; or, if `through` says so, have a linked peer
/// carry the question and pass on the answer that comes back. The owner times it and reports its
/// end exactly once, also when the timeout passed while dialling.
struct Ask {
  AskId ask;
  wire::Contact peer;
  wire::Message message;
  Duration timeout{};
  std::optional<NodeId> through{};
  /// No user waits for it: a link that was dialled for it need not be kept for the next one.
  bool for_upkeep = false;
};

/// The answer to a request: in the same call, but for a record that the disk has to sync first.
struct Respond {
  RequestToken token;
  wire::Message message;
};

/// How an operation ended. Every accepted one ends exactly once.
struct Ended {
  OperationId operation;
  ErrorCode code = ErrorCode::none;
  /// put, refresh, remove: how many native nodes have synced the record, this one included if it is
  /// one of the nearest.
  std::uint32_t replicas = 0;
  /// How many of them it takes (design section 6).
  std::uint32_t replicas_wanted = 0;
  /// `none`, but fewer than that keep it.
  bool weak = false;
  /// The version that was written.
  std::uint64_t version = 0;
  /// get: the record.
  std::optional<wire::Record> record{};
  /// find: the nearest that answered, nearest first. put and the like: who keeps a copy so far, old
  /// peers too. Never ourselves.
  wire::Contacts contacts{};
  /// If they were asked for: every question of the lookup, in the order of asking.
  std::vector<LookupStep> steps{};
};

/// A question of a lookup has ended (OBS-08). Only with `QuestionReport::told`.
struct QuestionEnded {
  OperationId operation;
  LookupStep step;
  /// A link to the peer is open now.
  bool linked = false;
  /// How often in a row it has not answered.
  std::uint32_t failures = 0;
};

/// The peer has not answered several questions in a row although its link lives and other frames of
/// it arrive (OBS-08). Told once, until it answers again.
struct PeerDeaf {
  NodeId peer{};
  std::uint32_t questions = 0;
};

/// Make the value of this record: of the rest of it only the signature is missing. Answered once by
/// `on_value`, with no more than a store takes; asked again should the version change.
struct SealValue {
  OperationId operation;
  wire::Record record;
};

/// Sign this with our identity key; answered by `on_signed`, once.
struct SignRecord {
  OperationId operation;
  Bytes message;
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

using Effect = std::variant<Ask, Respond, Ended, Discovered, NeighbourhoodKnown, QuestionEnded,
                            PeerDeaf, SealValue, SignRecord, Persist, LogRecord>;

}  // namespace trestle::dht
