#include "trestle/host/doctor_ground.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "trestle/host/admin_client.hpp"
#include "trestle/host/data_folder.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/wire/json/parse.hpp"

namespace trestle::host {
namespace {

constexpr wire::json::Limits kStatusLimits{
    .bytes_max = std::size_t{16} * 1024 * 1024, .depth_max = 16, .values_max = 1024 * 1024};
constexpr std::uint64_t kMebibyte = 1024 * 1024;
/// Below it the disk is full within the hour of a busy node.
constexpr std::uint64_t kSpaceWanted = 64 * kMebibyte;
/// As much as a write of the store at the least: a file of nothing fits on every full disk.
constexpr std::size_t kTrialBytes = std::size_t{64} * 1024;

std::string text_of(const wire::json::Value& object, std::string_view name) {
  const auto value = object.member(name);
  const auto text = value ? value->text() : std::nullopt;
  return text ? std::string(*text) : std::string();
}

Finding data_finding(const std::string& folder, Outcome outcome, std::string text,
                     std::string advice = {}) {
  return {.path = "local",
          .step = "data",
          .outcome = outcome,
          .subject = folder,
          .text = std::move(text),
          .advice = std::move(advice),
          .exit = ExitCode::bad_data_folder};
}

/// The error of writing so much to the disk and taking it away again; 0 if it worked.
int try_writing(const std::string& folder) {
  const std::string path = folder + "/doctor.trial";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const std::array<char, kTrialBytes> content{};
  const ssize_t written = ::write(file, content.data(), content.size());
  int error = written < 0 ? errno : 0;
  if (written >= 0 && written < static_cast<ssize_t>(content.size())) error = ENOSPC;
  if (error == 0 && ::fsync(file) != 0) error = errno;
  ::close(file);
  ::unlink(path.c_str());
  return error;
}

std::string advice_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on this disk, or move the folder with --data";
    case EACCES:
    case EPERM:
    case EROFS:
      return "the folder must belong to the user that the program runs as, on a writable disk";
    default:
      return "look at the disk's own log";
  }
}

/// A folder that the first run makes needs a place that it can be made in.
void examine_absent(const std::string& folder, DoctorReport& report) {
  std::error_code ignored;
  std::filesystem::path above = std::filesystem::absolute(folder, ignored).parent_path();
  while (!std::filesystem::exists(above, ignored) && above.has_relative_path()) {
    above = above.parent_path();
  }
  if (::access(above.c_str(), W_OK | X_OK) != 0) {
    const int error = errno;
    return report.add(data_finding(
        folder, Outcome::failed,
        "cannot be made in " + above.string() + ": " + std::strerror(error), advice_for(error)));
  }
  report.add(data_finding(folder, Outcome::ok, "is made by the first run"));
}

void examine_space(const std::string& folder, DoctorReport& report) {
  if (const int error = try_writing(folder)) {
    return report.add(data_finding(folder, Outcome::failed,
                                   std::string("cannot be written: ") + std::strerror(error),
                                   advice_for(error)));
  }
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0) return;
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  const bool is_scarce = free < kSpaceWanted;
  report.add(data_finding(
      folder, is_scarce ? Outcome::warning : Outcome::ok,
      fmt::format("writable, {} MiB free", free / kMebibyte),
      is_scarce ? "make room before it is full: a full disk refuses values" : std::string()));
}

}  // namespace

std::optional<RunningProgram> find_running(const Settings& settings) {
  const auto answer = ask_admin(admin_address(settings), "/status", {},
                                std::string(as_text(settings.admin_secret)));
  if (!answer || answer->status != 200) return std::nullopt;
  const auto document = wire::json::parse(answer->body, kStatusLimits);
  if (!document) return std::nullopt;
  const auto id = NodeId::from_hex(text_of(document->root(), "id"));
  if (!id) return std::nullopt;
  return RunningProgram{*id, text_of(document->root(), "address"),
                        text_of(document->root(), "version")};
}

void examine_data_folder(const Settings& settings, bool is_running, DoctorReport& report) {
  const std::string& folder = settings.data_folder;
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return examine_absent(folder, report);
  examine_space(folder, report);
  if (report.exit_code() != ExitCode::done) return;
  if (!is_running) {
    if (const auto opened = DataFolder::open(folder); !opened) {
      return report.add(
          data_finding(folder, Outcome::failed, opened.error(),
                       "end the other program, or give this one a --data of its own"));
    }
  }
  const std::string key = key_file_path(folder);
  if (!std::filesystem::exists(key, ignored)) return;
  crypto::Suite suite;
  if (const auto keys = read_own_identity(suite, folder, settings.identity_passphrase_file);
      !keys) {
    report.add(data_finding(
        folder, Outcome::failed, keys.error(),
        "restore the file or the passphrase, or move the file away to get a new identity"));
  }
}

std::optional<ListeningSocket> examine_listening(const Settings& settings, DoctorReport& report) {
  Finding finding{.path = "local",
                  .step = "listen",
                  .subject = to_text(settings.listen),
                  .exit = ExitCode::cannot_listen};
  auto socket = ListeningSocket::open(settings.listen);
  if (!socket) {
    finding.outcome = Outcome::failed;
    finding.text = socket.error();
    finding.advice = "end the program that has it (ss -ltnp), or give another --listen";
    report.add(std::move(finding));
    return std::nullopt;
  }
  finding.text = "free";
  report.add(std::move(finding));
  return std::move(*socket);
}

}  // namespace trestle::host
