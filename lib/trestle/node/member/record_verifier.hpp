#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "trestle/base/error_code.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rate_account.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/dht/record_store.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

struct RecordVerifierOptions {
  std::string network{};
  /// Whether records of the old dialect, which nobody signed, are taken at all.
  bool legacy = true;
  /// Messages held back, in all and from one link: their own checks and what came behind them. At
  /// 13,000 checks a second a thousand are some 80 ms of processor; an eighth for one peer leaves
  /// room for the others. More requests are answered BUSY.
  std::size_t held_max = 1024;
  std::size_t held_per_link_max = 128;
  /// A link may hold as many as there are free places (dynamic thresholds: Choudhury and Hahne,
  /// IEEE/ACM Transactions on Networking 6(2), 1998), so that those who flood us leave some to
  /// whoever comes next: a hundred of them hold ten each, and ten are free. So many are any link's
  /// beside the thousand, even then: 200 links have 800 places more.
  std::size_t held_per_link_assured = 4;
  /// Signatures checked for one peer's requests, a second and at once after a pause. The burst is
  /// what a holder that is replaced hands over (`dht::ServingLimitsOptions::stores`). Beyond it the
  /// peer is answered RATE_LIMITED; what we asked for ourselves is not counted.
  std::uint32_t checks_per_second = 50;
  std::uint32_t checks_burst = 1024;
  /// And for all peers together: at the 13,000 a second of one core, two fifths of it
  /// (reliability.md section 10).
  std::uint32_t checks_per_second_in_all = 5'200;
  /// Peers whose checks are counted: five times the links of a server. 32 bytes each.
  std::size_t checked_peers_max = 1024;
  /// Records with a wrong signature that one peer may deliver. An honest one delivers none: it
  /// checked them itself. So many are no accident, and each costs us a check. As many of one link
  /// are under way at a time, less those known to be forged: whoever forges has a hundred in its
  /// first frame, and those behind the ones that give it away are not checked in vain.
  std::uint32_t forgeries_max = 3;
  /// Record versions remembered besides those in the store, the oldest goes: what readers meet
  /// again and again lies in few records. Some 36 KiB.
  std::size_t remembered_max = 256;
};

struct RecordVerifierStats {
  std::size_t held = 0;
  std::uint64_t checked = 0;     ///< Signatures.
  std::uint64_t remembered = 0;  ///< Records that needed no check any more.
  std::uint64_t forged =
      0;  ///< Wrong signature, somebody else's key, or unsigned where that is off.
  std::uint64_t unheard = 0;  ///< Came from a forger, and were not looked at any more.
  std::uint64_t refused = 0;  ///< No room.
  std::uint64_t limited = 0;  ///< Over the budget of checks.
  std::uint64_t forgers = 0;  ///< Peers that delivered too many forged records.
};

/// The only place where what came from the wire becomes `VerifiedRecord`: a machine. Everything for
/// the DHT passes through it, link by link in the order it came; behind a record that is being
/// checked the rest of that link waits (design section 2). Of that rest the next few records are
/// checked meanwhile; of whoever forges, none.
///
/// A record version is checked once and then known by its content, never by its signature: of an
/// ECDSA signature there are many. So whoever sends known content with another signature gets the
/// one that was checked put in its place; it must not travel on with one that nobody else believes.
class RecordVerifier {
 public:
  /// A request of a peer, or the answer to a question of ours.
  struct Item {
    link::ConnectionId connection;
    NodeId from{};
    std::variant<wire::RequestId, dht::AskId> of;
    wire::Message message;
  };
  /// It may go on. With a code it must not: a forged record (UNAUTHORIZED), or no room (BUSY).
  struct Cleared {
    Item item;
    ErrorCode code = ErrorCode::none;
    /// The record out of the message, if it brought one.
    std::optional<crypto::VerifiedRecord> record{};
  };
  /// This peer forges records: its link is to be cut. Once for each link.
  struct Forger {
    link::ConnectionId connection;
  };
  using Effect = std::variant<link::Verify, Cleared, Forger>;

  /// What `kept` has was verified when it came. Both must outlive the machine.
  RecordVerifier(const RecordVerifierOptions& options, const dht::RecordStore& kept,
                 crypto::Suite& suite);

  // ---- inputs ----
  void submit(Instant now, Item item);
  void on_verified(Instant now, link::Ticket ticket, bool valid);
  /// Its requests are nobody's any more; answers to ours go their way.
  void on_closed(link::ConnectionId connection);
  /// Memory is short: what was checked is checked again when it comes.
  void forget_checked();

  // ---- drain, look ----
  std::optional<Effect> poll_effect();
  RecordVerifierStats stats() const;

 private:
  struct Held {
    Cleared cleared;
    /// The check it waits for.
    std::optional<link::Ticket> ticket;
    bool is_withdrawn = false;
    bool is_orphaned = false;  ///< Its link has closed.
  };
  /// What one link has waiting, in the order in which it came.
  struct Line {
    std::deque<Held> held;
    std::size_t examined = 0;  ///< Those in front, whose records are known, refused or under way.
    std::size_t checks = 0;    ///< Under way.
  };

  static wire::Record* record_in(wire::Message& message);
  std::optional<ErrorCode> refusal(const wire::Record& record);
  const wire::Signature* known_signature(const wire::Record& record,
                                         const wire::RecordDigest& digest) const;
  void remember(const wire::RecordDigest& digest, const wire::Signature& signature);
  /// Looks at the next records of a line, as many as may be checked at a time.
  void examine(Instant now, link::ConnectionId connection, Line& line);
  void examine(Instant now, Line& line, Held& held, const wire::Record& record);
  /// How many messages one link may have waiting now.
  std::size_t places_of_a_link() const;
  /// Takes a check out of the budgets of this item's peer and of all.
  bool may_check(Instant now, const Item& item);
  void on_forgery(link::ConnectionId connection);
  void release(link::ConnectionId connection);

  RecordVerifierOptions options_;
  const dht::RecordStore* kept_;
  crypto::Suite* suite_;
  /// Only links that have something waiting.
  std::map<link::ConnectionId, Line> lines_;
  std::size_t held_count_ = 0;
  std::map<link::Ticket, link::ConnectionId> checks_;
  std::uint32_t last_ticket_ = 0;
  std::map<wire::RecordDigest, wire::Signature> known_;
  /// A list, since an empty deque takes half a kilobyte, and most nodes check few records.
  std::list<wire::RecordDigest> known_by_age_;
  RateAccounts<NodeId> checks_by_peer_;
  RateAccount checks_in_all_;
  FlatMap<link::ConnectionId, std::uint32_t> forgeries_;  ///< Of links that are open.
  RecordVerifierStats stats_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
