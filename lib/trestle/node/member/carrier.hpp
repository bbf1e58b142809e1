#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/link/legacy_dialect.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/node/member/carrying_budgets.hpp"
#include "trestle/wire/legacy/overlay.hpp"

namespace trestle::node {

struct CarrierOptions {
  /// No request takes more hops than this (LOOK-05, I7).
  std::uint32_t hops_max = 20;
  /// Requests of others under way. At 16 KiB each four megabytes if all were as large as allowed.
  std::size_t carried_max = 256;
  /// How long the next hop may take. Shorter than the three seconds for which whoever asks waits,
  /// so that a dead end is told and not only felt.
  Duration within = std::chrono::milliseconds(2500);
  /// The same for the first hop of a recursive search. Each further one waits a little less, so
  /// that the hop before a silent one answers with what it knows while everybody before it is still
  /// waiting.
  Duration recursive_within = std::chrono::seconds(3);
  Duration recursive_step = std::chrono::milliseconds(120);
  /// For each origin, as it is named; and for each link, since names can be made up: a member of
  /// the network that carries for others brings the requests of several.
  CarryingBudgetOptions origin{};
  CarryingBudgetOptions link{.per_second = 40, .burst = 80};
};

struct CarrierStats {
  std::uint64_t requests = 0;
  std::uint64_t served = 0;     ///< They were for us.
  std::uint64_t handed_on = 0;  ///< To the next hop or to the destination.
  std::uint64_t answers = 0;    ///< Brought back.
  std::uint64_t dead_ends = 0;
  std::uint64_t refused = 0;  ///< Budget, bound or nonsense.
  std::size_t under_way = 0;
};

/// Ask this peer on behalf of somebody else; its end is reported under the number.
struct CarryOn {
  std::uint64_t number = 0;
  NodeId to{};
  wire::Message message;
  Duration within{};
};
/// Answer this request.
struct CarryBack {
  link::ConnectionId connection;
  wire::RequestId id;
  wire::Message answer;
};
/// Send this frame of the old dialect.
struct CarryText {
  link::ConnectionId connection;
  std::string text;
};
using CarrierEffect = std::variant<CarryOn, CarryBack, CarryText>;

/// Carries requests of others to peers they have no link to, in both dialects, and hands on
/// recursive searches (LOOK-05, LOOK-07): a machine. Every request goes to the peer it is for, if
/// we are linked to it, or to one that is strictly nearer to it than we are, so that none goes in a
/// circle (P-KR-12); it takes a bounded number of hops, and its answer comes back along the same
/// links. Each is answered exactly once.
///
///   RouteRequest ----------.                 .--> RouteRequest to a nearer peer
///   RecursiveFindRequest --+--> budgets -----+--> the question itself to a linked peer of the old
///   overlay_routed_message-'                 |    dialect, which understands nothing else
///                                            '--> our own answer: it was for us, or a dead end
///
/// What is carried are questions only. A record is stored by whoever has a link.
class Carrier {
 public:
  /// Who brought a request, and where its answer goes.
  struct Asker {
    link::ConnectionId connection;
    wire::RequestId id;
    /// The peer at the other end of the link.
    wire::Contact peer;
  };

  /// All three outlive the carrier.
  Carrier(const CarrierOptions& options, const link::LocalPeer& local, dht::Dht& dht);

  const CarrierOptions& options() const { return options_; }

  // ---- requests of others ----
  void on_route(Instant now, const Asker& asker, const wire::RouteRequest& request);
  void on_recursive(Instant now, const Asker& asker, const wire::RecursiveFindRequest& request);
  /// legacy_carrier.cpp
  void on_overlay(Instant now, link::ConnectionId connection, const NodeId& from,
                  const wire::legacy::OverlayRoutedMessage& envelope);

  // ---- ends of what was carried on ----
  void on_answer(Instant now, std::uint64_t number, const wire::Message& answer);
  void on_failed(Instant now, std::uint64_t number, ErrorCode code);

  std::optional<CarrierEffect> poll_effect();
  CarrierStats stats() const;

 private:
  enum class Kind : std::uint8_t { route, recursive, overlay };
  struct Carried {
    Kind kind = Kind::route;
    link::ConnectionId connection;
    wire::RequestId id;
    /// The id that the answer inside is to carry; of an overlay request the number under which our
    /// dialect knows it.
    wire::RequestId inner_id;
    /// Who is asked in the end, and for whom.
    NodeId destination{};
    NodeId origin{};
    /// recursive: how far it had come, and what was asked.
    std::uint32_t hop_count = 0;
    NodeId target{};
    /// The next hop is the destination itself and was asked without a wrapping.
    bool asked_plainly = false;
    /// overlay: the requester's own id for it.
    std::string text_id{};
  };
  /// Where something goes from here.
  struct Way {
    NodeId to{};
    bool is_destination = false;
    wire::Dialect dialect = wire::Dialect::native;
  };

  std::optional<wire::Failure> refusal(Instant now, const NodeId& origin, const NodeId& link);
  std::optional<Way> way(const NodeId& destination, const NodeId& from, const NodeId& origin) const;
  void carry_on(Instant now, Carried carried, const Way& way, wire::Envelope&& question,
                std::uint32_t hops_left);
  void answer_recursive(const Carried& carried);
  void bring_back(Instant now, const Carried& carried, const wire::Message& answer);
  void bring_back_overlay(Instant now, const Carried& carried, const wire::Message& answer);
  static bool is_carried_question(const wire::Message& message);

  CarrierOptions options_;
  const link::LocalPeer* local_;
  dht::Dht* dht_;
  CarryingBudgets origins_;
  CarryingBudgets links_;
  /// Reads and writes what is inside the old dialect's envelopes.
  link::LegacyDialect dialect_;
  FlatMap<std::uint64_t, Carried> carried_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_message_ = 0;
  CarrierStats stats_;
  Outbox<CarrierEffect> outbox_;
};

}  // namespace trestle::node
