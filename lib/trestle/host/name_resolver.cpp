#include "trestle/host/name_resolver.hpp"

#include <deque>
#include <unordered_map>
#include <utility>

#include <ares.h>
#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>

#include "trestle/host/timer.hpp"

namespace trestle::host {
namespace {

/// c-ares wants its global set up once per process.
bool prepare_library() {
  static const bool is_ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return is_ready;
}

std::string first_address(const ares_addrinfo* found) {
  char text[INET6_ADDRSTRLEN] = {};
  const ares_addrinfo_node* chosen = nullptr;
  // IPv4 first: the networks this runs in (containers, private nets) often resolve IPv6 without
  // routing it.
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      chosen = node;
      break;
    }
    if (node->ai_family == AF_INET6 && chosen == nullptr) chosen = node;
  }
  if (chosen == nullptr) return {};
  if (chosen->ai_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(chosen->ai_addr)->sin_addr, text,
              sizeof text);
  } else {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(chosen->ai_addr)->sin6_addr, text,
              sizeof text);
  }
  return text;
}

}  // namespace

struct NameResolver::State {
  State(struct ev_loop* given, const NameResolverOptions& limits)
      : loop(given),
        options(limits),
        tries(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }),
        answers(loop, [this] { deliver(); }) {}

  /// One name server socket that c-ares wants watched.
  struct Watch {
    State* owner;
    ev_io watcher{};
  };
  struct Query {
    State* owner;
    std::uint64_t ticket;
    std::string name;
  };

  bool open();
  void process(ares_socket_t readable, ares_socket_t writable);
  void watch(ares_socket_t socket, bool readable, bool writable);
  void on_found(const Query& query, int status, ares_addrinfo* found);
  void answer_later(std::uint64_t ticket, Resolution resolution);
  void deliver();

  struct ev_loop* loop;
  NameResolverOptions options;
  Timer tries;
  Timer answers;
  ares_channel channel = nullptr;
  std::uint64_t tickets = 0;
  std::unordered_map<std::uint64_t, Answered> waiting;
  std::deque<std::pair<std::uint64_t, Resolution>> ready;
  std::unordered_map<ares_socket_t, std::unique_ptr<Watch>> watches;
};

bool NameResolver::State::open() {
  if (channel != nullptr) return true;
  if (!prepare_library()) return false;
  ares_options settings{};
  settings.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.try_within).count());
  settings.tries = options.tries;
  settings.sock_state_cb = [](void* data, ares_socket_t socket, int readable, int writable) {
    static_cast<State*>(data)->watch(socket, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = this;
  constexpr int kUsed = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  return ares_init_options(&channel, &settings, kUsed) == ARES_SUCCESS;
}

void NameResolver::State::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel, readable, writable);
  timeval wait{};
  if (ares_timeout(channel, nullptr, &wait) == nullptr) return tries.stop();
  tries.start(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
}

void NameResolver::State::watch(ares_socket_t socket, bool readable, bool writable) {
  const auto place = watches.find(socket);
  if (place != watches.end()) {
    ev_io_stop(loop, &place->second->watcher);
    if (!readable && !writable) {
      watches.erase(place);
      return;
    }
  }
  if (!readable && !writable) return;
  std::unique_ptr<Watch>& entry = watches[socket];
  if (entry == nullptr) entry = std::make_unique<Watch>(Watch{this});
  const int interest = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);
  ev_io_init(
      &entry->watcher,
      [](struct ev_loop*, ev_io* watcher, int happened) {
        State& self = *static_cast<Watch*>(watcher->data)->owner;
        const ares_socket_t ready_socket = watcher->fd;
        self.process((happened & EV_READ) != 0 ? ready_socket : ARES_SOCKET_BAD,
                     (happened & EV_WRITE) != 0 ? ready_socket : ARES_SOCKET_BAD);
      },
      socket, interest);
  entry->watcher.data = entry.get();
  ev_io_start(loop, &entry->watcher);
}

void NameResolver::State::on_found(const Query& query, int status, ares_addrinfo* found) {
  Resolution resolution;
  if (status == ARES_SUCCESS) resolution.address = first_address(found);
  if (found != nullptr) ares_freeaddrinfo(found);
  if (resolution.address.empty()) {
    resolution.code = status == ARES_ETIMEOUT ? ErrorCode::timeout : ErrorCode::unreachable;
    resolution.reason = "the name " + query.name + " could not be resolved: " +
                        (status == ARES_SUCCESS ? "it has no address" : ares_strerror(status));
  }
  answer_later(query.ticket, std::move(resolution));
}

void NameResolver::State::answer_later(std::uint64_t ticket, Resolution resolution) {
  if (!waiting.contains(ticket)) return;
  ready.emplace_back(ticket, std::move(resolution));
  answers.start(Duration::zero());
}

void NameResolver::State::deliver() {
  while (!ready.empty()) {
    const auto [ticket, resolution] = std::move(ready.front());
    ready.pop_front();
    const auto place = waiting.find(ticket);
    if (place == waiting.end()) continue;
    const Answered answered = std::move(place->second);
    waiting.erase(place);
    answered(resolution);
  }
}

NameResolver::NameResolver(struct ev_loop* loop, const NameResolverOptions& options)
    : state_(std::make_unique<State>(loop, options)) {}

NameResolver::~NameResolver() {
  state_->waiting.clear();
  if (state_->channel != nullptr) ares_destroy(state_->channel);
}

std::uint64_t NameResolver::resolve(const std::string& name, Answered answered) {
  State& state = *state_;
  const std::uint64_t ticket = ++state.tickets;
  const bool has_room = state.waiting.size() < state.options.queries_max;
  state.waiting.emplace(ticket, std::move(answered));
  if (!has_room || !state.open()) {
    state.answer_later(ticket, {ErrorCode::busy, {}, "too many names are being resolved"});
    return ticket;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  auto* query = new State::Query{&state, ticket, name};  // Owned by c-ares until its one answer.
  ares_getaddrinfo(
      state.channel, name.c_str(), nullptr, &hints,
      [](void* data, int status, int, ares_addrinfo* found) {
        const std::unique_ptr<State::Query> done(static_cast<State::Query*>(data));
        done->owner->on_found(*done, status, found);
      },
      query);
  state.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  return ticket;
}

void NameResolver::cancel(std::uint64_t ticket) { state_->waiting.erase(ticket); }

}  // namespace trestle::host
