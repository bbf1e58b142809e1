#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
  /// Lines of one event at once, and per second after that; what is held back is counted on the
  /// next line that passes (reliability.md section 10: a peer must not be able to fill the disk).
  std::uint32_t burst_lines = 50;
  std::uint32_t lines_per_second = 10;
  /// Lines about one peer a second, and at once after a pause, whatever they say. Its own events
  /// must not drown those of others.
  std::uint32_t peer_burst_lines = 20;
  std::uint32_t peer_lines_per_second = 10;
  /// Peers told apart for that; for more the one of whom there was nothing to say longest is
  /// forgotten.
  std::size_t peers_max = 512;
  /// Events told apart for that. Names are fixed in the code, so this only guards against a mistake
  /// of ours.
  std::size_t events_max = 512;
};

/// The program's log on standard error: a line of text for people, or of JSON for machines.
///
/// Never waits for who reads it: lines that are not read are held, then dropped, counted and told
/// of.
///
/// Text that a peer chose can neither forge a line nor send escape sequences to a terminal: control
/// characters are escaped.
class Log {
 public:
  explicit Log(const LogOptions& options = {});
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// From the next line on.
  void set_level(LogLevel level) { options_.level = level; }

  void write(Instant now, const LogRecord& record);
  /// Event `joined` with its fields by name.
  void write(Instant now, const node::Joined& joined);
  /// One frame for `--trace-frames`; never held back.
  void write_frame(std::string_view event, link::ConnectionId connection, std::string_view frame);

  /// Tries again to write what nobody has read yet; call it about once a second.
  void flush();
  /// Lines given up because nobody read (C31).
  std::uint64_t lines_dropped() const;

  /// For `EventLoopOptions::library_log`: debug lines through the log made last.
  static void write_library_line(int level, const char* line);

 private:
  struct Field {
    std::string_view name;
    std::string text;
    bool is_number = false;
  };
  struct Allowance {
    Instant refilled{};
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };

  /// False if this line is to be held back; otherwise how many were before it.
  bool admit(Instant now, std::string_view event, const NodeId& peer, std::uint64_t& suppressed);
  Allowance& peer_allowance(Instant now, const NodeId& peer);
  /// One line out of an allowance that fills up again; false, and counted, if it is empty.
  static bool take_line(Instant now, Allowance& allowance, std::uint32_t burst,
                        std::uint32_t per_second);
  void write_line(LogLevel level, std::string_view event, const std::vector<Field>& fields);
  static void append_suppressed(std::vector<Field>& fields, std::uint64_t suppressed);
  void emit(LogLevel level, std::string_view event, const std::vector<Field>& fields);
  void report_dropped();

  LogOptions options_;
  FlatMap<std::string_view, Allowance> allowances_;
  FlatMap<NodeId, Allowance> peer_allowances_;
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::uint64_t dropped_reported_ = 0;
};

/// The text with control characters (and what is not ASCII printable or UTF-8) as `\xNN`.
std::string with_controls_escaped(std::string_view text);

/// A line of JSON with those control characters escaped that JSON lets stand: DEL, and U+0080 to
/// U+009F, which drive some terminals as the escape character does.
std::string with_json_controls_escaped(std::string line);

}  // namespace trestle::host
