#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/mesh/mesh.hpp"
#include "trestle/node/member/carrier.hpp"
#include "trestle/node/member/legacy_registration.hpp"
#include "trestle/node/member/member_admission.hpp"
#include "trestle/node/member/member_options.hpp"
#include "trestle/node/member/member_program.hpp"
#include "trestle/node/member/peer_memory.hpp"
#include "trestle/node/member/pending_asks.hpp"
#include "trestle/node/member/readiness.hpp"
#include "trestle/node/member/record_verifier.hpp"
#include "trestle/node/member/routing_worth.hpp"
#include "trestle/node/member/sealed_values.hpp"
#include "trestle/node/member/served_requests.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/options.hpp"
#include "trestle/onboarding/joiner.hpp"

namespace trestle::node {

/// A member of the DHT: channels, mesh, DHT and joiner, and the messages carried between them. The
/// systems do not see each other; whatever one of them emits for another passes through here.
///
///        transport ----> ChannelSet ----> requests ----> Dht (or the program's own desk)
///                           |  ^                          |
///                     opened, closed      Ask, Respond <--'  Discovered
///                           v  |                                 v
///                         Mesh  <----- Candidates ---- Joiner <--'-- links
class MemberNode : public Node, protected MemberProgram {
 public:
  MemberNode(const MemberOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
             Rng rng);
  MemberNode(const MemberNode&) = delete;  // the mesh knows where our judgement of links stands
  MemberNode& operator=(const MemberNode&) = delete;

  /// Records come before `start`, peers are tried by it.
  void restore(Instant now, Restored restored) override;
  void start(Instant now) override;
  void begin_shutdown(Instant now) override;
  void on_wall_clock(Instant now, WallTime wall) override;
  /// The secrets count from the next handshake on.
  void on_reload(Instant now, const Reload& reload) override;

  link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) override;
  void on_dialled(Instant now, link::ConnectionId connection) override;
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                ByteSpan bytes) override;
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                 const wire::Signature& signature) override;
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                   bool valid) override;
  void on_persisted(Instant now, dht::StorageTicket ticket, ErrorCode code) override;
  void on_memory(Instant now, MemoryState state) override;

  Result<OperationId, ErrorCode> put(Instant now, std::string key, Bytes value,
                                     Duration ttl) override;
  Result<OperationId, ErrorCode> put_as(Instant now, std::string key, Bytes value,
                                        const PutOptions& options) override;
  Result<OperationId, ErrorCode> get(Instant now, std::string key) override;
  Result<OperationId, ErrorCode> find(Instant now, const NodeId& target) override;
  Result<OperationId, ErrorCode> refresh(Instant now, std::string key) override;
  Result<OperationId, ErrorCode> remove(Instant now, std::string key) override;
  Result<OperationId, ErrorCode> get_as(Instant now, std::string key,
                                        const dht::LookupWish& wish) override;
  Result<OperationId, ErrorCode> find_as(Instant now, const NodeId& target,
                                         const dht::LookupWish& wish) override;

  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<Effect> poll_effect(Instant now) override;
  Status status(Instant now) const override;
  /// Linked, not going away, and its neighbourhood was looked up and answered by two peers where
  /// there are two (X48).
  bool is_healthy(Instant now) const override;

 protected:
  // ---- what a program adds, besides what stands in member_program.hpp ----
  /// A request that is not the DHT's. The default refuses with UNSUPPORTED.
  virtual void serve(Instant now, link::ConnectionId connection, wire::RequestId id,
                     const wire::Message& request);
  /// A bootstrap node connected and has shown the shared secret. The default closes the link.
  virtual void on_bootstrap_linked(Instant now, link::ConnectionId connection);
  /// A frame of the old dialect that has no counterpart in the common messages.
  virtual void on_legacy_frame(Instant now, link::ConnectionId connection,
                               wire::legacy::FrameBox&& box);
  /// A bootstrap node of the old system, at which we are registered, asks for an introduction; to
  /// be answered by `answer_introduction`. The default refuses.
  virtual void introduce(Instant now, link::ConnectionId registration, wire::RequestId id,
                         const wire::IntroduceRequest& request);

  void respond(Instant now, link::ConnectionId connection, wire::RequestId id,
               const wire::Message& answer);
  /// Sends a ping of our own; ends in `on_probe_ended`.
  void probe(Instant now, const NodeId& member, Duration within);
  void answer_introduction(Instant now, wire::RequestId id, const wire::Message& answer);
  bool is_registration(link::ConnectionId connection) const { return registration_ == connection; }
  /// Somebody worth linking to.
  void meet(Instant now, const wire::Contact& contact);
  /// Sends a frame of the old dialect on a link to that peer, if there is one in that dialect.
  void tell_legacy_peer(Instant now, const NodeId& peer, std::string text);
  void send_text(Instant now, link::ConnectionId connection, std::string text);
  const mesh::Mesh& mesh() const { return mesh_; }
  const link::LocalPeer& local() const { return local_; }
  MemberAdmission& admission() { return admission_; }
  const MemberAdmission& admission() const { return admission_; }
  WallTime wall(Instant now) const;
  /// Something but the channels was told something: it may have something to say, and another
  /// deadline. Whatever comes from below does this before it reaches anybody.
  void stir() { is_stirred_ = true; }
  void emit(Effect effect) { outbox_.push(std::move(effect)); }
  const wire::Contact& self() const { return self_; }
  bool is_stopping() const { return is_stopping_; }

 private:
  // member_links.cpp: news of channels and of the mesh
  void on_news(Instant now, link::ChannelSet::News&& news);
  void on_opened(Instant now, link::ConnectionId connection, const wire::Contact& peer);
  void welcome(Instant now, link::ConnectionId connection, const wire::Contact& peer);
  void on_closed_news(Instant now, link::ConnectionId connection,
                      const link::Channel::Closed& closed);
  void on_request(Instant now, link::ConnectionId connection, link::Channel::Requested&& requested);
  void on_notified(Instant now, link::ConnectionId connection, const wire::Message& message);
  void on_answer(Instant now, link::ConnectionId connection, link::Channel::Answered&& answered);
  void on_request_failed(Instant now, link::Channel::Token token, ErrorCode code);
  void perform(Instant now, mesh::MeshEffect&& effect);
  void on_link_up(Instant now, const mesh::LinkUp& up);
  void on_link_down(Instant now, const mesh::LinkDown& down);
  void heard(Instant now, const link::Channel& channel);

  // member_admission.cpp: a network that one enters by invitation
  void receive(Instant now, link::ConnectionId connection, const wire::Contact& peer);
  void on_credentials(Instant now, link::ConnectionId connection,
                      const wire::Credentials& credentials);
  bool may_ask(Instant now, link::ConnectionId connection, const link::Channel::Requested& asked);
  void put_out_unwelcome(Instant now);
  bool enter(Instant now, link::ConnectionId registration);
  bool redeem_at(Instant now, link::ConnectionId connection);
  void on_redeemed(Instant now, const wire::Message& answer);
  void on_redemption_failed(Instant now, const wire::Failure& failure);
  bool become(Instant now, const Bytes& membership, const Bytes& certificate);
  bool adopt_network_key(const Bytes& wrapped, std::string_view whose);
  void show_credentials(Instant now);
  void tell_all(Instant now, const wire::Message& message);
  void on_list(Instant now, ByteSpan list);
  void restore_admission(Instant now, const Restored& restored);
  void look_at_admission(Instant now);
  void renew(Instant now);

  // member_registration.cpp: the bootstrap node, in either dialect
  void perform(Instant now, onboarding::JoinerEffect&& effect);
  void perform(Instant now, LegacyRegistration::Effect&& effect);
  void open_registration(Instant now, const onboarding::OpenBootstrap& order);
  void ask_join(Instant now, const wire::JoinRequest& request);
  void close_registration(Instant now, ErrorCode code);
  void on_registration_opened(Instant now, link::ConnectionId connection,
                              const wire::Contact& peer);
  void on_registration_closed(Instant now, const link::Channel::Closed& closed);
  void on_join_ended(Instant now, const wire::Message& answer);

  // member_records.cpp: records between wire, DHT, driver and user
  void verify(Instant now, RecordVerifier::Item item);
  bool pump_records(Instant now);
  void perform(Instant now, RecordVerifier::Cleared&& cleared);
  void perform(Instant now, dht::SignRecord&& order);
  void on_record_signed(Instant now, link::Ticket ticket, const wire::Signature& signature);
  void perform(Instant now, const dht::SealValue& order);
  void report(Instant now, dht::Ended&& ended);
  void read_value(Instant now, OperationEnded& ended);
  void forget_requests(link::ConnectionId connection);

  // member_health.cpp
  Readiness readiness(Instant now) const;

  // member_carrying.cpp: requests that others carry for us, and that we carry for others
  void ask_through(Instant now, const dht::Ask& ask);
  void on_carried_answer(Instant now, link::ConnectionId connection, const NodeId& from,
                         dht::AskId ask, const wire::Message& answer);
  bool carry(Instant now, link::ConnectionId connection, const wire::Contact& from,
             const link::Channel::Requested& requested);
  bool carry_legacy(Instant now, link::ConnectionId connection, const wire::legacy::FrameBox& box);
  bool pump_carrier(Instant now);
  void report(const dht::QuestionEnded& question);
  void report(const dht::PeerDeaf& deaf);

  // member_node.cpp
  void perform(Instant now, dht::Effect&& effect);
  void ask_peer(Instant now, dht::Ask&& ask);
  void send_ask(Instant now, link::ConnectionId connection, const PendingAsk& ask);
  void fail_asks(Instant now, std::vector<PendingAsk>&& asks, ErrorCode code);
  void save_peers();
  void report_joined(const onboarding::Joined& joined);
  void report_links(Instant now);
  bool pump_channels(Instant now);
  bool pump_systems(Instant now);
  void pump(Instant now);
  Instant systems_deadline() const;
  void stop_when_drained();

  std::string_view program_;
  Duration join_timeout_;
  wire::Contact self_;
  crypto::Suite* suite_;
  link::LocalPeer local_;
  MemberAdmission admission_;
  link::ChannelSet channels_;
  mesh::Mesh mesh_;
  dht::Dht dht_;
  RoutingWorth worth_;
  RecordVerifier verifier_;
  SealedValues values_;
  ServedRequests served_;
  FlatMap<link::Ticket, dht::OperationId> signing_;
  std::uint32_t last_signing_ = 0;
  onboarding::Joiner joiner_;
  LegacyRegistration old_bootstrap_;
  PeerMemory peer_memory_;
  Carrier carrier_;
  PendingAsks pending_asks_;
  std::optional<link::ConnectionId> registration_;  ///< The connection to a bootstrap node.
  wire::Dialect registration_dialect_ = wire::Dialect::native;
  FlatMap<std::uint64_t, NodeId> probes_;
  std::uint64_t last_probe_ = 0;
  std::size_t reported_links_ = 0;
  /// A ping or a pong, as most of what happens, concerns its channel alone: nobody else is asked.
  bool is_stirred_ = true;
  Instant calm_deadline_ = kNever;  ///< Of all but the channels, when they were asked last.
  Instant started_at_{};
  MemoryState memory_ = MemoryState::plenty;
  bool is_stopping_ = false;
  bool is_stopped_ = false;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
