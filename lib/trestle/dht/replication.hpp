#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

struct ReplicationOptions {
  /// Copies on their way at a time: twice a lookup's parallelism, since each goes to another peer,
  /// and at 10 KiB a value no more than 80 KiB are queued by one put.
  std::size_t parallel_max = 8;
  /// The targets answered a moment ago, so the short timeout holds (the old dialect's own: 3 s).
  Duration timeout = std::chrono::seconds(3);
};

/// Send this peer the record.
struct ReplicationAsk {
  wire::Contact peer;
  wire::Message message;
  Duration timeout{};
};

/// The last effect of a replication.
struct ReplicationEnded {
  /// Who said that they keep it, in the order of their answers.
  wire::Contacts kept_by;
  /// If none did: why the last one refused, or `unreachable`.
  ErrorCode code = ErrorCode::none;
};

using ReplicationEffect = std::variant<ReplicationAsk, ReplicationEnded>;

/// Spreads one record over the peers a lookup found: a machine. Each target is asked once, a few at
/// a time, nearest first; silence counts as refusal after the timeout.
class Replication {
 public:
  Replication(wire::Record record, wire::Contacts targets, const ReplicationOptions& options);

  /// Sends the first copies; call once.
  void start(Instant now);
  void on_stored(Instant now, const NodeId& peer);
  void on_refused(Instant now, const NodeId& peer, ErrorCode code);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<ReplicationEffect> poll_effect();
  bool is_ended() const { return ended_; }

 private:
  struct Pending {
    std::size_t target = 0;
    Instant deadline{};
  };

  std::optional<std::size_t> close(const NodeId& peer);
  void advance(Instant now);

  wire::Record record_;
  wire::Contacts targets_;
  ReplicationOptions options_;
  std::size_t next_target_ = 0;
  std::vector<Pending> pending_;
  wire::Contacts kept_by_;
  ErrorCode refusal_ = ErrorCode::unreachable;
  Outbox<ReplicationAsk> outbox_;
  bool started_ = false;
  bool ended_ = false;
  bool end_told_ = false;
};

}  // namespace trestle::dht
