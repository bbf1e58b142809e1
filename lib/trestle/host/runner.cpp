#include "trestle/host/runner.hpp"

#include <csignal>
#include <utility>
#include <variant>

#include "trestle/crypto/identity_record.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/identity_text.hpp"
#include "trestle/wire/native/codec.hpp"
#include "trestle/wire/native/trace.hpp"

namespace trestle::host {

Runner::Runner(EventLoop& loop, node::Node& node, crypto::Suite& suite, const crypto::KeyPair& keys,
               Log& log, const RunnerOptions& options)
    : loop_(loop),
      node_(node),
      suite_(suite),
      keys_(keys),
      log_(log),
      options_(options),
      transport_(loop, *this, options.transport),
      admin_(loop, *this, options.admin),
      overview_(loop, *this, log, options.overview),
      deadline_(loop.loop(), [this] { on_deadline(); }),
      wall_clock_(loop.loop(), [this] { tell_wall_clock(); }),
      shutdown_(loop.loop(), [this] { stop(); }),
      memory_(options.memory),
      memory_timer_(loop.loop(), [this] { look_at_memory(); }) {
  for (ev_signal* watcher : {&terminate_, &interrupt_}) {
    ev_init(watcher, [](struct ev_loop*, ev_signal* fired, int) {
      static_cast<Runner*>(fired->data)->on_signal();
    });
    watcher->data = this;
  }
  ev_init(&hangup_, [](struct ev_loop*, ev_signal* fired, int) {
    static_cast<Runner*>(fired->data)->on_hangup_();
  });
  hangup_.data = this;
  loop_.set_end_of_turn([this] { end_turn(); });
}

Runner::~Runner() {
  if (storage_ != nullptr) storage_->set_events(nullptr);
  loop_.set_end_of_turn(nullptr);
  ev_signal_stop(loop_.loop(), &terminate_);
  ev_signal_stop(loop_.loop(), &interrupt_);
  ev_signal_stop(loop_.loop(), &hangup_);
}

// ---- life

void Runner::listen(ListeningSocket socket, Security security) {
  overview_.set_public_port(socket.address().port);
  transport_.listen(std::move(socket), security);
}

void Runner::watch_signals() {
  ev_signal_set(&terminate_, SIGTERM);
  ev_signal_set(&interrupt_, SIGINT);
  ev_signal_start(loop_.loop(), &terminate_);
  ev_signal_start(loop_.loop(), &interrupt_);
}

void Runner::set_on_hangup(std::function<void()> on_hangup) {
  on_hangup_ = std::move(on_hangup);
  ev_signal_set(&hangup_, SIGHUP);
  ev_signal_start(loop_.loop(), &hangup_);
}

void Runner::reload(const node::Reload& reload) {
  if (reload.network_keys) options_.network_keys = *reload.network_keys;
  node_.on_reload(steady_now(), reload);
}

void Runner::set_storage(StorageThread& storage) {
  storage_ = &storage;
  storage.set_events(this);
}

Result<void, std::string> Runner::start_threads() {
  if (options_.threads.threads == 0) return {};
  auto started = ThreadedTransport::start(options_.threads, loop_.options(), options_.transport,
                                          loop_.loop(), *this);
  if (!started) return refuse(std::move(started.error()));
  threads_ = std::move(*started);
  return {};
}

void Runner::limit(const TransportOptions& limits) {
  transport_.limit(limits);
  if (threads_ != nullptr) threads_->limit(limits);
}

void Runner::on_issuers_changed(const Tls& tls) {
  if (threads_ != nullptr) threads_->trust(tls);
}

void Runner::start(node::Restored restored) {
  tell_wall_clock();
  if (!restored.empty()) {
    node_.restore(steady_now(), std::move(restored));
  }
  node_.start(steady_now());
  overview_.start();
  if (memory_.is_set()) look_at_memory();
}

void Runner::begin_shutdown() {
  if (is_stopping_) return;
  is_stopping_ = true;
  transport_.stop_listening();
  shutdown_.start(options_.shutdown_within);
  node_.begin_shutdown(steady_now());
}

void Runner::on_signal() {
  if (is_stopping_) return stop();
  log_.write(steady_now(), {LogLevel::info, "host.signal", ErrorCode::none, {}, "shutting down"});
  begin_shutdown();
}

void Runner::stop() {
  is_stopped_ = true;
  loop_.stop();
}

void Runner::tell_wall_clock() {
  node_.on_wall_clock(steady_now(), wall_now());
  wall_clock_.start(options_.wall_clock_every);
}

// ---- one turn

void Runner::end_turn() {
  while (auto effect = node_.poll_effect(steady_now())) {
    std::visit([this](auto& order) { perform(order); }, *effect);
  }
  if (threads_ != nullptr) {
    threads_->end_turn();
    transport_.count_elsewhere(threads_->connections());
  }
  // The goodbyes leave before the program does.
  if (is_drained_ && transport_stats().connections == 0 && !is_stopped_) stop();
  const Instant next = node_.next_deadline();
  if (next == armed_) return;
  armed_ = next;
  if (next == kNever) {
    deadline_.stop();
  } else {
    deadline_.start(next - steady_now());
  }
}

void Runner::on_deadline() {
  // libev counts from the beginning of its turn and may be early by as much as the turn took;
  // `end_turn` arms it again.
  armed_ = kNever;
  const Instant now = steady_now();
  if (node_.next_deadline() <= now) node_.on_deadline(now);
}

void Runner::perform(link::Dial& order) {
  if (threads_ != nullptr) return threads_->dial(order);
  transport_.dial(order);
}

void Runner::perform(link::SendFrame& order) {
  if (options_.trace_frames) trace("frame.sent", order.connection, order.kind, order.bytes);
  if (is_threaded(order.connection)) return threads_->send(std::move(order));
  transport_.send(std::move(order));
}

void Runner::perform(link::CloseTransport& order) {
  if (is_threaded(order.connection)) return threads_->close(std::move(order));
  transport_.close(std::move(order));
}

bool Runner::is_threaded(link::ConnectionId connection) const {
  return threads_ != nullptr && threads_->has(connection);
}

void Runner::perform(link::Sign& order) {
  const crypto::Signature signature = suite_.sign(keys_, order.message);
  node_.on_signed(steady_now(), order.connection, order.ticket, signature);
}

void Runner::perform(link::Verify& order) {
  const bool is_valid = suite_.verify(order.key, order.message, order.signature);
  node_.on_verified(steady_now(), order.connection, order.ticket, is_valid);
}

void Runner::perform(node::OperationEnded& ended) {
  if (options_.hooks.on_operation_ended) options_.hooks.on_operation_ended(ended);
  admin_.on_operation_ended(ended);
}

void Runner::perform(node::Joined& joined) {
  if (options_.hooks.on_joined) options_.hooks.on_joined(joined);
  log_.write(steady_now(), joined);
}

void Runner::perform(LogRecord& record) {
  if (options_.hooks.on_log) return options_.hooks.on_log(record);
  log_.write(steady_now(), record);
}

void Runner::perform(node::Stopped&) {
  is_drained_ = true;
  // Closing connections are bounded by the transport; this covers peers that never answer the
  // close.
  shutdown_.start(options_.transport.close_within);
}

void Runner::perform(dht::Persist& order) {
  const dht::StorageTicket ticket = order.ticket;
  if (storage_ == nullptr || !storage_->keeps_records()) {
    // Nothing outlives the program: what is kept in memory is all there is.
    node_.on_persisted(steady_now(), ticket, ErrorCode::none);
  } else if (!storage_->persist(std::move(order))) {
    node_.on_persisted(steady_now(), ticket, ErrorCode::busy);
  }
}

void Runner::perform(node::SavePeers& order) {
  if (storage_ != nullptr) storage_->save_peers(std::move(order.peers));
}

/// Once for a newcomer: the key is derived each time, and not kept.
void Runner::perform(node::IssueMembership& order) {
  const crypto::IdentityKeys keys = crypto::identity_keys(suite_, keys_);
  std::optional<Bytes> wrapped;
  if (!options_.network_keys.empty()) {
    crypto::Sealer sealer;
    wrapped = crypto::wrap_network_keys(suite_, sealer, order.content.network, order.sealing_key,
                                        options_.network_keys);
  }
  node_.on_membership_issued(steady_now(), order.ticket, crypto::sign(order.content, keys.message),
                             wrapped ? std::move(*wrapped) : Bytes{});
}

void Runner::perform(node::SaveAdmission& order) {
  if (storage_ != nullptr) storage_->save_admission(std::move(order));
}

void Runner::trace(std::string_view event, link::ConnectionId connection, link::FrameKind kind,
                   ByteSpan bytes) {
  if (kind == link::FrameKind::text) return log_.write_frame(event, connection, as_text(bytes));
  wire::native::FrameReader reader(bytes, {});
  while (true) {
    const auto record = reader.next();
    if (!record) return log_.write_frame(event, connection, "unreadable");
    if (!*record) return;
    log_.write_frame(event, connection, wire::native::to_json(**record));
  }
}

// ---- from the transport

link::ConnectionId Runner::on_accepted(const link::Accepted& accepted) {
  return node_.on_accepted(steady_now(), accepted);
}

void Runner::on_dialled(link::ConnectionId connection) {
  node_.on_dialled(steady_now(), connection);
}

void Runner::on_dial_failed(link::ConnectionId connection, ErrorCode code,
                            std::string_view reason) {
  node_.on_dial_failed(steady_now(), connection, code, reason);
}

void Runner::on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) {
  if (options_.trace_frames) trace("frame.received", connection, kind, bytes);
  node_.on_frame(steady_now(), connection, kind, bytes);
}

void Runner::on_drained(link::ConnectionId connection, std::size_t bytes) {
  node_.on_drained(steady_now(), connection, bytes);
}

void Runner::on_closed(link::ConnectionId connection, std::uint16_t status,
                       std::string_view reason) {
  node_.on_closed(steady_now(), connection, status, reason);
}

void Runner::on_page_refused(const std::string& remote_address, const std::string& origin) {
  LogRecord record{LogLevel::warning,
                   "host.page_refused",
                   ErrorCode::unauthorized,
                   {},
                   "the browser at " + remote_address + " shows a page of " + origin +
                       "; if its pages may come, say so with allow-origin"};
  perform(record);
}

HttpReply Runner::on_http_request(const HttpRequest& request) {
  return overview_.public_reply(request);
}

// ---- from the disk

void Runner::on_persisted(dht::StorageTicket ticket, ErrorCode code) {
  node_.on_persisted(steady_now(), ticket, code);
}

void Runner::on_storage_lost() {
  node_.on_persisted(steady_now(), dht::StorageTicket{}, ErrorCode::storage_failed);
}

void Runner::on_storage_news(const LogRecord& news) {
  LogRecord record = news;
  perform(record);
}

// ---- what operators ask

std::optional<HttpReply> Runner::admin_reply(const HttpRequest& request) {
  return overview_.admin_reply(request);
}

Result<node::OperationId, ErrorCode> Runner::admin_put(std::string key, Bytes value,
                                                       const node::PutOptions& options) {
  return node_.put_as(steady_now(), std::move(key), std::move(value), options);
}

Result<crypto::X25519Key, std::string> Runner::admin_reader(std::string_view identity) {
  const auto record = read_identity_text(suite_, identity);
  if (!record) return refuse(record.error());
  return record->sealing_key;
}

Result<node::OperationId, ErrorCode> Runner::admin_get(std::string key,
                                                       const dht::LookupWish& wish) {
  return node_.get_as(steady_now(), std::move(key), wish);
}

Result<node::OperationId, ErrorCode> Runner::admin_find(const NodeId& target,
                                                        const dht::LookupWish& wish) {
  return node_.find_as(steady_now(), target, wish);
}

Result<node::OperationId, ErrorCode> Runner::admin_refresh(std::string key) {
  return node_.refresh(steady_now(), std::move(key));
}

Result<node::OperationId, ErrorCode> Runner::admin_remove(std::string key) {
  return node_.remove(steady_now(), std::move(key));
}

Result<node::OperationId, ErrorCode> Runner::admin_trace(const std::string& id_or_key,
                                                         const dht::LookupWish& wish) {
  const auto id = NodeId::from_hex(id_or_key);
  dht::LookupWish told = wish;
  told.steps = dht::StepReport::told;
  return node_.find_as(steady_now(), id ? *id : crypto::place_of_key(suite_, id_or_key), told);
}

}  // namespace trestle::host
