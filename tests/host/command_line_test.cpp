#include "trestle/host/command_line.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;

namespace {

Result<CommandLine, CommandLineEnd> parse(ProgramKind kind, std::vector<const char*> words) {
  words.insert(words.begin(), "program");
  return parse_command_line(kind, static_cast<int>(words.size()), words.data());
}

std::vector<std::string> given(const CommandLine& line, const std::string& name) {
  for (const GivenSetting& setting : line.given) {
    if (setting.name == name) return setting.values;
  }
  return {};
}

}  // namespace

TEST_CASE("options become settings, repeated ones lists") {
  const auto line = parse(ProgramKind::bootstrap,
                          {"run", "--listen", "127.0.0.1:1", "--bridge", "ws://a:1", "--bridge",
                           "ws://b:2", "--genesis", "--legacy", "off", "--config", "x.toml"});
  REQUIRE(line);
  CHECK(line->command == Command::run);
  CHECK(line->config_file == "x.toml");
  CHECK(given(*line, "listen") == std::vector<std::string>{"127.0.0.1:1"});
  CHECK(given(*line, "bridge") == std::vector<std::string>{"ws://a:1", "ws://b:2"});
  CHECK(given(*line, "genesis") == std::vector<std::string>{"true"});
  CHECK(given(*line, "legacy") == std::vector<std::string>{"off"});
  CHECK(given(*line, "trace-frames").empty());
}

TEST_CASE("user commands carry their words") {
  const auto put = parse(ProgramKind::node, {"put", "a key", "a value", "--data", "d", "--json"});
  REQUIRE(put);
  CHECK(put->command == Command::put);
  CHECK(put->words == std::vector<std::string>{"a key", "a value"});
  CHECK(put->wants_json);
  CHECK(given(*put, "data") == std::vector<std::string>{"d"});
  CHECK(parse(ProgramKind::node, {"get", "k"})->words == std::vector<std::string>{"k"});
  CHECK(parse(ProgramKind::node, {"peers"})->command == Command::peers);
  CHECK(parse(ProgramKind::bridge, {"version"})->command == Command::version);
}

TEST_CASE("wrong usage ends with 2 and a sentence") {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{},
                                             {"dance"},
                                             {"run", "--no-such"},
                                             {"run", "--listen"},
                                             {"put", "key"},
                                             {"get"},
                                             {"run", "--bridge", "ws://a:1"}}) {
    const auto line = parse(ProgramKind::node, words);
    REQUIRE_FALSE(line);
    CHECK(line.error().code == ExitCode::wrong_usage);
    CHECK(line.error().error.size() > 20);
    CHECK(line.error().output.empty());
  }
  CHECK(parse(ProgramKind::bridge, {"put", "k", "v"}).error().code == ExitCode::wrong_usage);
}

TEST_CASE("what this program has not ends with 2 and names it") {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"invite", "somebody"}, {"revoke", "--now"}}) {
    const auto line = parse(ProgramKind::node, words);
    REQUIRE_FALSE(line);
    CHECK(line.error().code == ExitCode::wrong_usage);
    CHECK(line.error().error.find(words[0]) != std::string::npos);
  }
  CHECK(parse(ProgramKind::bootstrap, {"run", "--bridge-mode", "stateless"}));
}

TEST_CASE("commands about the identity and invitations carry their words") {
  const auto import = parse(ProgramKind::node,
                            {"import", "a file", "--data", "d", "--identity-passphrase-file", "p"});
  REQUIRE(import);
  CHECK(import->command == Command::import_key);
  CHECK(import->words == std::vector<std::string>{"a file"});
  CHECK(given(*import, "identity-passphrase-file") == std::vector<std::string>{"p"});
  CHECK(parse(ProgramKind::bridge, {"export"})->command == Command::export_key);
  CHECK(parse(ProgramKind::bridge, {"rotate"})->command == Command::rotate);
  CHECK(parse(ProgramKind::bridge, {"identity"})->command == Command::identity);
  CHECK(parse(ProgramKind::bridge, {"import"}).error().code == ExitCode::wrong_usage);
  const auto invite = parse(ProgramKind::bootstrap, {"invite", "somebody", "--life", "2h"});
  REQUIRE(invite);
  CHECK(invite->command == Command::invite);
  CHECK(invite->words == std::vector<std::string>{"somebody"});
  CHECK(invite->life == "2h");
  const auto revoke = parse(ProgramKind::bootstrap, {"revoke", "something", "--branch"});
  REQUIRE(revoke);
  CHECK(revoke->command == Command::revoke);
  CHECK(revoke->revokes_branch);
  CHECK_FALSE(parse(ProgramKind::bootstrap, {"revoke", "something"})->revokes_branch);
  CHECK(parse(ProgramKind::bootstrap, {"invite"}).error().code == ExitCode::wrong_usage);
}

TEST_CASE("doctor takes the settings of run, and can answer in JSON") {
  const auto line =
      parse(ProgramKind::node, {"doctor", "--bootstrap", "ws://a:1", "--trusted-proxy", "10.0.0.1",
                                "--trusted-proxy", "fd00::/8", "--json"});
  REQUIRE(line);
  CHECK(line->command == Command::doctor);
  CHECK(line->wants_json);
  Settings settings = default_settings(ProgramKind::node);
  for (const GivenSetting& given : line->given) REQUIRE(apply(settings, given));
  CHECK(settings.bootstrap_urls == std::vector<std::string>{"ws://a:1"});
  CHECK(settings.trusted_proxies.size() == 2);
}

TEST_CASE("TLS and the bridge mode are settings like all others") {
  const auto line =
      parse(ProgramKind::bootstrap, {"run", "--tls-cert", "c", "--tls-key", "k", "--tls-ca", "a",
                                     "--tls-insecure-skip-verify", "--bridge-mode", "stateless"});
  REQUIRE(line);
  Settings settings = default_settings(ProgramKind::bootstrap);
  for (const GivenSetting& given : line->given) REQUIRE(apply(settings, given));
  CHECK(settings.tls == TlsFiles{"c", "k", "a"});
  CHECK(settings.tls_verification == TlsVerification::skipped);
  CHECK(settings.bridge_mode == pool::BridgeMode::stateless);
  CHECK(parse(ProgramKind::node, {"run", "--bridge-mode", "pool"}).error().code ==
        ExitCode::wrong_usage);
}

TEST_CASE("help names the commands and ends with 0") {
  const auto help = parse(ProgramKind::node, {"--help"});
  REQUIRE_FALSE(help);
  CHECK(help.error().code == ExitCode::done);
  for (const char* word : {"run", "check", "keygen", "version", "put", "get", "refresh", "delete",
                           "find", "peers", "status"}) {
    CHECK(help.error().output.find(word) != std::string::npos);
  }
  CHECK(parse(ProgramKind::node, {"run", "--help"}).error().output.find("--bootstrap") !=
        std::string::npos);
}
