#include "trestle/host/doctor_probe.hpp"

#include <array>
#include <cstring>
#include <utility>
#include <variant>

#include "trestle/host/clock.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/frame.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle::host {
namespace {

namespace legacy = wire::legacy;
using link::Channel;

/// A question waits as long as a join may take at a bootstrap node of the old system.
constexpr Duration kAnswerWithin = std::chrono::seconds(12);
/// Behind the timers of transport and channel: nothing is waited for longer.
constexpr Duration kWalkWithin = std::chrono::seconds(40);

Rng seeded_rng(crypto::Suite& suite) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  suite.random(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return Rng(seed);
}

TransportOptions spoken_by(TransportKind kind) {
  TransportOptions options;
  options.kind = kind;
  return options;
}

/// The little of a node that a connection needs: a transport, channels, an identity.
class ProbeEnd : public TransportEvents {
 public:
  ProbeEnd(EventLoop& loop, TransportKind kind, crypto::Suite& suite, const crypto::KeyPair& keys,
           link::LocalPeer local)
      : suite_(suite),
        keys_(keys),
        local_(std::move(local)),
        transport_(loop, *this, spoken_by(kind)),
        channels_(link::ConnectionOwner::node, local_, suite, {}, seeded_rng(suite)) {}

  void listen(ListeningSocket socket, Security security) {
    transport_.listen(std::move(socket), security);
  }
  link::ChannelSet& channels() { return channels_; }
  const link::LocalPeer& local() const { return local_; }
  const WebSocketTransport& transport() const { return transport_; }

  /// Performs what the channels order; true if there was anything.
  bool pump() {
    bool has_moved = false;
    while (auto effect = channels_.poll_effect()) {
      has_moved = true;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        std::visit([this](auto& one) { perform(one); }, *order);
      } else {
        auto& news = std::get<link::ChannelSet::News>(*effect);
        on_news(news.connection, news.news);
      }
    }
    return has_moved;
  }

 protected:
  virtual void on_news(link::ConnectionId, Channel::News&) {}

  link::ConnectionId on_accepted(const link::Accepted& accepted) override {
    return channels_.on_accepted(steady_now(), accepted);
  }
  void on_dialled(link::ConnectionId connection) override {
    channels_.on_dialled(steady_now(), connection);
  }
  void on_dial_failed(link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override {
    channels_.on_dial_failed(steady_now(), connection, code, reason);
  }
  void on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) override {
    channels_.on_frame(steady_now(), connection, kind, bytes);
  }
  void on_drained(link::ConnectionId connection, std::size_t bytes) override {
    channels_.on_drained(steady_now(), connection, bytes);
  }
  void on_closed(link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override {
    channels_.on_closed(steady_now(), connection, status, reason);
  }
  HttpReply on_http_request(const HttpRequest&) override {
    return {503, "text/plain", "doctor listens here for a moment\n", {}};
  }

 private:
  void perform(link::Dial& order) { transport_.dial(order); }
  void perform(link::SendFrame& order) { transport_.send(std::move(order)); }
  void perform(link::CloseTransport& order) { transport_.close(std::move(order)); }
  void perform(link::Sign& order) {
    channels_.on_signed(steady_now(), order.connection, order.ticket,
                        suite_.sign(keys_, order.message));
  }
  void perform(link::Verify& order) {
    channels_.on_verified(steady_now(), order.connection, order.ticket,
                          suite_.verify(order.key, order.message, order.signature));
  }

  crypto::Suite& suite_;
  crypto::KeyPair keys_;
  link::LocalPeer local_;
  WebSocketTransport transport_;
  link::ChannelSet channels_;
};

/// The end that walks one path and notes what it sees.
class Walker final : public ProbeEnd {
 public:
  Walker(EventLoop& loop, TransportKind kind, crypto::Suite& suite, const crypto::KeyPair& keys,
         link::LocalPeer local, const PathOrder& order)
      : ProbeEnd(loop, kind, suite, keys, std::move(local)), order_(order) {
    begin();
  }

  bool is_done() const { return is_done_; }
  /// Time is over.
  void give_up() { end(ErrorCode::timeout, "nothing more was heard"); }
  PathWalk take() { return std::move(walk_); }

 private:
  void begin() {
    since_ = steady_now();
    connection_ = walk_.is_old_dialect ? channels().dial_as_old_client(since_, order_.url)
                                       : channels().dial(since_, order_.url);
  }

  Duration lap() {
    const Instant before = std::exchange(since_, steady_now());
    return since_ - before;
  }

  void end(ErrorCode code, std::string reason) {
    if (is_done_) return;
    is_done_ = true;
    walk_.code = code;
    walk_.reason = std::move(reason);
    if (walk_.is_opened) {
      channels().close(steady_now(), connection_, ErrorCode::none, "the examination is over");
    }
  }

  void on_dial_stage(link::ConnectionId, DialStage stage) override {
    if (stage == DialStage::connect && walk_.stage == DialStage::name) walk_.name_took = lap();
    if (stage == DialStage::upgrade) walk_.way_took = lap();
    walk_.stage = stage;
  }

  void on_upgrade_answer(link::ConnectionId, const UpgradeAnswer& answer) override {
    walk_.upgrade = answer;
  }

  void on_dialled(link::ConnectionId connection) override {
    walk_.is_dialled = true;
    walk_.upgrade_took = lap();
    walk_.certificate_left = transport().certificate_left(connection);
    ProbeEnd::on_dialled(connection);
  }

  void on_news(link::ConnectionId connection, Channel::News& news) override {
    if (connection != connection_) return;
    if (const auto* opened = std::get_if<Channel::Opened>(&news)) {
      on_opened(opened->peer);
    } else if (auto* answered = std::get_if<Channel::Answered>(&news)) {
      walk_.answer = std::move(answered->message);
      walk_.answer_took = lap();
      end(ErrorCode::none, {});
    } else if (const auto* failed = std::get_if<Channel::RequestFailed>(&news)) {
      end(failed->code, "the question was not answered");
    } else if (const auto* received = std::get_if<Channel::LegacyReceived>(&news)) {
      std::visit([this](const auto& frame) { on_old_frame(frame); }, received->frame->frame);
    } else if (const auto* closed = std::get_if<Channel::Closed>(&news)) {
      on_ended(*closed);
    }
  }

  void on_opened(const wire::Contact& peer) {
    if (walk_.is_old_dialect) return say_register();
    walk_.is_opened = true;
    walk_.peer = peer;
    walk_.hello_took = lap();
    if (!order_.question) return end(ErrorCode::none, {});
    const Instant now = steady_now();
    const auto asked =
        channels().request(now, connection_, *order_.question, now + kAnswerWithin, {});
    if (!asked) end(asked.error(), "the question could not be put");
  }

  void on_ended(const Channel::Closed& closed) {
    // Whoever hangs up on our first word without a word of its own speaks the old dialect.
    const bool is_misunderstood = walk_.is_dialled && !walk_.is_opened && closed.by_peer &&
                                  closed.code == ErrorCode::connection_lost &&
                                  !walk_.is_old_dialect;
    walk_.met_another = channels().refusals().unexpected > 0;
    if (!is_misunderstood) return end(closed.code, closed.text);
    walk_.is_old_dialect = true;
    begin();
  }

  // ---- the old dialect: as a client that registers, and leaves again

  void say_register() {
    legacy::Advertisement shown;
    shown.role = wire::Role::node;
    legacy::Register frame;
    frame.node_id = local().identity.id;
    frame.protocol_version = legacy::RawJson::of_text(legacy::kProtocolVersion);
    frame.build_id = "node_trestle";
    frame.timestamp = wall_now().time_since_epoch().count();
    frame.metadata = legacy::describe(shown);
    channels().send_text(steady_now(), connection_, legacy::encode(frame));
  }

  void on_old_frame(const legacy::Registered&) {
    walk_.is_opened = true;
    walk_.peer.role = wire::Role::bootstrap;
    walk_.hello_took = lap();
    end(ErrorCode::none, {});
  }

  void on_old_frame(const legacy::VersionMismatch& mismatch) {
    std::string text = mismatch.message.value_or("it refuses our version");
    text += "; it runs version " + mismatch.server_version;
    if (mismatch.server_build_id) text += ", build " + *mismatch.server_build_id;
    end(ErrorCode::version_mismatch, std::move(text));
  }

  void on_old_frame(const legacy::Error& error) {
    end(ErrorCode::refused, error.error ? *error.error : error.message.value_or("refused"));
  }

  template <typename Frame>
  void on_old_frame(const Frame&) {}

  PathOrder order_;
  PathWalk walk_;
  link::ConnectionId connection_;
  Instant since_{};
  bool is_done_ = false;
};

}  // namespace

struct DoctorProbe::State {
  State(Tls& used, TransportKind used_kind, std::unique_ptr<EventLoop> made)
      : tls(used),
        kind(used_kind),
        loop(std::move(made)),
        deadline(loop->loop(), [] {}),
        limit(loop->loop(), [this] {
          if (walker) walker->give_up();
        }) {
    loop->set_end_of_turn([this] { end_turn(); });
  }
  ~State() { loop->set_end_of_turn(nullptr); }

  void end_turn() {
    const Instant now = steady_now();
    Instant next = kNever;
    for (ProbeEnd* end : {static_cast<ProbeEnd*>(walker.get()), answering.get()}) {
      if (end == nullptr) continue;
      if (end->channels().next_deadline() <= now) end->channels().on_deadline(now);
      end->pump();
      next = std::min(next, end->channels().next_deadline());
    }
    if (next != kNever) deadline.start(next - now);
    if (walker && walker->is_done()) loop->stop();
  }

  Tls& tls;
  TransportKind kind;
  crypto::Suite suite;
  std::unique_ptr<EventLoop> loop;
  Timer deadline;  ///< Only wakes the loop.
  Timer limit;
  std::unique_ptr<ProbeEnd> answering;
  std::unique_ptr<Walker> walker;
};

Result<std::unique_ptr<DoctorProbe>, std::string> DoctorProbe::create(Tls& tls,
                                                                      TransportKind kind) {
  EventLoopOptions options;
  options.tls = &tls;
  auto loop = EventLoop::create(options);
  if (!loop) return refuse(std::move(loop.error()));
  return std::unique_ptr<DoctorProbe>(
      new DoctorProbe(std::make_unique<State>(tls, kind, std::move(*loop))));
}

DoctorProbe::DoctorProbe(std::unique_ptr<State> state) : state_(std::move(state)) {}
DoctorProbe::~DoctorProbe() = default;

void DoctorProbe::answer_on(ListeningSocket socket, const crypto::KeyPair& keys,
                            const link::LocalPeer& local) {
  state_->answering =
      std::make_unique<ProbeEnd>(*state_->loop, state_->kind, state_->suite, keys, local);
  state_->answering->listen(std::move(socket),
                            state_->tls.accepts() ? Security::tls : Security::plain);
}

PathWalk DoctorProbe::walk(const PathOrder& order) {
  State& state = *state_;
  const crypto::KeyPair keys = state.suite.generate();
  link::LocalPeer local;
  local.identity = {keys.key, crypto::node_id_of(state.suite, keys.key)};
  local.role = order.role;
  local.network = order.network;
  local.bridge_secret = order.bridge_secret;
  state.walker =
      std::make_unique<Walker>(*state.loop, state.kind, state.suite, keys, std::move(local), order);
  state.limit.start(kWalkWithin);
  state.loop->run();
  state.limit.stop();
  state.loop->turn();  // the goodbye leaves
  PathWalk walk = state.walker->take();
  state.walker.reset();
  return walk;
}

}  // namespace trestle::host
