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

namespace {

void copy_text(std::string_view from, std::array<char, 56>& to) {
  const std::size_t letters = std::min(to.size() - 1, from.size());
  std::copy_n(from.begin(), letters, to.begin());
  to[letters] = '\0';
}

}  // namespace

TraceLine TraceLine::of(const Happening& happening) {
  TraceLine line;
  line.kind = happening.kind;
  line.at = happening.at;
  line.node = happening.node;
  line.peer = happening.peer;
  line.connection = happening.connection;
  line.code = happening.code;
  line.number = happening.number;
  line.bytes = static_cast<std::uint32_t>(happening.bytes.size());
  line.records = static_cast<std::uint32_t>(happening.records.size());
  const std::size_t first_heads = std::min(line.heads.size(), happening.records.size());
  std::copy_n(happening.records.begin(), first_heads, line.heads.begin());
  copy_text(happening.text, line.text);
  return line;
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

Trace::Trace(std::size_t lines_max) : lines_max_(lines_max) {
  lines_.reserve(lines_max);
  rests_.resize(lines_max);
}

/// Writes over an older line: only what is used of it.
void Trace::add(const Happening& happening) {
  if (lines_max_ == 0) return;
  if (lines_.size() < lines_max_) lines_.emplace_back();
  Line& line = lines_[next_];
  line.at = happening.at;
  line.connection = happening.connection;
  line.number = happening.number;
  line.node = happening.node;
  line.peer = happening.peer;
  line.bytes = static_cast<std::uint32_t>(happening.bytes.size());
  const std::size_t records = happening.records.size();
  line.records = static_cast<std::uint16_t>(std::min(records, kRecordsMax)) & kRecordsMax;
  line.has_text = !happening.text.empty();
  line.kind = happening.kind;
  line.code = happening.code;
  if (records > 0) {
    line.record = happening.records.front().name;
    line.request_id = happening.records.front().request_id;
  }
  if (records > 1) {
    auto& heads = rests_[next_].heads;
    std::copy_n(happening.records.begin() + 1, std::min(heads.size(), records - 1), heads.begin());
  }
  if (line.has_text) copy_text(happening.text, rests_[next_].text);
  if (++next_ == lines_max_) next_ = 0;
}

TraceLine Trace::line(std::size_t place) const {
  const Line& kept = lines_[place];
  const Rest& rest = rests_[place];
  TraceLine line;
  line.kind = kept.kind;
  line.at = kept.at;
  line.node = kept.node;
  line.peer = kept.peer;
  line.connection = kept.connection;
  line.code = kept.code;
  line.number = kept.number;
  line.bytes = kept.bytes;
  line.records = kept.records;
  line.heads = {RecordHead{.name = kept.record, .request_id = kept.request_id}, rest.heads[0],
                rest.heads[1]};
  if (kept.has_text) line.text = rest.text;
  return line;
}

std::string Trace::to_text() const {
  const std::size_t oldest = lines_.size() < lines_max_ ? 0 : next_;
  std::string out;
  for (std::size_t index = 0; index < lines_.size(); ++index) {
    out += line((oldest + index) % lines_.size()).to_text();
    out += '\n';
  }
  return out;
}

}  // namespace trestle::sim
