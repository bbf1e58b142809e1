#include "trestle/host/event_loop.hpp"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <ev.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::host {
namespace {

constexpr const char* kProtocol = "trestle";
constexpr const char* kPlugin = "libwebsockets-evlib_ev.so";
constexpr const char* kPlainHost = "default";
constexpr const char* kTlsHost = "tls";
/// Upgrades to WebSocket exist in HTTP/1.1; libwebsockets would offer h2 as well.
constexpr const char* kAlpn = "http/1.1";

int on_library_event(lws* socket, lws_callback_reasons reason, void* context, void* in,
                     std::size_t bytes) {
  if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
    Tls* tls = static_cast<Tls*>(lws_context_user(lws_get_context(socket)));
    tls->prepare_accepting(static_cast<SSL_CTX*>(context));
    return 0;
  }
  SocketUser* user = nullptr;
  if (socket != nullptr) user = static_cast<SocketUser*>(lws_get_opaque_user_data(socket));
  if (user != nullptr) return user->on_socket_event(socket, reason, in, bytes);
  switch (reason) {
    // Reasons that concern a socket's traffic: a socket that belongs to nobody is closed.
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
      return -1;
    default:
      return 0;
  }
}

}  // namespace

struct EventLoop::State {
  explicit State(const EventLoopOptions& given)
      : options(given),
        loop(ev_loop_new(EVFLAG_AUTO)),
        heartbeat(loop, [this] { on_heartbeat(); }) {
    protocols[0].name = kProtocol;
    protocols[0].callback = on_library_event;
    protocols[0].rx_buffer_size = options.read_bytes;
    protocols[0].tx_packet_size = options.write_bytes_max;
    ev_prepare_init(&prepare, [](struct ev_loop*, ev_prepare* watcher, int) {
      State& self = *static_cast<State*>(watcher->data);
      self.on_end_of_turn();
      if (self.woke_at != Instant{}) self.turn_time.add(steady_now() - self.woke_at);
    });
    prepare.data = this;
    ev_prepare_start(loop, &prepare);
    ev_check_init(&check, [](struct ev_loop*, ev_check* watcher, int) {
      static_cast<State*>(watcher->data)->woke_at = steady_now();
    });
    check.data = this;
    ev_set_priority(&check, EV_MAXPRI);
    ev_check_start(loop, &check);
  }

  ~State() {
    heartbeat.stop();
    ev_prepare_stop(loop, &prepare);
    ev_check_stop(loop, &check);
    if (context != nullptr) {
      lws_context_destroy(context);
      // The first call closes the sockets of a foreign loop, the turn lets the plug-in's watchers
      // go.
      ev_run(loop, EVRUN_NOWAIT);
    }
    ev_loop_destroy(loop);
  }

  void on_end_of_turn() {
    if (end_of_turn) end_of_turn();
    for (std::uint8_t flushes = 0; flushes < options.flushes_per_turn_max; ++flushes) {
      if (waiting.empty()) return;
      tell_waiting(&SocketUser::flush);
      if (end_of_turn) end_of_turn();
    }
    tell_waiting(&SocketUser::flush_next_turn);
  }

  /// Users may ask again and go away meanwhile.
  void tell_waiting(void (SocketUser::*tell)()) {
    told.swap(waiting);
    for (std::size_t index = 0; index < told.size(); ++index) {
      SocketUser* user = told[index];
      if (user == nullptr) continue;
      user->is_to_be_flushed_ = false;
      (user->*tell)();
    }
    told.clear();
  }

  void on_heartbeat() {
    lws_cancel_service(context);
    heartbeat.start(options.heartbeat);
  }

  EventLoopOptions options;
  struct ev_loop* loop;
  Timer heartbeat;
  ev_prepare prepare{};
  ev_check check{};
  Instant woke_at{};
  Histogram turn_time;
  std::function<void()> end_of_turn;
  std::vector<SocketUser*> waiting;  ///< To be flushed; null: has gone.
  std::vector<SocketUser*> told;
  lws_protocols protocols[2] = {};
  /// Zero: no pings and no hang-ups of the library's own. Whether a peer is well is the core's
  /// business.
  lws_retry_bo_t no_keepalive = {};
  lws_context* context = nullptr;
};

namespace {

/// Told to initialise TLS, libwebsockets takes new indices for what it notes in OpenSSL's objects,
/// for all contexts of the process, and finds nothing any more of what it noted for an earlier one:
/// the handshakes of sockets that are accepted there would be told to nobody.
bool is_tls_to_be_initialised() {
  static std::atomic_flag is_done;
  return !is_done.test_and_set();
}

/// The virtual host of all other sockets. The option means here that it may dial with TLS.
bool add_plain_host(EventLoop::State& state, lws_context_creation_info info) {
  info.vhost_name = kPlainHost;
  if (state.options.tls != nullptr) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  return lws_create_vhost(state.context, &info) != nullptr;
}

/// The virtual host of sockets that are accepted with TLS. A server without a port: its sockets are
/// adopted like all others.
bool add_tls_host(EventLoop::State& state, lws_context_creation_info info) {
  if (state.options.tls == nullptr || !state.options.tls->accepts()) return true;
  info.vhost_name = kTlsHost;
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
  info.ssl_info_event_mask = SSL_CB_HANDSHAKE_DONE;
  return lws_create_vhost(state.context, &info) != nullptr;
}

}  // namespace

Result<std::unique_ptr<EventLoop>, std::string> EventLoop::create(const EventLoopOptions& options) {
  void* plugin = dlopen(kPlugin, RTLD_LAZY | RTLD_LOCAL);
  if (plugin == nullptr) {
    return refuse(std::string("libwebsockets cannot load its libev plug-in (") + kPlugin +
                  "): install the package libwebsockets-evlib-ev");
  }
  dlclose(plugin);
  // What libwebsockets calls an error is mostly a stranger's malformed request: silent unless
  // somebody asked for it.
  lws_set_log_level(options.library_log != nullptr ? LLL_ERR | LLL_WARN : 0, options.library_log);

  auto state = std::make_unique<State>(options);
  void* foreign_loops[] = {state->loop};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = state->protocols;
  info.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.foreign_loops = foreign_loops;
  info.alpn = kAlpn;
  info.max_http_header_data = static_cast<unsigned short>(options.header_bytes_max);
  info.pt_serv_buf_size = options.raw_read_bytes;
  info.retry_and_idle_policy = &state->no_keepalive;
  // The deadlines that count are ours (accepted sockets, dials); these only have to be later.
  info.timeout_secs = 30;
  info.connect_timeout_secs = 120;
  // An empty proxy keeps libwebsockets from taking one out of the environment: peers are dialled
  // directly.
  info.http_proxy_address = "";
#if defined(LWS_WITH_SOCKS5)
  info.socks_proxy_address = "";
#endif
  info.gid = static_cast<gid_t>(-1);
  info.uid = static_cast<uid_t>(-1);
  if (options.tls != nullptr) {
    if (is_tls_to_be_initialised()) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.provided_client_ssl_ctx = options.tls->dialling();
    info.user = options.tls;
  }
  state->context = lws_create_context(&info);
  if (state->context == nullptr || !add_plain_host(*state, info) || !add_tls_host(*state, info)) {
    return refuse(std::string(
        "libwebsockets could not start on libev; run with --log-level debug to see why"));
  }
  state->heartbeat.start(options.heartbeat);
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(state)));
}

EventLoop::EventLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLoop::~EventLoop() = default;

void EventLoop::set_end_of_turn(std::function<void()> end_of_turn) {
  state_->end_of_turn = std::move(end_of_turn);
}

void EventLoop::flush_this_turn(SocketUser& user) {
  if (user.is_to_be_flushed_) return;
  user.is_to_be_flushed_ = true;
  state_->waiting.push_back(&user);
}

void EventLoop::forget_flush(const SocketUser& user) {
  if (!user.is_to_be_flushed_) return;
  std::ranges::replace(state_->waiting, &user, nullptr);
  std::ranges::replace(state_->told, &user, nullptr);
}

void EventLoop::run() { ev_run(state_->loop, 0); }
void EventLoop::turn() { ev_run(state_->loop, EVRUN_NOWAIT); }
void EventLoop::stop() { ev_break(state_->loop, EVBREAK_ALL); }
void EventLoop::nudge() { lws_cancel_service(state_->context); }
struct ev_loop* EventLoop::loop() const { return state_->loop; }
const Histogram& EventLoop::turn_time() const { return state_->turn_time; }
Tls* EventLoop::tls() const { return state_->options.tls; }
const EventLoopOptions& EventLoop::options() const { return state_->options; }

bool EventLoop::adopt(int descriptor, Security security, SocketUser& user) {
  const bool has_tls = security == Security::tls;
  lws_adopt_desc_t description{};
  description.vh = lws_get_vhost_by_name(state_->context, has_tls ? kTlsHost : kPlainHost);
  description.type = static_cast<lws_adoption_type>(LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET |
                                                    (has_tls ? LWS_ADOPT_ALLOW_SSL : 0));
  description.fd.sockfd = descriptor;
  description.opaque = &user;
  return lws_adopt_descriptor_vhost_via_info(&description) != nullptr;
}

lws* EventLoop::adopt_raw(int descriptor, SocketUser& user) {
  lws_adopt_desc_t description{};
  description.vh = lws_get_vhost_by_name(state_->context, kPlainHost);
  description.type = LWS_ADOPT_SOCKET;
  description.fd.sockfd = descriptor;
  description.vh_prot_name = kProtocol;
  description.opaque = &user;
  return lws_adopt_descriptor_vhost_via_info(&description);
}

lws* EventLoop::connect(const ConnectOrder& order, SocketUser& user) {
  lws_client_connect_info info{};
  info.context = state_->context;
  info.vhost = lws_get_vhost_by_name(state_->context, kPlainHost);
  info.address = order.address.c_str();
  info.port = order.port;
  info.host = order.host_header.c_str();
  info.path = order.path.c_str();
  info.local_protocol_name = kProtocol;
  info.alpn = kAlpn;
  info.ietf_version_or_minus_one = -1;
  // A peer must not send us to a third place.
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
  if (order.security == Security::tls) info.ssl_connection |= LCCSCF_USE_SSL;
  info.opaque_user_data = &user;
  info.retry_and_idle_policy = &state_->no_keepalive;
  return lws_client_connect_via_info(&info);
}

void EventLoop::kill(lws* socket) {
  // With output still buffered libwebsockets would try to flush it first; a socket that cannot send
  // cuts that short.
  ::shutdown(lws_get_socket_fd(socket), SHUT_RDWR);
  lws_set_timeout(socket, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
  nudge();
}

void set_socket_user(lws* socket, SocketUser* user) { lws_set_opaque_user_data(socket, user); }

ssl_st* tls_connection(lws* socket) { return socket == nullptr ? nullptr : lws_get_ssl(socket); }

}  // namespace trestle::host
