#include "trestle/host/admin_server.hpp"

#include <algorithm>
#include <utility>

#include <libwebsockets.h>
#include <unistd.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/lookup_words.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/wire/json/parse.hpp"

namespace trestle::host {
namespace {

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
      return 200;
    case ErrorCode::invalid_request:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::rate_limited:
      return 429;
    case ErrorCode::unsupported:
    case ErrorCode::data_refused:
      return 501;
    case ErrorCode::busy:
    case ErrorCode::shutting_down:
    case ErrorCode::bridge_unavailable:
      return 503;
    case ErrorCode::timeout:
      return 504;
    case ErrorCode::unauthorized:
      return 403;
    case ErrorCode::outdated:
      return 409;
    case ErrorCode::store_full:
    case ErrorCode::storage_failed:
      return 507;
    default:
      return 502;
  }
}

HttpReply reply_with(ErrorCode code, std::string body) {
  body.push_back('\n');
  return {http_status(code), "application/json", std::move(body), {}};
}

HttpReply refusal(ErrorCode code, std::string_view detail) {
  return reply_with(code, code_to_json(code, detail));
}

/// What `&paths=` and `&lookup=` ask for. Error: a sentence.
Result<dht::LookupWish, std::string> wish_of(const HttpRequest& request) {
  dht::LookupWish wish;
  if (const auto text = request.argument("paths")) {
    const auto paths = lookup_paths_of(*text);
    if (!paths) {
      return refuse("paths is a number from 1 to " + std::to_string(dht::kLookupPathsMax));
    }
    wish.paths = *paths;
  }
  if (const auto word = request.argument("lookup")) {
    wish.mode = lookup_mode_of(*word);
    if (!wish.mode) return refuse(std::string("lookup is iterative or recursive"));
  }
  return wish;
}

}  // namespace

/// One request on one accepted socket.
class AdminServer::Socket final : public SocketUser {
 public:
  Socket(AdminServer& server, bool over_tcp)
      : is_over_tcp(over_tcp), server_(server), timer_(server.loop_.loop(), [this] { on_time(); }) {
    timer_.start(server.options_.request_within);
  }
  ~Socket() override {
    if (socket_ != nullptr) set_socket_user(socket_, nullptr);
  }

  int on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) override {
    switch (reason) {
      case LWS_CALLBACK_WSI_DESTROY:
        socket_ = nullptr;
        server_.remove(this);
        return 0;
      case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;  // No WebSockets here.
      default:
        break;
    }
    socket_ = socket;
    const int result = exchange_.on_event(socket, reason, in, bytes);
    if (const auto request = exchange_.take_request()) {
      timer_.stop();
      // libwebsockets' own limit would cut a lookup short; an operation ends by itself.
      lws_set_timeout(socket, NO_PENDING_TIMEOUT, 0);
      server_.on_request(*this, *request);
    }
    return result;
  }

  void reply(HttpReply reply) {
    timer_.start(server_.options_.reply_within);
    if (socket_ != nullptr) exchange_.reply(socket_, std::move(reply));
  }

  const bool is_over_tcp;
  bool is_scrape = false;

 private:
  void on_time() {
    if (socket_ != nullptr) server_.loop_.kill(socket_);
  }

  AdminServer& server_;
  lws* socket_ = nullptr;
  HttpExchange exchange_;
  Timer timer_;
};

AdminServer::AdminServer(EventLoop& loop, AdminBackend& backend, const AdminOptions& options)
    : loop_(loop), backend_(backend), options_(options), gate_(options.secret) {}

AdminServer::~AdminServer() = default;

void AdminServer::listen(ListeningSocket socket) {
  acceptor_.emplace(loop_, std::move(socket), [this](int descriptor, const std::string& address) {
    if (sockets_.size() >= options_.requests_max) {
      ::close(descriptor);
      return;
    }
    auto accepted = std::make_unique<Socket>(*this, !address.empty());
    Socket* key = accepted.get();
    sockets_.emplace(key, std::move(accepted));
    if (!loop_.adopt(descriptor, Security::plain, *key)) remove(key);
  });
}

void AdminServer::on_request(Socket& socket, const HttpRequest& request) {
  if (socket.is_over_tcp) {
    if (auto refused = gate_.turn_away(request)) return socket.reply(std::move(*refused));
  }
  if (request.method == HttpMethod::get) return on_get(socket, request);
  if (request.method != HttpMethod::post) {
    return socket.reply(
        {405, "application/json", code_to_json(ErrorCode::invalid_request) + "\n", {}});
  }
  if (!request.content_type.starts_with("application/json")) {
    return socket.reply(
        refusal(ErrorCode::invalid_request, "the content type must be application/json"));
  }
  if (request.path == "/put") return on_write(socket, request, OperationKind::put);
  if (request.path == "/refresh") return on_write(socket, request, OperationKind::refresh);
  if (request.path == "/delete") return on_write(socket, request, OperationKind::remove);
  if (auto reply = backend_.admin_reply(request)) return socket.reply(std::move(*reply));
  socket.reply(
      refusal(ErrorCode::not_found, "POST /put, /refresh, /delete, /metrics/on, /metrics/off"));
}

void AdminServer::on_get(Socket& socket, const HttpRequest& request) {
  if (request.path == "/metrics") {
    const auto scrapes =
        std::ranges::count_if(sockets_, [](const auto& entry) { return entry.second->is_scrape; });
    if (static_cast<std::size_t>(scrapes) >= options_.scrapes_max) {
      return socket.reply(refusal(ErrorCode::busy, "earlier metrics have not been read yet"));
    }
    socket.is_scrape = true;
  }
  const bool is_lookup =
      request.path == "/get" || request.path == "/find" || request.path == "/trace";
  if (is_lookup) return on_lookup(socket, request);
  if (auto reply = backend_.admin_reply(request)) return socket.reply(std::move(*reply));
  socket.reply(refusal(ErrorCode::not_found,
                       "there are /, /status, /peers, /health, /metrics, /get?key=, /find?id=, "
                       "/trace?of=, POST /put, /refresh, /delete, /metrics/on and /metrics/off"));
}

void AdminServer::on_lookup(Socket& socket, const HttpRequest& request) {
  const auto wish = wish_of(request);
  if (!wish) return socket.reply(refusal(ErrorCode::invalid_request, wish.error()));
  if (request.path == "/get") {
    const auto key = request.argument("key");
    if (!key || key->empty()) {
      return socket.reply(refusal(ErrorCode::invalid_request, "which key? /get?key=..."));
    }
    return await(socket, OperationKind::get, backend_.admin_get(*key, *wish));
  }
  if (request.path == "/find") {
    const auto text = request.argument("id");
    const auto id = text ? NodeId::from_hex(*text) : std::nullopt;
    if (!id)
      return socket.reply(
          refusal(ErrorCode::invalid_request, "an id has 40 hex digits: /find?id=..."));
    return await(socket, OperationKind::find, backend_.admin_find(*id, *wish));
  }
  const auto of = request.argument("of");
  if (!of || of->empty()) {
    return socket.reply(refusal(ErrorCode::invalid_request, "of which id or key? /trace?of=..."));
  }
  await(socket, OperationKind::trace, backend_.admin_trace(*of, *wish));
}

void AdminServer::on_write(Socket& socket, const HttpRequest& request, OperationKind kind) {
  const auto document = wire::json::parse(request.body);
  if (!document) return socket.reply(refusal(ErrorCode::invalid_request, "the body is not JSON"));
  const wire::json::Value root = document->root();
  const auto key = root.member("key");
  const auto value = root.member("value");
  const bool has_key = key && key->text() && !key->text()->empty();
  if (kind != OperationKind::put) {
    if (!has_key) {
      return socket.reply(refusal(ErrorCode::invalid_request, "the body needs the string key"));
    }
    std::string text(*key->text());
    return await(socket, kind,
                 kind == OperationKind::refresh ? backend_.admin_refresh(std::move(text))
                                                : backend_.admin_remove(std::move(text)));
  }
  if (!has_key || !value || !value->text()) {
    return socket.reply(
        refusal(ErrorCode::invalid_request, "the body needs the strings key and value"));
  }
  const auto options = put_options(root);
  if (!options) return socket.reply(refusal(ErrorCode::invalid_request, options.error()));
  await(
      socket, OperationKind::put,
      backend_.admin_put(std::string(*key->text()), to_bytes(as_bytes(*value->text())), *options));
}

/// `ttl_s`, `audience` and `readers` of a put. Error: a sentence.
Result<node::PutOptions, std::string> AdminServer::put_options(const wire::json::Value& body) {
  node::PutOptions options{.ttl = options_.ttl_default};
  if (const auto given = body.member("ttl_s")) {
    const auto seconds = given->integer();
    if (!seconds || *seconds <= 0) {
      return refuse(std::string("ttl_s is a number of seconds above 0"));
    }
    options.ttl = std::chrono::seconds(std::min<std::int64_t>(*seconds, options_.ttl_max.count()));
  }
  if (const auto given = body.member("audience")) {
    options.audience = crypto::audience_from_name(given->text().value_or(""));
    if (!options.audience) {
      return refuse(std::string("audience is network, self, readers or public"));
    }
  }
  const auto readers = body.member("readers");
  if (!readers) return options;
  for (const wire::json::Value reader : readers->items()) {
    const auto key = backend_.admin_reader(reader.text().value_or(""));
    if (!key) return refuse("a reader's identity " + key.error());
    options.readers.push_back(*key);
  }
  return options;
}

void AdminServer::await(Socket& socket, OperationKind kind,
                        Result<node::OperationId, ErrorCode> operation) {
  if (!operation) return socket.reply(refusal(operation.error(), {}));
  waiting_[operation->value] = {&socket, kind, steady_now()};
}

void AdminServer::on_operation_ended(const node::OperationEnded& ended) {
  const auto place = waiting_.find(ended.operation.value);
  if (place == waiting_.end()) return;
  const auto [socket, kind, asked] = place->second;
  waiting_.erase(place);
  times_[static_cast<std::size_t>(kind)].add(steady_now() - asked);
  if (ended.code != ErrorCode::none && ended.code != ErrorCode::not_found) {
    ++failures_[static_cast<std::size_t>(kind)];
  }
  ErrorCode code = ended.code;
  if (kind == OperationKind::get && code == ErrorCode::none && !ended.record)
    code = ErrorCode::not_found;
  socket->reply(reply_with(code, code == ended.code ? to_json(kind, ended) : code_to_json(code)));
}

void AdminServer::add_figures(node::Status& status) const {
  constexpr std::string_view kTimes[kOperationKinds] = {"host.put_time",    "host.get_time",
                                                        "host.find_time",   "host.refresh_time",
                                                        "host.delete_time", "host.trace_time"};
  constexpr std::string_view kFailures[kOperationKinds] = {
      "host.put_failures_total",     "host.get_failures_total",    "host.find_failures_total",
      "host.refresh_failures_total", "host.delete_failures_total", "host.trace_failures_total"};
  for (std::size_t kind = 0; kind < times_.size(); ++kind) {
    status.counters.emplace_back(kFailures[kind], failures_[kind]);
    status.histograms.push_back({kTimes[kind], times_[kind]});
  }
}

void AdminServer::remove(Socket* socket) {
  std::erase_if(waiting_, [&](const auto& entry) { return entry.second.socket == socket; });
  sockets_.erase(socket);
}

}  // namespace trestle::host
