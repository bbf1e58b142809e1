#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::link {

struct MultiplexerOptions {
  /// Requests waiting for an answer on one connection; one more is refused. Must be a power of two
  /// up to 65,536: the place of an entry is part of its id.
  std::uint32_t in_flight_max = 1024;
};

/// The requests of one connection: gives each an id, a deadline and exactly one end (MUX-02,
/// MUX-03, P-BR-2, P-BR-4, P-BR-6).
///
/// Ids are unique for the life of the connection and mean nothing on another one. An answer with an
/// id that is not waiting (late, repeated, forged) is counted and ignored. It sends nothing: the
/// channel does.
class Multiplexer {
 public:
  /// Chosen by the caller and given back with the end of the request.
  using Token = std::uint64_t;

  enum class Refusal : std::uint8_t { full, closed };

  /// The one end of a request that was not answered.
  struct Failed {
    wire::RequestId id;
    Token token = 0;
    ErrorCode code = ErrorCode::timeout;
    Instant opened_at{};
  };

  /// The one end of a request that was answered.
  struct Matched {
    Token token = 0;
    Duration round_trip{};
    /// False when the answer's type does not belong to the request: the caller treats it as an
    /// invalid answer.
    bool fits = true;
  };

  struct Stats {
    std::uint64_t opened = 0;
    std::uint64_t answered = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t dropped = 0;
    std::uint64_t unmatched_answers = 0;
    std::uint32_t in_flight = 0;
  };

  explicit Multiplexer(const MultiplexerOptions& options = {});

  Result<wire::RequestId, Refusal> open(Instant now, const wire::Message& request, Instant deadline,
                                        Token token);
  /// Nothing when no such request waits.
  std::optional<Matched> on_answer(Instant now, wire::RequestId id, const wire::Message& answer);
  /// Ends the request with CANCELLED; false when no such request waits.
  bool cancel(wire::RequestId id);
  /// Ends every waiting request with `code` and refuses new ones.
  void close(ErrorCode code);

  Instant next_deadline() const { return deadlines_.next(); }
  void on_deadline(Instant now);
  std::optional<Failed> poll_effect() { return outbox_.poll(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Entry {
    wire::RequestId id{};
    Token token = 0;
    Instant opened_at{};
    std::size_t answer_index = 0;
  };

  Entry* find(wire::RequestId id);
  void release(Entry& entry);
  void fail(Entry& entry, ErrorCode code);

  std::uint32_t slots_max_;
  std::uint32_t slot_bits_;
  std::uint64_t last_serial_ = 0;
  bool closed_ = false;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  Deadlines deadlines_;
  Outbox<Failed> outbox_;
  Stats stats_;
};

}  // namespace trestle::link
