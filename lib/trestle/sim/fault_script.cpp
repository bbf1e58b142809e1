#include "trestle/sim/fault_script.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace trestle::sim {
namespace {

std::optional<FaultKind> kind_from_name(std::string_view text) {
  for (std::uint8_t number = 0; number < kFaultKinds; ++number) {
    const auto kind = static_cast<FaultKind>(number);
    if (name(kind) == text) return kind;
  }
  return std::nullopt;
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

template <typename Number>
bool read(std::string_view word, Number& out) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc() && end == word.data() + word.size();
}

std::optional<Fault> fault_from_line(std::string_view line) {
  Fault fault;
  std::int64_t at = 0;
  std::int64_t lasts = 0;
  if (!read(next_word(line), at)) return std::nullopt;
  const std::optional<FaultKind> kind = kind_from_name(next_word(line));
  if (!kind || !read(next_word(line), lasts) || at < 0 || lasts < 0) return std::nullopt;
  fault.at = Instant(Duration(at));
  fault.kind = *kind;
  fault.lasts = Duration(lasts);
  if (has_groups(fault.kind)) {
    for (const char digit : next_word(line)) {
      if (digit < '0' || digit > '9') return std::nullopt;
      fault.groups.push_back(static_cast<std::uint8_t>(digit - '0'));
    }
  } else if (!read(next_word(line), fault.node)) {
    return std::nullopt;
  }
  if (!read(next_word(line), fault.number)) return std::nullopt;
  if (!line.empty()) return std::nullopt;
  return fault;
}

}  // namespace

std::string_view name(FaultKind kind) {
  switch (kind) {
    case FaultKind::partition:
      return "partition";
    case FaultKind::one_way_partition:
      return "one-way-partition";
    case FaultKind::flapping_partition:
      return "flapping-partition";
    case FaultKind::clog:
      return "clog";
    case FaultKind::restart:
      return "restart";
    case FaultKind::kill:
      return "kill";
    case FaultKind::crash:
      return "crash";
    case FaultKind::power_cut:
      return "power-cut";
    case FaultKind::reset:
      return "reset";
    case FaultKind::half_open:
      return "half-open";
    case FaultKind::black_hole:
      return "black-hole";
    case FaultKind::latency:
      return "latency";
    case FaultKind::pause:
      return "pause";
    case FaultKind::slow:
      return "slow";
    case FaultKind::clock_jump:
      return "clock-jump";
    case FaultKind::disk_full:
      return "disk-full";
    case FaultKind::disk_error:
      return "disk-error";
    case FaultKind::disk_loss:
      return "disk-loss";
    case FaultKind::misconduct:
      return "misconduct";
    case FaultKind::join:
      return "join";
    case FaultKind::leave:
      return "leave";
  }
  return "unknown";
}

bool has_groups(FaultKind kind) {
  return kind == FaultKind::partition || kind == FaultKind::one_way_partition ||
         kind == FaultKind::flapping_partition;
}

void sort_by_time(FaultScript& script) {
  std::sort(script.begin(), script.end(), [](const Fault& left, const Fault& right) {
    return std::tie(left.at, left.kind, left.node, left.number, left.lasts, left.groups) <
           std::tie(right.at, right.kind, right.node, right.number, right.lasts, right.groups);
  });
}

std::string to_text(const FaultScript& script) {
  std::string out;
  for (const Fault& fault : script) {
    out += std::to_string(fault.at.time_since_epoch().count());
    out += ' ';
    out += name(fault.kind);
    out += ' ' + std::to_string(fault.lasts.count()) + ' ';
    if (has_groups(fault.kind)) {
      for (const std::uint8_t group : fault.groups) out += static_cast<char>('0' + group);
    } else {
      out += std::to_string(fault.node);
    }
    out += ' ' + std::to_string(fault.number) + '\n';
  }
  return out;
}

std::optional<FaultScript> fault_script_from_text(std::string_view text) {
  FaultScript script;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    std::optional<Fault> fault = fault_from_line(line);
    if (!fault) return std::nullopt;
    script.push_back(std::move(*fault));
  }
  return script;
}

}  // namespace trestle::sim
