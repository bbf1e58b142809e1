#include "trestle/host/name_resolver.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <unordered_map>
#include <utility>

#include <ares.h>
#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"

namespace trestle::host {
namespace {

/// c-ares wants its global set up once per process.
bool prepare_library() {
  static const bool is_ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return is_ready;
}

std::string text_of(const ares_addrinfo_node& node) {
  char text[INET6_ADDRSTRLEN] = {};
  if (node.ai_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr, text,
              sizeof text);
  } else if (node.ai_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr, text,
              sizeof text);
  }
  return text;
}

/// IPv4 first: the networks this runs in (containers, private nets) often resolve IPv6 without
/// routing it.
std::vector<std::string> addresses_of(const ares_addrinfo& found, std::size_t addresses_max) {
  std::vector<std::string> addresses;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
      if (node->ai_family != family || addresses.size() >= addresses_max) continue;
      std::string text = text_of(*node);
      if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
        addresses.push_back(std::move(text));
      }
    }
  }
  return addresses;
}

/// How long the whole answer holds: as long as its shortest part. Zero for what came from the
/// hosts file.
Duration time_to_live(const ares_addrinfo& found) {
  int seconds = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    seconds = std::min(seconds, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* name = found.cnames; name != nullptr; name = name->next) {
    seconds = std::min(seconds, name->ttl);
  }
  return std::chrono::seconds(std::max(seconds, 0));
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
  void remember(const std::string& name, const std::vector<std::string>& addresses, Duration ttl);
  const std::vector<std::string>* recall(const std::string& name) const;

  struct ev_loop* loop;
  NameResolverOptions options;
  Timer tries;
  Timer answers;
  ares_channel channel = nullptr;
  std::uint64_t tickets = 0;
  std::unordered_map<std::uint64_t, Answered> waiting;
  std::deque<std::pair<std::uint64_t, Resolution>> ready;
  std::unordered_map<ares_socket_t, std::unique_ptr<Watch>> watches;
  struct Memory {
    std::vector<std::string> addresses;
    Instant until;
  };
  std::unordered_map<std::string, Memory> memories;
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
  if (ares_init_options(&channel, &settings, kUsed) != ARES_SUCCESS) return false;
  return options.servers.empty() ||
         ares_set_servers_ports_csv(channel, options.servers.c_str()) == ARES_SUCCESS;
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
  if (status == ARES_SUCCESS) {
    resolution.addresses = addresses_of(*found, options.addresses_max);
    remember(query.name, resolution.addresses, time_to_live(*found));
  }
  if (found != nullptr) ares_freeaddrinfo(found);
  if (resolution.addresses.empty()) {
    resolution.code = status == ARES_ETIMEOUT ? ErrorCode::timeout : ErrorCode::unreachable;
    resolution.reason = "the name " + query.name + " could not be resolved: " +
                        (status == ARES_SUCCESS ? "it has no address" : ares_strerror(status));
    resolution.is_denied =
        status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
  }
  answer_later(query.ticket, std::move(resolution));
}

void NameResolver::State::remember(const std::string& name,
                                   const std::vector<std::string>& addresses, Duration ttl) {
  if (addresses.empty() || ttl <= Duration::zero()) return;
  if (memories.size() >= options.names_max && !memories.contains(name)) {
    memories.erase(std::min_element(memories.begin(), memories.end(), [](auto& one, auto& other) {
      return one.second.until < other.second.until;
    }));
  }
  memories[name] = {addresses, steady_now() + std::min(ttl, options.ttl_max)};
}

const std::vector<std::string>* NameResolver::State::recall(const std::string& name) const {
  const auto place = memories.find(name);
  if (place == memories.end() || place->second.until <= steady_now()) return nullptr;
  return &place->second.addresses;
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
  if (const std::vector<std::string>* known = state.recall(name)) {
    state.answer_later(ticket, {ErrorCode::none, *known, {}});
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

std::size_t NameResolver::remembered() const { return state_->memories.size(); }

}  // namespace trestle::host
