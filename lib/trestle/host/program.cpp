#include "trestle/host/program.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <pthread.h>
#include <sys/resource.h>

#include "trestle/host/admission_files.hpp"
#include "trestle/host/admission_reading.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/command_line.hpp"
#include "trestle/host/complaint.hpp"
#include "trestle/host/data_folder.hpp"
#include "trestle/host/doctor.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/identity_command.hpp"
#include "trestle/host/invitation_command.hpp"
#include "trestle/host/locked_box.hpp"
#include "trestle/host/memories.hpp"
#include "trestle/host/network_key_file.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/reloader.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/host/settings_reading.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/user_command.hpp"
#include "trestle/host/weaker_modes.hpp"

namespace trestle::host {
namespace {

/// Descriptors wanted: 10,000 connections are half of them (reliability.md section 10). Not more
/// even where the system would grant millions, since libwebsockets reserves a table of that length.
constexpr rlim_t kDescriptorsWanted = 32'768;

/// The loop has ended and nobody watches signals any more, but the database is still to be closed:
/// whoever signals again must not end the program in the middle of that. The other threads block
/// them all along.
void finish_undisturbed() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// How many descriptors there are. Half of them may be accepted connections, since the rest is for
/// dials, name servers, the admin and the disk.
std::size_t prepare_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kDescriptorsWanted;
  limit.rlim_cur = std::min(kDescriptorsWanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// Of a control group's memory the kernel takes a part for sockets and files, which is not resident
/// in the program.
std::uint64_t memory_budget(const Settings& settings) {
  constexpr std::uint64_t kMebibyte = 1024 * 1024;
  if (settings.memory_budget_mib) return *settings.memory_budget_mib * kMebibyte;
  return control_group_memory() / 10 * 9;
}

/// A loop's epoll, what wakes libev and libwebsockets, and where the latter reads random bytes.
constexpr std::size_t kDescriptorsPerThread = 4;

RunnerOptions runner_options(const Settings& settings, std::size_t descriptors) {
  RunnerOptions options;
  const Limits& limits = settings.limits;
  options.transport = limits.transport;
  options.transport.kind = settings.transport;
  options.threads.threads = settings.threads;
  options.transport.connections_max = std::min(settings.connections_max, descriptors / 2);
  options.transport.connections_per_address_max = settings.connections_per_address_max;
  const std::size_t reserved =
      limits.descriptors_reserved + settings.threads * kDescriptorsPerThread;
  options.transport.sockets_max = descriptors - std::min(reserved, descriptors / 2);
  options.transport.pages = PageGate(settings.allowed_origins);
  options.transport.trusted_proxies = TrustedProxies(settings.trusted_proxies);
  options.memory.bytes = memory_budget(settings);
  options.trace_frames = settings.traces_frames;
  options.network_keys = settings.network_keys;
  options.admin.secret = settings.admin_secret;
  options.overview.metrics.is_on = settings.collects_metrics;
  options.overview.alerts.thresholds = settings.alert_thresholds;
  options.overview.serves_legacy = settings.serves_legacy;
  options.overview.connections_max = options.transport.connections_max;
  options.overview.is_genesis_allowed = settings.is_genesis;
  options.overview.weaker = weaker_modes(settings);
  return options;
}

LogOptions log_options(const Settings& settings) {
  LogOptions options = settings.limits.log;
  options.format = settings.log_format;
  options.level = settings.log_level;
  return options;
}

Rng seeded_rng(crypto::Suite& suite) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  suite.random(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return Rng(seed);
}

void log_start(Log& log, const Settings& settings, const HostPort& real, const std::string& address,
               const std::vector<std::string>& warnings) {
  const Instant now = steady_now();
  log.write(
      now, {LogLevel::info,
            "host.listening",
            ErrorCode::none,
            {},
            fmt::format("listening on {}, advertised as {}, data in {}, admin at {}", to_text(real),
                        address, settings.data_folder, to_text(admin_address(settings)))});
  if (advertises_a_guess(settings)) {
    log.write(now, {LogLevel::warning,
                    "host.advertise",
                    ErrorCode::none,
                    {},
                    "without --advertise URL only programs on this machine can reach " + address});
  }
  for (const std::string& warning : warnings) {
    log.write(now, {LogLevel::warning, "host.settings", ErrorCode::none, {}, warning});
  }
}

Result<ListeningSocket, std::string> open_admin(const AdminAddress& address) {
  return address.unix_path.empty() ? ListeningSocket::open(address.tcp)
                                   : ListeningSocket::open_unix(address.unix_path);
}

/// A bootstrap node has neither records nor peers to remember, a bridge no records.
Result<Memories, std::string> recall(const Settings& settings, const std::string& folder) {
  if (settings.kind == ProgramKind::bootstrap) {
    Memories memories;
    recall_admission(folder, memories.restored, memories.news);
    return memories;
  }
  const bool keeps_records = settings.kind == ProgramKind::node;
  return read_memories(folder, keeps_records ? settings.storage : StoragePlace::memory);
}

ExitCode run_node(const Program& program, const CommandLine& line, Reading reading) {
  Settings& settings = reading.settings;
  auto folder = DataFolder::open(settings.data_folder);
  if (!folder) return complain(program.kind, folder.error(), ExitCode::bad_data_folder);
  crypto::Suite suite;
  std::optional<LockedBox<crypto::KeyPair>> locked;
  {
    const auto read =
        read_or_create_own_identity(suite, settings.data_folder, settings.identity_passphrase_file);
    if (!read) return complain(program.kind, read.error(), ExitCode::bad_data_folder);
    locked.emplace(*read);
  }
  if (!locked->complaint().empty()) reading.warnings.push_back(locked->complaint());
  const crypto::KeyPair& keys = **locked;
  auto memories = recall(settings, folder->path());
  if (!memories) return complain(program.kind, memories.error(), ExitCode::bad_data_folder);
  auto admission = read_admission(settings, suite, keys, memories->restored, wall_now());
  if (!admission) return complain(program.kind, admission.error(), ExitCode::bad_settings);
  settings.admission_options = std::move(*admission);
  for (const Bytes& list : settings.revocations) memories->restored.revocations.push_back(list);
  auto socket = ListeningSocket::open(settings.listen);
  if (!socket) return complain(program.kind, socket.error(), ExitCode::cannot_listen);
  auto admin_socket = open_admin(admin_address(settings));
  if (!admin_socket) return complain(program.kind, admin_socket.error(), ExitCode::cannot_listen);

  const std::size_t descriptors = prepare_descriptors();
  const RunnerOptions options = runner_options(settings, descriptors);
  Log log(log_options(settings));
  Tls tls(std::move(reading.tls), settings.tls_verification);
  EventLoopOptions loop_options;
  loop_options.tls = &tls;
  if (settings.log_level == LogLevel::debug) loop_options.library_log = &Log::write_library_line;
  auto loop = EventLoop::create(loop_options);
  if (!loop) return complain(program.kind, loop.error(), ExitCode::failed);

  const HostPort real = socket->address();
  const std::string address = advertised_url(settings, real);
  const crypto::Identity identity = crypto::identity_of(suite, keys);
  const std::unique_ptr<node::Node> node =
      program.make_node(settings, address, identity, suite, seeded_rng(suite));
  StorageThread storage((*loop)->loop(), folder->path(), std::move(memories->database));
  Runner runner(**loop, *node, suite, keys, log, options);
  runner.set_storage(storage);
  if (const auto started = runner.start_threads(); !started) {
    return complain(program.kind, started.error(), ExitCode::failed);
  }
  Reloader reloader(line, settings, descriptors / 2, tls, runner, log);
  runner.watch_signals();
  runner.set_on_hangup([&reloader] { reloader.reload(); });
  runner.listen(std::move(*socket), tls.accepts() ? Security::tls : Security::plain);
  runner.listen_admin(std::move(*admin_socket));
  log_start(log, settings, real, address, reading.warnings);
  for (const LogRecord& news : memories->news) log.write(steady_now(), news);
  runner.start(std::move(memories->restored));
  fmt::print("ready {} {}\n", identity.id.to_hex(), address);
  std::fflush(stdout);
  (*loop)->run();
  finish_undisturbed();
  return ExitCode::done;
}

/// What is done without a running node, and to its files alone.
bool is_identity_command(Command command) {
  return command == Command::keygen || command == Command::identity ||
         command == Command::export_key || command == Command::import_key ||
         command == Command::rotate;
}

ExitCode perform_user_command(const CommandLine& line, const Settings& settings) {
  if (is_identity_command(line.command)) return run_identity_command(line, settings);
  const bool is_invitation = line.command == Command::invite || line.command == Command::revoke;
  return is_invitation ? run_invitation_command(line, settings) : run_user_command(line, settings);
}

ExitCode perform(const Program& program, const CommandLine& line) {
  if (line.command == Command::version) {
    fmt::print("{} {}\n", name(program.kind), TRESTLE_VERSION);
    return ExitCode::done;
  }
  if (line.command == Command::network_key) return run_network_key_command(line, program.kind);
  if (line.command == Command::doctor) return run_doctor(program.kind, line);
  const bool is_user_command = line.command != Command::run && line.command != Command::check;
  if (is_user_command) {
    const auto settings = read_settings(program.kind, line);
    if (!settings) return complain(program.kind, settings.error(), ExitCode::bad_settings);
    return perform_user_command(line, *settings);
  }
  auto reading = read_everything(program.kind, line);
  if (!reading) return complain(program.kind, reading.error(), ExitCode::bad_settings);
  if (const auto sentence = refuse_weaker_modes(reading->settings, wall_now())) {
    return complain(program.kind, *sentence, ExitCode::bad_settings);
  }
  if (line.command == Command::run) return run_node(program, line, std::move(*reading));
  fmt::print("{}", to_toml(reading->settings));
  for (const std::string& warning : reading->warnings) {
    fmt::print(stderr, "{}: {}\n", name(program.kind), warning);
  }
  return ExitCode::done;
}

}  // namespace

int run_program(int argc, const char* const* argv, const Program& program) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto line = parse_command_line(program.kind, argc, argv);
    if (line) return static_cast<int>(perform(program, *line));
    const CommandLineEnd& end = line.error();
    std::fputs(end.output.c_str(), stdout);
    std::fputs(end.error.c_str(), stderr);
    return static_cast<int>(end.code);
  } catch (const std::exception& error) {
    return static_cast<int>(complain(program.kind, error.what(), ExitCode::failed));
  }
}

}  // namespace trestle::host
