#include "trestle/host/user_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "trestle/base/node_id.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/sealed_value.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/admin_client.hpp"
#include "trestle/host/complaint.hpp"
#include "trestle/host/duration_word.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/lookup_trace.hpp"
#include "trestle/host/lookup_words.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/published_identity.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

using wire::json::Kind;
using wire::json::Value;

/// An answer is bounded by the node's own tables: thousands of peers, not 16 Ki values.
constexpr wire::json::Limits kAnswerLimits{
    .bytes_max = std::size_t{16} * 1024 * 1024, .depth_max = 16, .values_max = 1024 * 1024};

/// As long as a store keeps anything.
constexpr std::chrono::hours kPublishedLife{30 * 24};

const char* word_of(Command command) {
  switch (command) {
    case Command::put:
      return "put";
    case Command::get:
      return "get";
    case Command::find:
      return "find";
    case Command::refresh:
      return "refresh";
    case Command::remove:
      return "delete";
    case Command::trace:
      return "trace";
    case Command::publish:
      return "publish";
    case Command::peers:
      return "peers";
    default:
      return "status";
  }
}

/// `&paths=3&lookup=recursive`, as far as it was said.
std::string wish_of(const CommandLine& line) {
  std::string arguments;
  if (!line.paths.empty()) arguments += "&paths=" + percent_encoded(line.paths);
  if (!line.lookup.empty()) arguments += "&lookup=" + percent_encoded(line.lookup);
  return arguments;
}

/// `readers=A,B`: the audience, and who they are.
struct AudienceWords {
  std::string_view audience;
  std::vector<std::string_view> readers;
};

std::optional<AudienceWords> audience_words(std::string_view text) {
  const std::size_t sign = text.find('=');
  AudienceWords words{text.substr(0, sign), {}};
  const auto audience = crypto::audience_from_name(words.audience);
  const bool names_readers = sign != std::string_view::npos;
  if (!audience || names_readers != (audience == crypto::Audience::readers)) return std::nullopt;
  for (std::string_view rest = names_readers ? text.substr(sign + 1) : ""; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    words.readers.push_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return words;
}

/// Ids of readers are looked up. Error: a sentence.
Result<void, std::string> add_audience(wire::json::ObjectWriter& body, const Settings& settings,
                                       std::string_view text) {
  const auto words = audience_words(text);
  if (!words) return {};
  body.text("audience", words->audience);
  if (words->readers.empty()) return {};
  wire::json::ArrayWriter readers;
  for (const std::string_view reader : words->readers) {
    const auto id = NodeId::from_hex(reader);
    const auto identity = id ? find_identity(settings, *id) : std::string(reader);
    if (!identity) return refuse(identity.error());
    readers.text(*identity);
  }
  body.raw("readers", readers.take());
  return {};
}

/// Our own identity, under our own key, for whoever asks. Error: a sentence.
Result<std::string, std::string> publication(const Settings& settings) {
  crypto::Suite suite;
  const auto keys =
      read_own_identity(suite, settings.data_folder, settings.identity_passphrase_file);
  if (!keys) return refuse(keys.error());
  const auto record = crypto::make_identity_record(suite, crypto::identity_keys(suite, *keys));
  wire::json::ObjectWriter body;
  body.text("key", identity_key_of(crypto::node_id_of(suite, keys->key)));
  body.text("value", crypto::to_text(suite, crypto::TextKind::identity, crypto::encode(record)));
  body.integer("ttl_s", std::chrono::seconds(kPublishedLife).count()).text("audience", "public");
  return body.take();
}

struct Question {
  std::string path;
  std::string body;
};

/// Error: a sentence.
Result<Question, std::string> question(const CommandLine& line, const Settings& settings) {
  switch (line.command) {
    case Command::put: {
      wire::json::ObjectWriter body;
      body.text("key", line.words[0]).text("value", line.words[1]);
      if (const auto ttl = duration_of(line.ttl)) body.integer("ttl_s", ttl->count());
      if (const auto added = add_audience(body, settings, line.audience); !added) {
        return refuse(added.error());
      }
      return Question{"/put", body.take()};
    }
    case Command::publish: {
      auto body = publication(settings);
      if (!body) return refuse(std::move(body.error()));
      return Question{"/put", std::move(*body)};
    }
    case Command::refresh:
    case Command::remove: {
      wire::json::ObjectWriter body;
      body.text("key", line.words[0]);
      return Question{std::string("/") + word_of(line.command), body.take()};
    }
    case Command::get:
      return Question{"/get?key=" + percent_encoded(line.words[0]) + wish_of(line), {}};
    case Command::find:
      return Question{"/find?id=" + line.words[0] + wish_of(line), {}};
    case Command::trace:
      return Question{"/trace?of=" + percent_encoded(line.words[0]) + wish_of(line), {}};
    case Command::peers:
      return Question{"/peers", {}};
    default:
      return Question{"/status", {}};
  }
}

/// A scalar for a person; text from peers cannot drive the terminal.
std::string shown(const Value& value) {
  if (const auto text = value.text()) return with_controls_escaped(*text);
  return std::string(value.raw());
}

std::string member(const Value& object, std::string_view name) {
  const auto value = object.member(name);
  return value ? shown(*value) : std::string();
}

void print_peers(const Value& peers) {
  for (const Value peer : peers.items()) {
    fmt::print("{}  {:<9}  {:<6}  {}\n", member(peer, "id"), member(peer, "role"),
               member(peer, "dialect"), member(peer, "address"));
  }
}

void print_status(const Value& status) {
  for (const auto& [name, value] : status.members()) {
    if (value.kind() == Kind::array || value.kind() == Kind::object) continue;
    fmt::print("{:<10} {}\n", name, shown(value));
  }
  if (const auto peers = status.member("peers"); peers && !peers->items().empty()) {
    fmt::print("\npeers\n");
    print_peers(*peers);
  }
  if (const auto bridges = status.member("bridges"); bridges && !bridges->items().empty()) {
    fmt::print("\nbridges\n");
    for (const Value bridge : bridges->items()) {
      fmt::print(
          "{}  {}  breaker {}  {} connections opened, {} requests, {} answers, {} in flight\n",
          member(bridge, "url"), member(bridge, "state"), member(bridge, "breaker"),
          member(bridge, "connections_opened"), member(bridge, "requests"),
          member(bridge, "answers"), member(bridge, "in_flight"));
    }
  }
  if (const auto counters = status.member("counters")) {
    fmt::print("\ncounters\n");
    for (const auto& [name, value] : counters->members())
      fmt::print("{:<40} {}\n", name, value.raw());
  }
}

void print_value(const Value& answer) {
  if (const auto value = answer.member("value"); value && value->text()) {
    // The value belongs to the user: printed as it is, so that it can be piped.
    std::fwrite(value->text()->data(), 1, value->text()->size(), stdout);
    std::fputc('\n', stdout);
    return;
  }
  fmt::print("{}\n", member(answer, "value_hex"));
}

/// `stored at 7 nodes (5 wanted)`, or what is to be feared.
void print_receipt(std::string_view done, const Value& answer) {
  const std::string replicas = member(answer, "replicas");
  const std::string wanted = member(answer, "replicas_wanted");
  const std::string old_peers = member(answer, "old_peers");
  const std::string bonus = old_peers == "0" ? "" : ", and at " + old_peers + " old peers";
  const std::string_view plural = replicas == "1" ? "" : "s";
  if (member(answer, "weak") != "true") {
    fmt::print("{} at {} node{} ({} wanted){}\n", done, replicas, plural, wanted, bonus);
    return;
  }
  fmt::print("WEAK: {} at {} node{} only ({} wanted){}; it may be lost with them\n", done, replicas,
             plural, wanted, bonus);
}

void print(Command command, const Value& answer) {
  switch (command) {
    case Command::put:
      return print_receipt("stored", answer);
    case Command::publish:
      return print_receipt("published", answer);
    case Command::refresh:
      return print_receipt("refreshed", answer);
    case Command::remove:
      return print_receipt("deleted", answer);
    case Command::get:
      return print_value(answer);
    case Command::find:
      if (const auto contacts = answer.member("contacts")) print_peers(*contacts);
      return;
    case Command::trace:
      std::fputs(trace_text(answer).c_str(), stdout);
      return;
    case Command::peers:
      return print_peers(answer);
    default:
      return print_status(answer);
  }
}

}  // namespace

ExitCode run_user_command(const CommandLine& line, Settings settings) {
  if (line.command == Command::find && !NodeId::from_hex(line.words[0])) {
    return complain(settings.kind, "'" + line.words[0] + "' is not an id: it has 40 hex digits",
                    ExitCode::wrong_usage);
  }
  if (!line.ttl.empty() && !duration_of(line.ttl)) {
    return complain(settings.kind, "'" + line.ttl + "' is no duration: 90, 90s, 30m, 12h, 7d",
                    ExitCode::wrong_usage);
  }
  if (!line.audience.empty() && !audience_words(line.audience)) {
    return complain(
        settings.kind,
        "'" + line.audience + "' is no audience: network, self, public, or readers=WHO,...",
        ExitCode::wrong_usage);
  }
  if (!line.paths.empty() && !lookup_paths_of(line.paths)) {
    return complain(
        settings.kind,
        "'" + line.paths + "' is no number of paths: 1 to " + std::to_string(dht::kLookupPathsMax),
        ExitCode::wrong_usage);
  }
  if (!line.lookup.empty() && !lookup_mode_of(line.lookup)) {
    return complain(settings.kind, "'" + line.lookup + "' is neither iterative nor recursive",
                    ExitCode::wrong_usage);
  }
  const SecretReading secret = read_admin_secret(settings);
  if (!secret.error.empty()) return complain(settings.kind, secret.error, ExitCode::bad_settings);
  const auto asked = question(line, settings);
  if (!asked) return complain(settings.kind, asked.error(), ExitCode::failed);
  const auto answer = ask_admin(admin_address(settings), asked->path, asked->body,
                                std::string(as_text(settings.admin_secret)));
  if (!answer) return complain(settings.kind, answer.error(), ExitCode::failed);
  if (line.wants_json) {
    std::fwrite(answer->body.data(), 1, answer->body.size(), stdout);
    return answer->status == 200 ? ExitCode::done : ExitCode::failed;
  }
  const auto document = wire::json::parse(answer->body, kAnswerLimits);
  if (!document) return complain(settings.kind, "the node's answer is not JSON", ExitCode::failed);
  const Value root = document->root();
  if (answer->status != 200) {
    const std::string detail = member(root, "detail");
    return complain(settings.kind,
                    fmt::format("{} failed with {}{}{}", word_of(line.command),
                                member(root, "code"), detail.empty() ? "" : ": ", detail),
                    ExitCode::failed);
  }
  print(line.command, root);
  return ExitCode::done;
}

}  // namespace trestle::host
