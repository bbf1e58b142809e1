#include "trestle/host/doctor.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/doctor_ground.hpp"
#include "trestle/host/doctor_path.hpp"
#include "trestle/host/doctor_probe.hpp"
#include "trestle/host/doctor_report.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/settings_reading.hpp"
#include "trestle/host/weaker_modes.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::host {
namespace {

wire::Role role_of(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::bootstrap:
      return wire::Role::bootstrap;
    case ProgramKind::bridge:
      return wire::Role::bridge;
    case ProgramKind::node:
      return wire::Role::node;
  }
  return wire::Role::node;
}

/// One examination, from the settings to one's own address.
class Doctor {
 public:
  Doctor(Reading reading, DoctorReport& report)
      : settings_(std::move(reading.settings)),
        warnings_(std::move(reading.warnings)),
        tls_(std::move(reading.tls), settings_.tls_verification),
        report_(report) {}

  void examine() {
    report_settings();
    running_ = find_running(settings_);
    if (running_) report_running();
    examine_data_folder(settings_, running_.has_value(), report_);
    std::optional<ListeningSocket> socket =
        running_ ? std::nullopt : examine_listening(settings_, report_);
    auto probe = DoctorProbe::create(tls_, settings_.transport);
    if (!probe) {
      return report_.add(
          {.path = "local", .step = "library", .outcome = Outcome::failed, .text = probe.error()});
    }
    probe_ = std::move(*probe);
    for (const std::string& url : settings_.bootstrap_urls) examine_bootstrap(url);
    for (const pool::BridgeEndpoint& bridge : settings_.bridges) {
      for (const std::string& url : bridge.urls) examine_bridge(url);
    }
    if (running_ || socket) examine_own_address(std::move(socket));
  }

 private:
  void report_settings() {
    report_.add({.path = "local", .step = "settings", .text = "understood"});
    const std::vector<std::string> weaker = weaker_warnings(settings_);
    for (const std::string& warning : warnings_) {
      const bool is_weaker = std::ranges::find(weaker, warning) != weaker.end();
      report_.add({.path = "local",
                   .step = is_weaker ? "weaker" : "settings",
                   .outcome = Outcome::warning,
                   .text = warning});
    }
    if (const auto over = refuse_weaker_modes(settings_, wall_now())) {
      report_.add({.path = "local",
                   .step = "weaker",
                   .outcome = Outcome::failed,
                   .text = *over,
                   .advice = "no start is possible like this",
                   .exit = ExitCode::bad_settings});
    }
  }

  void report_running() {
    const bool is_same = running_->version == TRESTLE_VERSION;
    report_.add({.path = "local",
                 .step = "running",
                 .outcome = is_same ? Outcome::ok : Outcome::warning,
                 .subject = to_text(admin_address(settings_)),
                 .text = "the program runs, version " + running_->version,
                 .advice = is_same ? "" : "this is " TRESTLE_VERSION "; restart it to run it"});
  }

  void examine_bootstrap(const std::string& url) {
    PathOrder order{.url = url, .network = settings_.network_name};
    order.question = wire::JoinRequest{.contacts_max = 1};
    walk(order, {.path = "bootstrap", .role = wire::Role::bootstrap});
  }

  void examine_bridge(const std::string& url) {
    PathOrder order{.url = url,
                    .role = wire::Role::bootstrap,
                    .network = settings_.network_name,
                    .bridge_secret = settings_.bridge_secret};
    wire::IntroduceRequest question;
    question.contacts_max = 1;
    suite_.random(newcomer_);
    question.newcomer.id = NodeId::from_bytes(newcomer_);
    order.question = std::move(question);
    walk(order,
         {.path = "bridge", .role = wire::Role::bridge, .may_be_empty = settings_.is_genesis});
  }

  /// From outside, as anybody: who answers must be we.
  void examine_own_address(std::optional<ListeningSocket> socket) {
    NodeId id;
    std::string url;
    if (running_) {
      id = running_->id;
      url = running_->address;
    } else {
      url = advertised_url(settings_, socket->address());
      id = stand_in(std::move(*socket), url);
    }
    const auto parsed = parse_web_socket_url(url);
    if (parsed && (link::is_loopback(parsed->host) || parsed->host == "localhost")) {
      report_.add({.path = "own-address",
                   .step = "advertise",
                   .outcome = Outcome::warning,
                   .subject = url,
                   .text = "only programs on this machine can reach it",
                   .advice = "give --advertise, the URL that others dial"});
    }
    walk({.url = url, .network = settings_.network_name},
         {.path = "own-address", .role = role_of(settings_.kind), .id = id});
  }

  /// Answers in place of the program while its address is dialled; the id under which.
  NodeId stand_in(ListeningSocket socket, const std::string& url) {
    auto keys =
        read_own_identity(suite_, settings_.data_folder, settings_.identity_passphrase_file);
    if (!keys) keys = suite_.generate();
    link::LocalPeer local;
    local.identity = {keys->key, crypto::node_id_of(suite_, keys->key)};
    local.role = role_of(settings_.kind);
    local.network = settings_.network_name;
    local.address = url;
    probe_->answer_on(std::move(socket), *keys, local);
    return local.identity.id;
  }

  void walk(const PathOrder& order, const PathExpectation& expectation) {
    const PathWalk walked = probe_->walk(order);
    report_path(order, walked, expectation, wall_now(), report_);
  }

  Settings settings_;
  std::vector<std::string> warnings_;
  Tls tls_;
  DoctorReport& report_;
  crypto::Suite suite_;
  std::array<std::uint8_t, NodeId::kBytes> newcomer_{};
  std::optional<RunningProgram> running_;
  std::unique_ptr<DoctorProbe> probe_;  ///< Before TLS, which it uses, is gone.
};

void report_refused(const std::string& refusals, DoctorReport& report) {
  for (std::size_t begin = 0; begin < refusals.size();) {
    const std::size_t end = std::min(refusals.find('\n', begin), refusals.size());
    report.add({.path = "local",
                .step = "settings",
                .outcome = Outcome::failed,
                .text = refusals.substr(begin, end - begin),
                .exit = ExitCode::bad_settings});
    begin = end + 1;
  }
}

}  // namespace

ExitCode run_doctor(ProgramKind kind, const CommandLine& line) {
  DoctorReport report(!line.wants_json);
  auto reading = read_everything(kind, line);
  if (reading) {
    Doctor(std::move(*reading), report).examine();
  } else {
    report_refused(reading.error(), report);
  }
  if (line.wants_json) {
    const std::string json = report.to_json(name(kind), TRESTLE_VERSION);
    fmt::print("{}\n", json);
  }
  return report.exit_code();
}

}  // namespace trestle::host
