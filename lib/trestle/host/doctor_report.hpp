#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/host/exit_code.hpp"

namespace trestle::host {

enum class Outcome : std::uint8_t { ok, warning, failed, skipped };

/// `ok`, `warning`, `failed`, `skipped`.
std::string_view name(Outcome outcome);

/// What one step of an examination found.
struct Finding {
  /// Which way was examined: `local`, `bootstrap`, `bridge` or `own-address`.
  std::string_view path;
  /// `settings`, `data`, `name`, `connect`, `tls`, ...: docs/operators.md lists them.
  std::string_view step;
  Outcome outcome = Outcome::ok;
  /// The URL, folder or address that was looked at; empty if there is none.
  std::string subject{};
  std::string text{};
  /// What to do; empty if nothing.
  std::string advice{};
  ErrorCode code = ErrorCode::none;
  Duration took{};
  /// What the program ends with if this failed.
  ExitCode exit = ExitCode::failed;
};

/// The findings of one examination in the order in which they were made.
class DoctorReport {
 public:
  /// `is_told`: each finding is printed on standard output as it comes, one line a step.
  explicit DoctorReport(bool is_told) : is_told_(is_told) {}

  void add(Finding finding);

  const std::vector<Finding>& findings() const { return findings_; }
  /// That of the first finding that failed.
  ExitCode exit_code() const;
  std::string to_json(std::string_view program, std::string_view version) const;

 private:
  bool is_told_;
  std::vector<Finding> findings_;
};

/// One line for a person.
std::string to_line(const Finding& finding);

}  // namespace trestle::host
