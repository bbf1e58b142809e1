#include "trestle/sim/trace.hpp"

#include <algorithm>

namespace trestle::sim {

std::string_view name(HappeningKind kind) {
  switch (kind) {
    case HappeningKind::started:
      return "started";
    case HappeningKind::killed:
      return "killed";
    case HappeningKind::shutdown_begun:
      return "shutdown_begun";
    case HappeningKind::reloaded:
      return "reloaded";
    case HappeningKind::stopped:
      return "stopped";
    case HappeningKind::dial_ordered:
      return "dial_ordered";
    case HappeningKind::frame_ordered:
      return "frame_ordered";
    case HappeningKind::close_ordered:
      return "close_ordered";
    case HappeningKind::stray_order:
      return "stray_order";
    case HappeningKind::sign_ordered:
      return "sign_ordered";
    case HappeningKind::verify_ordered:
      return "verify_ordered";
    case HappeningKind::disk_ordered:
      return "disk_ordered";
    case HappeningKind::accepted:
      return "accepted";
    case HappeningKind::dialled:
      return "dialled";
    case HappeningKind::dial_failed:
      return "dial_failed";
    case HappeningKind::frame_delivered:
      return "frame_delivered";
    case HappeningKind::drained:
      return "drained";
    case HappeningKind::closed:
      return "closed";
    case HappeningKind::signed_:
      return "signed";
    case HappeningKind::verified:
      return "verified";
    case HappeningKind::disk_answered:
      return "disk_answered";
    case HappeningKind::deadline:
      return "deadline";
    case HappeningKind::disk_lost:
      return "disk_lost";
    case HappeningKind::operation_accepted:
      return "operation_accepted";
    case HappeningKind::operation_refused:
      return "operation_refused";
    case HappeningKind::operation_ended:
      return "operation_ended";
    case HappeningKind::joined:
      return "joined";
    case HappeningKind::logged:
      return "logged";
    case HappeningKind::fault:
      return "fault";
  }
  return "unknown";
}

std::string to_text(Instant at) {
  constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
  const std::int64_t total = at.time_since_epoch().count();
  std::string fraction = std::to_string(total % kMicrosecondsPerSecond);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(total / kMicrosecondsPerSecond) + "." + fraction;
}

TraceLine TraceLine::of(const Happening& happening) {
  TraceLine line;
  line.take(happening);
  return line;
}

/// Writes over an older line: only what is used of it.
void TraceLine::take(const Happening& happening) {
  kind = happening.kind;
  at = happening.at;
  node = happening.node;
  peer = happening.peer;
  connection = happening.connection;
  code = happening.code;
  number = happening.number;
  bytes = static_cast<std::uint32_t>(happening.bytes.size());
  records = static_cast<std::uint32_t>(happening.records.size());
  const std::size_t first_heads = std::min(heads.size(), happening.records.size());
  std::copy_n(happening.records.begin(), first_heads, heads.begin());
  const std::size_t letters = std::min(text.size() - 1, happening.text.size());
  std::copy_n(happening.text.begin(), letters, text.begin());
  text[letters] = '\0';
}

std::string TraceLine::to_text() const {
  std::string out = sim::to_text(at);
  if (node != kNoNode) out += " n" + std::to_string(node);
  if (peer != kNoNode) out += ">n" + std::to_string(peer);
  if (connection != 0) out += " #" + std::to_string(connection);
  out += ' ';
  out += name(kind);
  if (bytes > 0) out += " " + std::to_string(bytes) + " bytes";
  for (std::size_t index = 0; index < std::min<std::size_t>(records, heads.size()); ++index) {
    out += index == 0 ? " " : ", ";
    out += heads[index].name;
    if (heads[index].request_id != 0) out += " " + std::to_string(heads[index].request_id);
  }
  if (records > heads.size()) {
    out += ", and " + std::to_string(records - heads.size()) + " more";
  }
  if (number != 0) out += " " + std::to_string(number);
  if (code != ErrorCode::none) {
    out += ' ';
    out += trestle::name(code);
  }
  if (text[0] != '\0') {
    out += " (";
    out += text.data();
    out += ')';
  }
  return out;
}

void Trace::add(const Happening& happening) {
  if (lines_max_ == 0) return;
  if (lines_.size() < lines_max_) {
    lines_.push_back(TraceLine::of(happening));
    return;
  }
  lines_[next_].take(happening);
  if (++next_ == lines_max_) next_ = 0;
}

std::string Trace::to_text() const {
  std::string out;
  for (std::size_t index = 0; index < lines_.size(); ++index) {
    out += lines_[(next_ + index) % lines_.size()].to_text();
    out += '\n';
  }
  return out;
}

}  // namespace trestle::sim
