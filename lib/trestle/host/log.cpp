#include "trestle/host/log.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/line_writer.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

/// libwebsockets calls back without a context pointer.
Log* library_log = nullptr;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

/// RFC 3339 in UTC with milliseconds.
std::string timestamp(WallTime at) {
  constexpr std::int64_t kMillisecondsPerSecond = 1000;
  const std::int64_t milliseconds = at.time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(milliseconds / kMillisecondsPerSecond);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     milliseconds % kMillisecondsPerSecond);
}

}  // namespace

struct Log::Sink {
  /// spdlog's own sink for standard error waits for a full pipe, and the loop with it.
  struct Target final : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
      writer.write({message.payload.data(), message.payload.size()});
    }
    void flush_() override { writer.flush(); }

    LineWriter writer{STDERR_FILENO};
  };

  std::shared_ptr<Target> target = std::make_shared<Target>();
  spdlog::logger logger{"trestle", target};
};

Log::Log(const LogOptions& options) : options_(options), sink_(std::make_unique<Sink>()) {
  sink_->logger.set_level(spdlog::level::trace);
  library_log = this;
}

Log::~Log() {
  if (library_log == this) library_log = nullptr;
}

void Log::write(Instant now, const LogRecord& record) {
  std::uint64_t suppressed = 0;
  if (record.level < options_.level || !admit(now, record.event, record.peer, suppressed)) return;
  std::vector<Field> fields;
  if (record.code != ErrorCode::none) fields.push_back({"code", std::string(name(record.code))});
  if (!record.peer.is_zero()) fields.push_back({"peer", record.peer.to_hex()});
  if (!record.detail.empty()) fields.push_back({"detail", record.detail});
  append_suppressed(fields, suppressed);
  write_line(record.level, record.event, fields);
}

void Log::write(Instant now, const node::Joined& joined) {
  std::uint64_t suppressed = 0;
  if (LogLevel::info < options_.level || !admit(now, "joined", joined.peer.id, suppressed)) return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(joined.took);
  std::vector<Field> fields = {{"peer_id", joined.peer.id.to_hex()},
                               {"peer_address", joined.peer.address},
                               {"through_id", joined.through.id.to_hex()},
                               {"through_address", joined.through.address},
                               {"took_ms", std::to_string(took.count()), true},
                               {"outcome", std::string(joined.outcome)}};
  append_suppressed(fields, suppressed);
  write_line(LogLevel::info, "joined", fields);
}

void Log::append_suppressed(std::vector<Field>& fields, std::uint64_t suppressed) {
  if (suppressed > 0) fields.push_back({"suppressed", std::to_string(suppressed), true});
}

void Log::write_frame(std::string_view event, link::ConnectionId connection,
                      std::string_view frame) {
  write_line(
      LogLevel::info, event,
      {{"connection", fmt::format("{:x}", connection.value())}, {"frame", std::string(frame)}});
}

void Log::write_library_line(int, const char* line) {
  if (library_log == nullptr) return;
  std::string text(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  library_log->write(steady_now(),
                     LogRecord{LogLevel::debug, "host.library", ErrorCode::none, {}, text});
}

bool Log::admit(Instant now, std::string_view event, const NodeId& peer,
                std::uint64_t& suppressed) {
  Allowance* allowance = allowances_.find(event);
  if (allowance == nullptr) {
    if (allowances_.size() >= options_.events_max) return false;
    allowance = allowances_.insert(event, {now, options_.burst_lines, 0}).first;
  }
  Allowance* own = peer.is_zero() ? nullptr : &peer_allowance(now, peer);
  // The peer's first: what it has no line for takes none from the others.
  if (own != nullptr &&
      !take_line(now, *own, options_.peer_burst_lines, options_.peer_lines_per_second)) {
    return false;
  }
  if (!take_line(now, *allowance, options_.burst_lines, options_.lines_per_second)) return false;
  suppressed = std::exchange(allowance->suppressed, 0);
  if (own != nullptr) suppressed += std::exchange(own->suppressed, 0);
  return true;
}

Log::Allowance& Log::peer_allowance(Instant now, const NodeId& peer) {
  if (Allowance* known = peer_allowances_.find(peer)) return *known;
  if (peer_allowances_.size() >= options_.peers_max) {
    peer_allowances_.erase(std::min_element(peer_allowances_.begin(), peer_allowances_.end(),
                                            [](const auto& left, const auto& right) {
                                              return left.second.refilled < right.second.refilled;
                                            }));
  }
  return *peer_allowances_.insert(peer, {now, options_.peer_burst_lines, 0}).first;
}

bool Log::take_line(Instant now, Allowance& allowance, std::uint32_t burst,
                    std::uint32_t per_second) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - allowance.refilled);
  if (seconds.count() > 0) {
    const auto earned = static_cast<std::uint64_t>(seconds.count()) * per_second;
    allowance.lines =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(burst, allowance.lines + earned));
    allowance.refilled += seconds;
  }
  if (allowance.lines == 0) {
    ++allowance.suppressed;
    return false;
  }
  --allowance.lines;
  return true;
}

void Log::flush() {
  sink_->target->writer.flush();
  report_dropped();
}

std::uint64_t Log::lines_dropped() const { return sink_->target->writer.lines_dropped(); }

void Log::write_line(LogLevel level, std::string_view event, const std::vector<Field>& fields) {
  report_dropped();
  emit(level, event, fields);
}

/// As soon as somebody reads again.
void Log::report_dropped() {
  const std::uint64_t dropped = lines_dropped() - dropped_reported_;
  if (dropped == 0 || !sink_->target->writer.has_room()) return;
  dropped_reported_ += dropped;
  emit(LogLevel::warning, "log.lines_dropped", {{"lines", std::to_string(dropped), true}});
}

void Log::emit(LogLevel level, std::string_view event, const std::vector<Field>& fields) {
  const std::string time = timestamp(wall_now());
  std::string line;
  if (options_.format == LogFormat::json) {
    wire::json::ObjectWriter object;
    object.text("time", time).text("level", name_of(level)).text("event", event);
    for (const Field& field : fields) {
      if (field.is_number) {
        object.raw(field.name, field.text);
      } else {
        object.text(field.name, field.text);
      }
    }
    line = with_json_controls_escaped(object.take());
  } else {
    line = fmt::format("{} {:<7} {}", time, name_of(level), event);
    for (const Field& field : fields) {
      line += field.name == "detail" ? ": " : fmt::format(" {}=", field.name);
      line += with_controls_escaped(field.text);
    }
  }
  sink_->logger.log(spdlog::level::info, spdlog::string_view_t(line));
}

std::string with_controls_escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    // Bytes from 0x80 to 0x9f would be control characters to a terminal that is not in UTF-8 mode.
    if (byte < 0x20 || (byte >= 0x7f && byte < 0xa0)) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result.push_back(letter);
    }
  }
  return result;
}

std::string with_json_controls_escaped(std::string line) {
  constexpr std::string_view kFirst = "\x7f\xc2";
  if (line.find_first_of(kFirst) == std::string::npos) return line;
  std::string result;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto byte = static_cast<unsigned char>(line[at]);
    const auto next = static_cast<unsigned char>(at + 1 < line.size() ? line[at + 1] : '\0');
    if (byte == 0x7f) {
      result += "\\u007f";
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      result += fmt::format("\\u{:04x}", next);
      ++at;
    } else {
      result.push_back(line[at]);
    }
  }
  return result;
}

}  // namespace trestle::host
