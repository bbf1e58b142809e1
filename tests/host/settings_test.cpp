#include "trestle/host/settings.hpp"

#include <algorithm>
#include <string>

#include <sys/stat.h>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/settings_file.hpp"
#include "trestle/host/settings_reading.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

Result<Settings, std::string> read(ProgramKind kind, const std::string& path,
                                   std::vector<GivenSetting> command_line = {}) {
  Settings settings = default_settings(kind);
  auto given = read_settings_file(path);
  if (!given) return refuse(given.error());
  given->insert(given->end(), command_line.begin(), command_line.end());
  for (const GivenSetting& setting : *given) {
    if (const auto applied = apply(settings, setting); !applied) return refuse(applied.error());
  }
  return settings;
}

}  // namespace

TEST_CASE("the command line overrules the file, and the file the defaults") {
  TemporaryFolder folder;
  const std::string path = folder.write("node.toml",
                                        "listen = \"127.0.0.1:1\"\n"
                                        "legacy = \"off\"\n"
                                        "bootstrap = [\"ws://a:1\", \"ws://b:2\"]\n"
                                        "trace-frames = true\n"
                                        "network-name = \"test\"\n");
  const auto settings =
      read(ProgramKind::node, path,
           {{"listen", {"127.0.0.1:2"}, "--listen"}, {"bootstrap", {"ws://c:3"}, "--bootstrap"}});
  REQUIRE(settings);
  CHECK(settings->listen == HostPort{"127.0.0.1", 2});
  CHECK(settings->bootstrap_urls == std::vector<std::string>{"ws://c:3"});
  CHECK_FALSE(settings->serves_legacy);
  CHECK(settings->traces_frames);
  CHECK(settings->network_name == "test");
  CHECK(settings->log_format == LogFormat::text);
}

TEST_CASE("the printed settings are a settings file that gives the same settings") {
  TemporaryFolder folder;
  Settings settings = default_settings(ProgramKind::bootstrap);
  for (const GivenSetting& given : std::vector<GivenSetting>{
           {"listen", {"[::1]:7"}, ""},
           {"bridge", {"wss://a:1,ws://a:2", "ws://b:2"}, ""},
           {"bridge-mode", {"stateless"}, ""},
           {"tls-cert", {"/cert.pem"}, ""},
           {"tls-key", {"/key.pem"}, ""},
           {"tls-ca", {"/ca.pem"}, ""},
           {"tls-insecure-skip-verify", {"true"}, ""},
           {"connections-max", {"7"}, ""},
           {"connections-per-address", {"0"}, ""},
           {"advertise", {"wss://x.example"}, ""},
           {"data", {"/a \"quoted\" \\ folder"}, ""},
           {"admin", {"127.0.0.1:9"}, ""},
           {"trusted-proxy", {"10.0.0.0/8", "::1"}, ""},
           {"allow-origin", {"HTTPS://App.Example:443", "http://[::1]:8080"}, ""},
           {"genesis", {"true"}, ""},
           {"legacy", {"off"}, ""},
           {"log", {"json"}, ""},
           {"log-level", {"debug"}, ""}}) {
    REQUIRE(apply(settings, given));
  }
  const std::string printed = to_toml(settings);
  const auto again = read(ProgramKind::bootstrap, folder.write("printed.toml", printed));
  REQUIRE(again);
  CHECK(to_toml(*again) == printed);
  CHECK(again->is_genesis);
  CHECK(again->allowed_origins ==
        std::vector<std::string>{"https://app.example", "http://[::1]:8080"});
  CHECK(again->bridges.size() == 2);
  CHECK(again->bridges[0].urls == std::vector<std::string>{"wss://a:1", "ws://a:2"});
  CHECK(again->bridge_mode == pool::BridgeMode::stateless);
  CHECK(again->tls == TlsFiles{"/cert.pem", "/key.pem", "/ca.pem"});
  CHECK(again->tls_verification == TlsVerification::skipped);
  CHECK(again->connections_max == 7);
  CHECK(again->connections_per_address_max == 0);
}

TEST_CASE("settings that may change while the program runs are taken over, the others are named") {
  Settings now = default_settings(ProgramKind::bootstrap);
  Settings fresh = now;
  for (const GivenSetting& given : std::vector<GivenSetting>{{"listen", {"[::1]:7"}, ""},
                                                             {"bridge", {"ws://a:1"}, ""},
                                                             {"bridge-mode", {"stateless"}, ""},
                                                             {"log-level", {"debug"}, ""},
                                                             {"genesis", {"true"}, ""}}) {
    REQUIRE(apply(fresh, given));
  }
  const ChangedSettings changed = compare(now, fresh);
  CHECK(changed.applied == std::vector<std::string_view>{"bridge", "bridge-mode", "log-level"});
  CHECK(changed.needs_restart == std::vector<std::string_view>{"listen", "genesis"});
  take_over(now, fresh);
  INFO("everything that is said to be taken over is");
  CHECK(compare(now, fresh).applied.empty());
  CHECK(compare(now, fresh).needs_restart == changed.needs_restart);
}

TEST_CASE("each setting that may change while the program runs is taken over") {
  const std::vector<GivenSetting> others = {{"network-name", {"other"}, ""},
                                            {"listen", {"[::1]:7"}, ""},
                                            {"advertise", {"wss://x.example"}, ""},
                                            {"data", {"/elsewhere"}, ""},
                                            {"identity-passphrase-file", {"/phrase"}, ""},
                                            {"storage", {"memory"}, ""},
                                            {"admin", {"127.0.0.1:9"}, ""},
                                            {"admission", {"open"}, ""},
                                            {"founder", {std::string(64, '7')}, ""},
                                            {"invitation", {"/invitation"}, ""},
                                            {"revocations", {"/revoked"}, ""},
                                            {"bridge", {"ws://a:1"}, ""},
                                            {"bridge-mode", {"stateless"}, ""},
                                            {"bootstrap", {"ws://b:1"}, ""},
                                            {"bridge-secret-file", {"/secret"}, ""},
                                            {"legacy-bridge-secret-file", {"/legacy-secret"}, ""},
                                            {"tls-cert", {"/cert.pem"}, ""},
                                            {"tls-key", {"/key.pem"}, ""},
                                            {"tls-ca", {"/ca.pem"}, ""},
                                            {"tls-insecure-skip-verify", {"true"}, ""},
                                            {"transport", {"library"}, ""},
                                            {"threads", {"7"}, ""},
                                            {"connections-max", {"7"}, ""},
                                            {"connections-per-address", {"7"}, ""},
                                            {"limit", {"ban-s=7"}, ""},
                                            {"memory-budget", {"7"}, ""},
                                            {"trusted-proxy", {"10.0.0.0/8"}, ""},
                                            {"allow-origin", {"*"}, ""},
                                            {"genesis", {"true"}, ""},
                                            {"platform", {"mobile"}, ""},
                                            {"diversity", {"open"}, ""},
                                            {"lookup", {"recursive"}, ""},
                                            {"proximity", {"on"}, ""},
                                            {"network-key-file", {"/key"}, ""},
                                            {"accept-plaintext-until", {"2027-01-31"}, ""},
                                            {"legacy", {"off"}, ""},
                                            {"weaker-until", {"2027-01-31"}, ""},
                                            {"log", {"json"}, ""},
                                            {"log-level", {"debug"}, ""},
                                            {"trace-frames", {"true"}, ""},
                                            {"admin-secret-file", {"/admin"}, ""},
                                            {"metrics", {"off"}, ""},
                                            {"alert-bridges-min", {"7"}, ""},
                                            {"alert-queue-percent", {"7"}, ""},
                                            {"alert-busy-percent", {"7"}, ""},
                                            {"alert-p99-ms", {"7"}, ""},
                                            {"alert-descriptors-percent", {"7"}, ""},
                                            {"alert-memory-mb", {"7"}, ""},
                                            {"alert-refresh-percent", {"7"}, ""},
                                            {"alert-weaker-days", {"7"}, ""}};
  for (const ProgramKind kind : {ProgramKind::bootstrap, ProgramKind::bridge, ProgramKind::node}) {
    for (const std::string_view name : setting_names(kind)) {
      CAPTURE(name);
      const auto other = std::ranges::find(others, name, &GivenSetting::name);
      REQUIRE(other != others.end());
      Settings now = default_settings(kind);
      Settings fresh = now;
      REQUIRE(apply(fresh, *other));
      const ChangedSettings changed = compare(now, fresh);
      // Its own name, and that of a setting whose default follows it.
      REQUIRE(changed.applied.size() + changed.needs_restart.size() >= 1);
      take_over(now, fresh);
      CHECK(compare(now, fresh).applied.empty());
      CHECK(compare(now, fresh).needs_restart == changed.needs_restart);
    }
  }
}

TEST_CASE("a number that makes no sense, and a bridge that is given twice, are refused") {
  Settings settings = default_settings(ProgramKind::bootstrap);
  const auto sentence = [&](const std::string& name, std::vector<std::string> values) {
    const auto applied = apply(settings, {name, std::move(values), "--" + name});
    return applied ? std::string() : applied.error();
  };
  CHECK(sentence("connections-max", {"0"}) ==
        "--connections-max: '0' is not between 1 and 1048576");
  CHECK(sentence("connections-max", {"1"}).empty());
  CHECK(sentence("connections-per-address", {"0"}).empty());
  CHECK_FALSE(sentence("connections-per-address", {"99999999999"}).empty());
  for (const char* share :
       {"alert-queue-percent", "alert-busy-percent", "alert-descriptors-percent"}) {
    CAPTURE(share);
    CHECK(sentence(share, {"0"}).empty());
    CHECK(sentence(share, {"100"}).empty());
    CHECK_FALSE(sentence(share, {"101"}).empty());
  }
  CHECK_FALSE(sentence("alert-bridges-min", {"65"}).empty());
  CHECK_FALSE(sentence("alert-p99-ms", {"3600001"}).empty());
  CHECK_FALSE(sentence("alert-memory-mb", {"1048577"}).empty());
  CHECK(sentence("bridge", {"ws://a:1", "ws://b:1,ws://a:1"}) ==
        "--bridge: 'ws://a:1' is given twice");
  const std::string id(40, 'a');
  CHECK(sentence("bridge", {"ws://a:1", "ws://a:1#" + id}) ==
        "--bridge: 'ws://a:1#" + id + "' is given twice");
  CHECK(sentence("bridge", {"ws://a:1#" + id.substr(1)}) ==
        "--bridge: 'ws://a:1#" + id.substr(1) +
            "': behind the # stands the id of who must answer, 40 hex digits");
  CHECK_FALSE(sentence("bridge", {"ws://a:1#" + id + ",ws://b:1#" + std::string(40, 'b')}).empty());
  CHECK_FALSE(sentence("advertise", {"ws://a:1#" + id}).empty());
  CHECK(settings.bridges.empty());
  CHECK(sentence("bridge", {"ws://a:1#" + id + ",ws://b:1#" + id}).empty());
  CHECK(to_toml(settings).find("\"ws://a:1#" + id + ",ws://b:1#" + id + "\"") != std::string::npos);
}

TEST_CASE("a certificate without a key makes no sense, and one turns the advertised URL into wss") {
  Settings settings = default_settings(ProgramKind::bootstrap);
  CHECK(validate(settings));
  settings.tls.certificate = "cert.pem";
  CHECK(validate(settings).error().find("--tls-key") != std::string::npos);
  settings.tls.key = "key.pem";
  CHECK(validate(settings));
  CHECK(advertised_url(settings, {"10.0.0.1", 5}) == "wss://10.0.0.1:5");
}

TEST_CASE("every setting that is refused is told of at once, each with its place") {
  TemporaryFolder folder;
  CommandLine line;
  line.config_file =
      folder.write("bad.toml", "listen = \"nonsense\"\nlegacy = \"perhaps\"\nno-such = 1\n");
  line.given = {{"log", {"loud"}, "--log"}};
  const std::string error = read_everything(ProgramKind::bootstrap, line).error();
  for (const char* place : {"bad.toml:1:10: ", "bad.toml:2:10: ", "bad.toml:3:1: ", "--log: "}) {
    INFO(place);
    CHECK(error.find(place) != std::string::npos);
  }
}

TEST_CASE("a file that cannot be used is told of where the setting names it") {
  TemporaryFolder folder;
  CommandLine line;
  line.config_file =
      folder.write("bad.toml", "\nbridge-secret-file = \"" + folder.file("absent") + "\"\n");
  CHECK(read_everything(ProgramKind::bootstrap, line)
            .error()
            .find("bad.toml:2:22: --bridge-secret-file: cannot read") != std::string::npos);
  line.given = {{"bridge-secret-file", {folder.file("gone")}, "--bridge-secret-file"}};
  CHECK(read_everything(ProgramKind::bootstrap, line)
            .error()
            .starts_with("--bridge-secret-file: cannot read"));
}

TEST_CASE("an error names the file, the line and the setting") {
  TemporaryFolder folder;
  const auto sentence = [&](const std::string& content) {
    const auto settings = read(ProgramKind::node, folder.write("bad.toml", content));
    return settings ? std::string() : settings.error();
  };
  CHECK(sentence("listen = \"127.0.0.1:1\"\nno-such = 1\n").find("bad.toml:2:1: ") !=
        std::string::npos);
  CHECK(sentence("no-such = 1\n").find("no-such") != std::string::npos);
  CHECK(sentence("\n\nlisten = [\n").find("bad.toml:") != std::string::npos);
  CHECK(sentence("\nlisten = \"nonsense\"\n").find("bad.toml:2:10: 'nonsense'") !=
        std::string::npos);
  CHECK(sentence("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n").find("one value") !=
        std::string::npos);
  CHECK(sentence("listen = []\n").find("one value") != std::string::npos);
  CHECK(sentence("bridge = \"ws://a:1\"\n").find("dht-node has no setting") != std::string::npos);
  CHECK(sentence("[listen]\nport = 1\n").find("bad.toml:1:1: ") != std::string::npos);
  CHECK(sentence("legacy = \"perhaps\"\n").find("perhaps") != std::string::npos);
  CHECK(sentence("log-level = \"loud\"\n").find("loud") != std::string::npos);
  CHECK(sentence("connections-max = \"many\"\n").find("'many' is not a number") !=
        std::string::npos);
  CHECK(sentence("bootstrap = [\"wss://a:1\"]\n").empty());
  CHECK(sentence("bootstrap = [\n  \"wss://a:1\",\n  \"http://b\",\n]\n")
            .find("bad.toml:3:3: 'http://b'") != std::string::npos);
  CHECK(sentence("listen = \"\n").find("bad.toml:1:") != std::string::npos);
  CHECK(read(ProgramKind::node, folder.file("absent.toml")).error().find("absent.toml") !=
        std::string::npos);
}

TEST_CASE("the bridge secret is the file's content without the line's end") {
  TemporaryFolder folder;
  Settings settings = default_settings(ProgramKind::bridge);
  settings.bridge_secret_file = folder.write("secret", "two words\r\n");
  ::chmod(settings.bridge_secret_file.c_str(), 0600);
  const SecretReading reading = read_bridge_secret(settings);
  CHECK(reading.error.empty());
  CHECK(reading.warning.empty());
  CHECK(as_text(settings.bridge_secret) == "two words");
  CHECK(to_toml(settings).find("two words") == std::string::npos);

  ::chmod(settings.bridge_secret_file.c_str(), 0644);
  CHECK_FALSE(read_bridge_secret(settings).warning.empty());
  settings.bridge_secret_file = folder.write("empty", "\n");
  CHECK_FALSE(read_bridge_secret(settings).error.empty());
  settings.bridge_secret_file = "/dev/zero";
  CHECK(read_bridge_secret(settings).error.find("too large") != std::string::npos);
  std::string longest(4096, 'x');
  longest += "\r\n";
  settings.bridge_secret_file = folder.write("longest", longest);
  CHECK(read_bridge_secret(settings).error.empty());
  settings.bridge_secret_file = folder.file("absent");
  CHECK_FALSE(read_bridge_secret(settings).error.empty());
}

TEST_CASE("the old system's bridge secret is another one than ours, or it is refused") {
  TemporaryFolder folder;
  Settings settings = default_settings(ProgramKind::bootstrap);
  settings.bridge_secret = to_bytes(as_bytes("ours"));
  CHECK(read_legacy_bridge_secret(settings).error.empty());  // none is fine
  settings.legacy_bridge_secret_file = folder.write("theirs", "theirs\n");
  CHECK(read_legacy_bridge_secret(settings).error.empty());
  CHECK(as_text(settings.legacy_bridge_secret) == "theirs");
  CHECK(to_toml(settings).find("theirs\"") != std::string::npos);  // the file's name alone
  settings.legacy_bridge_secret_file = folder.write("same", "ours\n");
  CHECK(read_legacy_bridge_secret(settings).error.find("--bridge-secret-file") !=
        std::string::npos);
}

TEST_CASE("the advertised URL is what was said, else made from the address listened on") {
  Settings settings = default_settings(ProgramKind::node);
  CHECK(advertised_url(settings, {"0.0.0.0", 5}) == "ws://127.0.0.1:5");
  CHECK(advertises_a_guess(settings));
  settings.listen.host = "10.0.0.1";
  CHECK(advertised_url(settings, {"10.0.0.1", 5}) == "ws://10.0.0.1:5");
  CHECK_FALSE(advertises_a_guess(settings));
  settings.advertise = "wss://x.example/node";
  CHECK(advertised_url(settings, {"10.0.0.1", 5}) == "wss://x.example/node");
}

TEST_CASE("each program listens on its own port unless told otherwise") {
  CHECK(to_text(default_settings(ProgramKind::bootstrap).listen) == "0.0.0.0:8080");
  CHECK(to_text(default_settings(ProgramKind::bridge).listen) == "0.0.0.0:8083");
  CHECK(to_text(default_settings(ProgramKind::node).listen) == "0.0.0.0:0");
}

TEST_CASE("limits are compared and taken over one by one") {
  const Settings now = default_settings(ProgramKind::node);
  Settings fresh = now;
  REQUIRE(apply(fresh, {"limit", {"ban-s=7", "connections-per-second=9", "finds=11"}, "--limit"}));
  const ChangedSettings changed = compare(now, fresh);
  CHECK(changed.applied == std::vector<std::string_view>{"connections-per-second", "ban-s"});
  CHECK(changed.needs_restart == std::vector<std::string_view>{"finds"});
  Settings taken = now;
  take_over(taken, fresh);
  CHECK(taken.limits.node.links.bans.ban_for == std::chrono::seconds(7));
  CHECK(taken.limits.transport.arrivals.per_second == 9);
  CHECK(taken.limits.node.serving.finds.per_interval == now.limits.node.serving.finds.per_interval);
}
