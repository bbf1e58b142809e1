#include "trestle/host/command_line.hpp"

// The only file that includes CLI11.
#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>

namespace trestle::host {
namespace {

struct OptionHelp {
  std::string_view name;
  const char* value;  ///< Null: a switch without a value.
  const char* text;
};

constexpr OptionHelp kOptions[] = {
    {"listen", "HOST:PORT", "Accept WebSockets here; port 0 takes a free one"},
    {"advertise", "URL", "How others reach this node, for example ws://node.example:8080"},
    {"data", "DIR", "Keep the identity and the admin socket here; made if missing"},
    {"identity-passphrase-file", "F",
     "File whose first line unlocks the identity (default: the file that "
     "TRESTLE_IDENTITY_PASSPHRASE_FILE names, else none)"},
    {"admin", "unix:PATH|HOST:PORT",
     "Serve status and user commands here (default: admin.sock in DIR)"},
    {"admission", "invitation|open",
     "Whether one enters the network by invitation, or by coming (default: invitation)"},
    {"founder", "KEY",
     "Who founded the network: 64 hex digits, or what 'bootstrap-node identity' prints; repeat for "
     "several (default: a bootstrap node itself, a node's inviter)"},
    {"invitation", "TEXT|F", "What 'bootstrap-node invite' printed for this node, or its file"},
    {"revocations", "F", "A founder's list of revocations; repeat for several"},
    {"bridge", "URL[,URL...]",
     "A bridge to ask for onboarding, its addresses in the order to try; behind a # may stand the "
     "id "
     "that must answer there; repeat for several"},
    {"bridge-mode", "pool|stateless",
     "Keep one connection per bridge, or connect for every request (default: pool)"},
    {"bootstrap", "URL",
     "A bootstrap node to join through; behind a # may stand the id that must answer there; repeat "
     "for several"},
    {"bridge-secret-file", "F", "File with the secret that bootstrap and bridges share"},
    {"legacy-bridge-secret-file", "F",
     "File with the secret of the old system's bridges, which show it in clear (BRIDGE_AUTH)"},
    {"tls-cert", "F", "Accept wss:// with this certificate chain (PEM)"},
    {"tls-key", "F", "The certificate's private key (PEM, no passphrase)"},
    {"tls-ca", "F", "Trust these issuers when dialling wss:// (PEM; default: the system's)"},
    {"tls-insecure-skip-verify", nullptr,
     "Dial wss:// without checking certificates: for tests, never for a network"},
    {"transport", "library|raw",
     "Let libwebsockets speak WebSocket, or our own codec (default: raw)"},
    {"threads", "N",
     "Hold the connections that are dialled on so many threads beside the core's (default: 0)"},
    {"connections-max", "N", "WebSockets accepted at the same time (default: 10000)"},
    {"connections-per-address", "N",
     "Of these from one address, loopback excepted; 0: no such bound (default: 32)"},
    {"limit", "NAME=NUMBER",
     "Another bound on what peers may take; 'check' prints all; repeat for several"},
    {"memory-budget", "MIB",
     "Give up caches, then refuse newcomers, before so much memory is resident; 0: never (default: "
     "9/10 of what the control group allows, else never)"},
    {"trusted-proxy", "ADDR[/BITS]",
     "Believe what this proxy in front of us states about callers; repeat for several"},
    {"allow-origin", "ORIGIN",
     "Let browsers in from pages of this origin (https://app.example), or * for all; repeat for "
     "several"},
    {"genesis", nullptr, "Let the first node of an empty network in"},
    {"platform", "P", "What this runs on: mobile, desktop or server (default: server)"},
    {"diversity", "open|off",
     "Keep peers of one network to a share of the routing table (default: off)"},
    {"lookup", "iterative|recursive",
     "Ask peer after peer for nodes, or have the network hand the question on (default: "
     "iterative)"},
    {"proximity", "on|off", "Prefer quick peers among equally good ones (default: off)"},
    {"network-key-file", "F",
     "Seal and open values under the keys in this file, which bootstrap-node network-key makes; a "
     "bridge hands them to new members"},
    {"accept-plaintext-until", "DATE",
     "Until then (UTC) also read values that are not sealed, in a network with a key"},
    {"legacy", "on|off", "Serve peers of the old system (default: on)"},
    {"weaker-until", "DATE",
     "From then on (UTC) refuse to start with what protects less: --legacy on, --admission open, "
     "--bridge-mode stateless, --tls-insecure-skip-verify"},
    {"log", "text|json", "How to write the log to standard error (default: text)"},
    {"log-level", "L", "debug, info, warning or error (default: info)"},
    {"trace-frames", nullptr, "Log every frame as JSON"},
    {"admin-secret-file", "F", "File with the secret that a TCP admin listener demands"},
    {"metrics", "on|off", "Collect metrics for Prometheus on the admin listener (default: on)"},
    {"alert-bridges-min", "N", "Warn when fewer bridges can be asked; 0: never (default: 1)"},
    {"alert-queue-percent", "N", "Warn when a queue is fuller; 0: never (default: 80)"},
    {"alert-busy-percent", "N",
     "Warn when more of a minute's requests are answered BUSY; 0: never (default: 20)"},
    {"alert-p99-ms", "N",
     "Warn when a minute's 99th percentile lies over it; 0: never (default: 1000)"},
    {"alert-descriptors-percent", "N",
     "Warn when more descriptors are in use; 0: never (default: 80)"},
    {"alert-memory-mb", "N", "Warn when more MiB are resident; 0: never (default: 1024)"},
    {"alert-refresh-percent", "N",
     "Warn when records are refreshed later, in percent of the hour; 0: never (default: 5)"},
    {"alert-weaker-days", "N",
     "Warn so many days before a weaker mode is over; 0: never (default: 14)"},
};

constexpr const char* kConfigText =
    "Read settings from this TOML file; the command line overrules it";

/// Whoever types these elsewhere gets a sentence of where they belong.
constexpr const char* kBootstrapCommands[] = {"invite", "revoke", "network-key"};

const char* summary(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::bootstrap:
      return "bootstrap-node: the public door of a network. Registers peers and has bridges "
             "introduce them.\n"
             "Try: bootstrap-node run --listen 127.0.0.1:8080 --genesis --data /tmp/bootstrap";
    case ProgramKind::bridge:
      return "bridge-node: a member that routes, keeps no data, and introduces newcomers for a "
             "bootstrap node.\n"
             "Try: bridge-node run --listen 127.0.0.1:8083 --bootstrap ws://127.0.0.1:8080 --data "
             "/tmp/bridge";
    case ProgramKind::node:
      return "dht-node: a full member of the network: looks up, stores, answers.\n"
             "Try: dht-node run --bootstrap ws://127.0.0.1:8080 --data /tmp/node\n"
             "then: dht-node put greeting hello --data /tmp/node";
  }
  return "";
}

/// Collects what CLI11 finds; CLI11 keeps references into it.
struct Found {
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> switches;
  std::string config_file;
  std::vector<std::string> words;
  std::string ttl;
  std::string audience;
  std::string paths;
  std::string lookup;
  std::string life;
  bool revokes_branch = false;
  bool renews = false;
  bool wants_json = false;
};

void add_option(CLI::App& command, Found& found, const OptionHelp& help) {
  const std::string flag = "--" + std::string(help.name);
  if (help.value == nullptr) {
    command.add_flag(flag, found.switches[std::string(help.name)], help.text);
    return;
  }
  const bool is_list = help.name == "bridge" || help.name == "bootstrap" ||
                       help.name == "trusted-proxy" || help.name == "allow-origin" ||
                       help.name == "founder" || help.name == "revocations" || help.name == "limit";
  CLI::Option* option = command.add_option(flag, found.values[std::string(help.name)], help.text);
  option->option_text(help.value)->expected(1);
  option->multi_option_policy(is_list ? CLI::MultiOptionPolicy::TakeAll
                                      : CLI::MultiOptionPolicy::TakeLast);
}

void add_settings(CLI::App& command, Found& found, ProgramKind kind) {
  command.add_option("--config", found.config_file, kConfigText)->option_text("F.toml");
  const auto known = setting_names(kind);
  for (const OptionHelp& help : kOptions) {
    if (std::find(known.begin(), known.end(), help.name) != known.end())
      add_option(command, found, help);
  }
}

/// Options of the commands that ask a running node.
void add_asking(CLI::App& command, Found& found) {
  command.add_option("--config", found.config_file, kConfigText)->option_text("F.toml");
  for (const OptionHelp& help : kOptions) {
    if (help.name == "data" || help.name.starts_with("admin")) add_option(command, found, help);
  }
  command.add_flag("--json", found.wants_json, "Print the node's answer as it is");
}

std::optional<std::string> not_built(ProgramKind kind, const CLI::App& command) {
  const std::string word = command.get_name();
  for (const char* elsewhere : kBootstrapCommands) {
    if (kind != ProgramKind::bootstrap && word == elsewhere) {
      return "'" + word + "' is a command of bootstrap-node";
    }
  }
  return std::nullopt;
}

CommandLine understood(const CLI::App& command, Command kind, Found&& found) {
  CommandLine line;
  line.command = kind;
  line.config_file = found.config_file;
  line.words = std::move(found.words);
  line.ttl = std::move(found.ttl);
  line.audience = std::move(found.audience);
  line.paths = std::move(found.paths);
  line.lookup = std::move(found.lookup);
  line.life = std::move(found.life);
  line.revokes_branch = found.revokes_branch;
  line.renews = found.renews;
  line.wants_json = found.wants_json;
  for (const auto& [name, values] : found.values) {
    if (!values.empty()) line.given.push_back({name, values, "--" + name});
  }
  for (const auto& [name, is_on] : found.switches) {
    if (is_on && command.count("--" + name) > 0)
      line.given.push_back({name, {"true"}, "--" + name});
  }
  return line;
}

/// What every command needs that reads or writes the identity.
void add_identity_options(CLI::App& command, Found& found) {
  command.add_option("--config", found.config_file, kConfigText)->option_text("F.toml");
  for (const OptionHelp& help : kOptions) {
    if (help.name == "data" || help.name == "identity-passphrase-file") {
      add_option(command, found, help);
    }
  }
}

/// What is done to the identity, in every program. `add` makes a command.
template <typename Add>
void add_identity_commands(const Add& add, Found& found) {
  add_identity_options(*add(Command::keygen, "keygen", "Make the identity and print its id"),
                       found);
  add_identity_options(
      *add(Command::identity, "identity", "Print the identity's public keys, to be invited by"),
      found);
  add_identity_options(
      *add(Command::export_key, "export", "Print the private key under the passphrase"), found);
  CLI::App* import = add(Command::import_key, "import", "Make an exported key the identity");
  import->add_option("FILE", found.words, "What export printed, in a file of your own")
      ->required()
      ->expected(1);
  add_identity_options(*import, found);
  add_identity_options(
      *add(Command::rotate, "rotate",
           "Replace the identity by a new one and print the old one's word for it"),
      found);
}

/// Who may come in, in a bootstrap node.
template <typename Add>
void add_invitation_commands(const Add& add, Found& found) {
  CLI::App* invite =
      add(Command::invite, "invite", "Print an invitation for the holder of IDENTITY");
  invite->add_option("IDENTITY", found.words, "What its 'identity' command prints")
      ->required()
      ->expected(1);
  invite->add_option("--life", found.life, "How long it may be redeemed, up to 30d (default: 24h)")
      ->option_text("D");
  add_identity_options(*invite, found);
  CLI::App* revoke =
      add(Command::revoke, "revoke", "Take an invitation or a membership back, print the list");
  revoke->add_option("WHAT", found.words, "An invitation, or a member's id of 40 hex digits")
      ->required()
      ->expected(1);
  revoke->add_flag("--branch", found.revokes_branch, "Whom the member has let in, too");
  add_identity_options(*revoke, found);
  CLI::App* network_key = add(Command::network_key, "network-key",
                              "Make the key under which members seal values, in FILE");
  network_key->add_option("FILE", found.words, "For --network-key-file of every member")
      ->required()
      ->expected(1);
  network_key->add_flag("--renew", found.renews,
                        "Put a new key above those in FILE, which still open what they sealed");
}

/// How a lookup is to be done.
void add_paths(CLI::App& command, Found& found) {
  command
      .add_option(
          "--paths", found.paths,
          "Ask along N paths that share no peer, 1 to 8, for what must not be missed; a get "
          "then compares copies (default: 1)")
      ->option_text("N");
}
void add_lookup(CLI::App& command, Found& found) {
  add_paths(command, found);
  command
      .add_option("--lookup", found.lookup,
                  "Have the node ask peer after peer, or the network hand the question on")
      ->option_text("iterative|recursive");
}

/// What a user asks a running node. `add` makes a command.
template <typename Add>
void add_user_commands(const Add& add, Found& found) {
  CLI::App* put = add(Command::put, "put", "Store VALUE under KEY (asks the running node)");
  put->add_option("KEY VALUE", found.words, "The key's text and the value's text")
      ->required()
      ->expected(2);
  put->add_option("--ttl", found.ttl, "How long it lives: 90, 90s, 30m, 12h or 7d (default: 1h)")
      ->option_text("D");
  put->add_option("--audience", found.audience,
                  "Who can read it: the network (default), self, public, or readers: the ids of "
                  "nodes that did 'publish', or what their 'identity' commands print")
      ->option_text("network|self|public|readers=WHO[,WHO...]");
  add_asking(*put, found);
  CLI::App* get = add(Command::get, "get", "Print the value stored under KEY");
  get->add_option("KEY", found.words, "The key's text")->required()->expected(1);
  add_paths(*get, found);
  add_asking(*get, found);
  CLI::App* refresh =
      add(Command::refresh, "refresh", "Give the value under KEY its whole life again");
  refresh->add_option("KEY", found.words, "The key's text")->required()->expected(1);
  add_asking(*refresh, found);
  CLI::App* remove = add(Command::remove, "delete", "Delete the value stored under KEY");
  remove->add_option("KEY", found.words, "The key's text")->required()->expected(1);
  add_asking(*remove, found);
  CLI::App* find = add(Command::find, "find", "List the nodes nearest to ID");
  find->add_option("ID", found.words, "40 hex digits")->required()->expected(1);
  add_lookup(*find, found);
  add_asking(*find, found);
  CLI::App* trace =
      add(Command::trace, "trace", "Look ID or the place of KEY up and print every step of it");
  trace->add_option("ID|KEY", found.words, "40 hex digits, or the key's text")
      ->required()
      ->expected(1);
  add_lookup(*trace, found);
  add_asking(*trace, found);
  CLI::App* publish =
      add(Command::publish, "publish",
          "Publish this node's identity for 30 days, so that others can name its id "
          "among the readers of a value");
  add_asking(*publish, found);
  for (const OptionHelp& help : kOptions) {
    if (help.name == "identity-passphrase-file") add_option(*publish, found, help);
  }
  add_asking(*add(Command::peers, "peers", "List the peers of the running node"), found);
  add_asking(*add(Command::status, "status", "Show how the running node is"), found);
}

}  // namespace

Result<CommandLine, CommandLineEnd> parse_command_line(ProgramKind kind, int argc,
                                                       const char* const* argv) {
  CLI::App app(summary(kind), std::string(name(kind)));
  app.require_subcommand(1);
  Found found;
  std::vector<std::pair<CLI::App*, Command>> commands;
  const auto add = [&](Command command, const char* word, const char* text) {
    commands.emplace_back(app.add_subcommand(word, text), command);
    return commands.back().first;
  };

  add_settings(*add(Command::run, "run", "Run the node until SIGTERM or SIGINT"), found, kind);
  add_settings(
      *add(Command::check, "check", "Read all settings, print those in force, run nothing"), found,
      kind);
  CLI::App* doctor = add(Command::doctor, "doctor",
                         "Examine machine, network and peers step by step, and say what to do");
  add_settings(*doctor, found, kind);
  doctor->add_flag("--json", found.wants_json, "Print all findings as JSON");
  add_identity_commands(add, found);
  add(Command::version, "version", "Print the version");
  if (kind == ProgramKind::node) add_user_commands(add, found);
  if (kind == ProgramKind::bootstrap) {
    add_invitation_commands(add, found);
  } else {
    for (const char* word : kBootstrapCommands) {
      app.add_subcommand(word)->group("")->allow_extras();
    }
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream output;
    std::ostringstream complaint;
    const bool is_help = app.exit(error, output, complaint) == 0;
    if (is_help) return refuse(CommandLineEnd{ExitCode::done, output.str(), {}});
    return refuse(CommandLineEnd{
        ExitCode::wrong_usage, {}, std::string(name(kind)) + ": " + complaint.str()});
  }
  const CLI::App* chosen = app.get_subcommands().front();
  if (const auto missing = not_built(kind, *chosen)) {
    return refuse(CommandLineEnd{
        ExitCode::wrong_usage, {}, std::string(name(kind)) + ": " + *missing + "\n"});
  }
  const auto place = std::find_if(commands.begin(), commands.end(),
                                  [&](const auto& entry) { return entry.first == chosen; });
  return understood(*chosen, place->second, std::move(found));
}

}  // namespace trestle::host
