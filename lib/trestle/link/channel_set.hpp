#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/link/ban_list.hpp"
#include "trestle/link/channel.hpp"

namespace trestle::link {

struct ChannelSetOptions {
  ChannelOptions channel;
  /// POOL: a dial that takes longer has failed (requirements section 3).
  Duration dial_within = std::chrono::seconds(10);
  /// Accepted connections that have not opened their link yet, in total and per address: strangers
  /// live in a small class of their own (reliability.md section 10). Loopback is exempt from the
  /// second: behind a proxy on the same machine everybody has that address.
  std::size_t pending_max = 256;
  std::size_t pending_per_address_max = 8;
  /// Accepted links of one proven id: one, a new one while the old one has not been missed yet, and
  /// as many again for both ends dialling at once. Bootstrap nodes have shown a secret and may have
  /// as many as they like: without a pool they open one for each request.
  std::size_t per_identity_max = 4;
  /// Accepted links of peers that speak the old dialect and prove nothing: half of the 10,000 that
  /// a program accepts, so that they never take the places of those who do prove something.
  std::size_t legacy_max = 5'000;
  /// Whether bounds per address and bans of addresses leave loopback alone. Off: it is an address
  /// like any other, for tests, and where nobody but strangers' tunnels comes from it.
  bool exempts_loopback = true;
  BanListOptions bans;
};

/// Many channels of one owner: holds them, finds them by connection, keeps one timer for all,
/// drains the busy ones in the order in which they became busy, and flushes batches when nothing
/// else is left to report, so that everything a turn produced for one peer leaves in one frame.
class ChannelSet {
 public:
  struct News {
    ConnectionId connection;
    Channel::News news;
  };
  using Effect = std::variant<TransportOrder, News>;
  /// Why connections were refused beside the bound on pending ones.
  struct Refusals {
    std::uint64_t unexpected = 0;  ///< Dialled: another id answered than the address names.
    std::uint64_t banned = 0;
    std::uint64_t per_identity = 0;
    std::uint64_t legacy = 0;
  };

  /// `local` and `suite` must outlive the set.
  ChannelSet(ConnectionOwner owner, const LocalPeer& local, crypto::Suite& suite,
             const ChannelSetOptions& options, Rng rng);
  ~ChannelSet();
  ChannelSet(const ChannelSet&) = delete;  // the channels know where our options stand
  ChannelSet& operator=(const ChannelSet&) = delete;

  // ---- commands ----
  /// An unknown dialect is tried as native. The address may name who must answer (`PinnedUrl`).
  ConnectionId dial(Instant now, const std::string& url,
                    wire::Dialect dialect = wire::Dialect::native);
  /// As a client of a bootstrap node of the old dialect: open as soon as the transport is, and
  /// every frame goes to the owner.
  ConnectionId dial_as_old_client(Instant now, const std::string& url);
  Result<wire::RequestId, ErrorCode> request(Instant now, ConnectionId connection,
                                             const wire::Message& message, Instant deadline,
                                             Channel::Token token);
  void cancel(Instant now, ConnectionId connection, wire::RequestId id);
  bool respond(Instant now, ConnectionId connection, wire::RequestId id,
               const wire::Message& answer);
  bool notify(Instant now, ConnectionId connection, const wire::Message& message);
  void send_text(Instant now, ConnectionId connection, std::string text);
  void open_as_legacy(Instant now, ConnectionId connection, const wire::Contact& peer);
  void close(Instant now, ConnectionId connection, ErrorCode code, std::string text,
             std::uint32_t retry_after_ms = 0);
  void close_with_status(Instant now, ConnectionId connection, CloseStatus status, ErrorCode code,
                         std::string reason);
  /// Ends the link of a peer that did what no honest one does, and keeps the peer out for a while.
  void banish(Instant now, ConnectionId connection, ErrorCode code, std::string text);
  void close_all(Instant now, ErrorCode code, const std::string& text);

  // ---- inputs: those for connections no longer held are ignored ----
  ConnectionId on_accepted(Instant now, const Accepted& accepted);
  void on_dialled(Instant now, ConnectionId connection);
  void on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                      std::string_view reason);
  /// Returns the channel, or nothing, as `find` does.
  const Channel* on_frame(Instant now, ConnectionId connection, FrameKind kind, ByteSpan bytes);
  void on_drained(Instant now, ConnectionId connection, std::size_t bytes);
  void on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                 std::string_view reason);
  void on_signed(Instant now, ConnectionId connection, Ticket ticket,
                 const wire::Signature& signature);
  void on_verified(Instant now, ConnectionId connection, Ticket ticket, bool valid);

  // ---- time, drain, look ----
  Instant next_deadline() const { return deadlines_.next(); }
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();
  /// Who was banned, each ban one line.
  std::optional<LogRecord> poll_log() { return log_.poll(); }

  /// The channel, or nothing. Invalidated by the next changing call.
  const Channel* find(ConnectionId connection) const;
  std::size_t size() const { return slots_by_connection_.size(); }
  std::size_t pending() const { return pending_; }
  std::uint64_t refused() const { return refused_; }
  const Refusals& refusals() const { return refusals_; }
  const BanList& bans() const { return bans_; }
  /// Fewer strangers at a time, or as many as ever: while memory is short.
  void limit_pending(std::size_t pending_max) { pending_limit_ = pending_max; }
  std::size_t pending_max() const { return options_.pending_max; }
  /// Takes over bounds on what peers may take, for the links that there are as well. Whose dialect
  /// is spoken, and how, stays.
  void limit(const ChannelSetOptions& limits);

 private:
  using Slot = Deadlines::Slot;
  struct Place {
    std::unique_ptr<Channel> channel;
    ConnectionId connection;
    bool is_pending = false;
    bool is_counted = false;   ///< Among the accepted links of its id, or of the old dialect.
    bool is_busy = false;      ///< Has something to report: stands in `busy_`.
    bool is_settling = false;  ///< Was drained in this turn: stands in `settling_`.
  };

  ConnectionId dial(const std::string& url, wire::Dialect dialect, LegacyMode legacy);
  Channel* touch(Instant now, ConnectionId connection);
  Channel* touch_slot(Slot slot);
  std::optional<Slot> slot_of(ConnectionId connection) const;
  Slot insert(ConnectionId connection, std::unique_ptr<Channel> channel);
  void erase(Slot slot);
  void no_longer_pending(Place& place);
  bool admits(const Accepted& accepted);
  /// Closes a link that has just opened if there is no place for its peer; true if there is.
  bool admit_opened(Place& place);
  void uncount(Place& place);
  void judge(const Place& place, const Channel::Closed& closed);
  void on_banned(const Channel& channel, const std::string& who, ErrorCode code,
                 std::string_view reason);
  void tell_of_ban(const Channel& channel, const std::string& who, ErrorCode code,
                   std::string_view reason);
  /// By what name this peer is banned; empty if it has none that could be.
  std::string name_for_bans(const Channel& channel) const;
  bool is_exempt(std::string_view address) const;
  std::optional<Effect> poll_slot(Slot slot);
  void flush_batches();

  const LocalPeer& local_;
  crypto::Suite& suite_;
  ChannelSetOptions options_;
  Rng rng_;
  ConnectionIds ids_;
  std::vector<Place> places_;
  std::vector<Slot> free_;
  FlatMap<ConnectionId, Slot> slots_by_connection_;
  /// Most calls of a turn concern one connection.
  Slot last_touched_ = 0;
  FlatMap<std::string, std::size_t> pending_by_address_;
  FlatMap<NodeId, std::size_t> accepted_by_identity_;
  std::size_t pending_ = 0;
  std::size_t pending_limit_;
  std::size_t legacy_ = 0;
  std::uint64_t refused_ = 0;
  Refusals refusals_;
  BanList bans_;
  Instant now_{};  ///< Of the last command or input: what is drained belongs to it.
  Deadlines deadlines_;
  std::vector<Slot> busy_;
  std::size_t next_busy_ = 0;
  std::vector<Slot> settling_;
  Outbox<TransportOrder> orders_;
  Outbox<LogRecord> log_;
};

}  // namespace trestle::link
