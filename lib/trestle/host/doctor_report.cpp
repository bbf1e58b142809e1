#include "trestle/host/doctor_report.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

#include <fmt/core.h>

#include "trestle/host/log.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

std::int64_t milliseconds(Duration took) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
}

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::warning:
      return "warning";
    case Outcome::failed:
      return "failed";
    case Outcome::skipped:
      return "skipped";
  }
  return "";
}

std::string to_line(const Finding& finding) {
  std::string line =
      fmt::format("{:<8} {:<11} {:<9} ", name(finding.outcome), finding.path, finding.step);
  line += finding.subject;
  if (!finding.subject.empty() && !finding.text.empty()) line += ": ";
  line += finding.text;
  if (finding.code != ErrorCode::none) line.append(" (").append(name(finding.code)).append(")");
  if (milliseconds(finding.took) > 0) line += fmt::format(" ({} ms)", milliseconds(finding.took));
  if (!finding.advice.empty()) line += "; " + finding.advice;
  // Peers and proxies have a say in the text: it must not drive the terminal.
  return with_controls_escaped(line);
}

void DoctorReport::add(Finding finding) {
  if (is_told_) {
    fmt::print("{}\n", to_line(finding));
    std::fflush(stdout);
  }
  findings_.push_back(std::move(finding));
}

ExitCode DoctorReport::exit_code() const {
  for (const Finding& finding : findings_) {
    if (finding.outcome == Outcome::failed) return finding.exit;
  }
  return ExitCode::done;
}

std::string DoctorReport::to_json(std::string_view program, std::string_view version) const {
  wire::json::ArrayWriter steps;
  for (const Finding& finding : findings_) {
    wire::json::ObjectWriter step;
    step.text("path", finding.path).text("step", finding.step);
    step.text("outcome", name(finding.outcome)).text("subject", finding.subject);
    step.text("code", finding.code == ErrorCode::none ? "" : name(finding.code));
    step.text("text", finding.text).text("advice", finding.advice);
    step.integer("took_ms", milliseconds(finding.took));
    steps.raw(step.take());
  }
  wire::json::ObjectWriter report;
  report.text("program", program).text("version", version);
  report.integer("exit_code", static_cast<std::int64_t>(exit_code())).raw("steps", steps.take());
  return report.take();
}

}  // namespace trestle::host
