#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/receipt.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

struct SpreadOptions {
  /// Copies on their way at a time: all of k, since W of them have to sync before the writer hears
  /// of it and a second round would double that wait. At 10 KiB a value that is 200 KiB a put.
  std::size_t parallel_max = 20;
  /// The targets answered a moment ago, so the short timeout holds (the old dialect's own: 3 s).
  Duration timeout = std::chrono::seconds(3);
};

/// How many of the first `count` contacts keep records in a way that counts: native nodes.
std::uint32_t holders_among(const wire::Contacts& contacts, std::size_t count);

/// Send this peer the record.
struct SpreadAsk {
  wire::Contact peer;
  wire::Message message;
  Duration timeout{};
};

/// Brings one record to the peers a lookup found, and to our own store if we are one of the
/// nearest: a machine. Each target is asked once, nearest first; silence counts as refusal after
/// the timeout. Its owner reads the receipt after every input: it may be good long before the last
/// target has answered.
class Spread {
 public:
  enum class Here : std::uint8_t { not_nearest, syncing, kept, refused };

  /// Of `targets` the native ones count. `holders` is R.
  Spread(wire::Record record, wire::Contacts targets, std::uint32_t holders,
         const SpreadOptions& options);

  /// Sends the first copies; call once.
  void start(Instant now, Here here);
  /// Our own copy is on disk, or will not be.
  void on_synced_here(Instant now, ErrorCode code);
  void on_kept(Instant now, const NodeId& peer);
  void on_refused(Instant now, const NodeId& peer, ErrorCode code);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<SpreadAsk> poll_effect() { return outbox_.poll(); }
  /// Somebody who said that it has something newer; each is named once.
  std::optional<wire::Contact> take_outdated();

  const Receipt& receipt() const { return receipt_; }
  /// Who said that they keep it, old peers too, in the order of their answers.
  const wire::Contacts& kept_by() const { return kept_by_; }
  /// Why the last one refused; `unreachable` if there was nobody to ask.
  ErrorCode refusal() const { return refusal_; }
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
  SpreadOptions options_;
  Receipt receipt_;
  Here here_ = Here::not_nearest;
  Instant here_deadline_ = kNever;
  std::size_t next_target_ = 0;
  std::vector<Pending> pending_;
  wire::Contacts kept_by_;
  wire::Contacts outdated_;
  ErrorCode refusal_ = ErrorCode::unreachable;
  Outbox<SpreadAsk> outbox_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace trestle::dht
