#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "trestle/base/time.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::bridge {

/// Who goes first. A higher class is started before a lower one, but never for ever: a class with
/// waiting requests is started at the latest after `overtakes_max` others (X10).
enum class Priority : std::uint8_t { urgent, high, normal, low };
inline constexpr std::size_t kPriorities = 4;

/// Somebody who wants in, as a bootstrap node describes it.
struct Newcomer {
  /// The bootstrap node that asks for it.
  link::ConnectionId source;
  /// Its id is proven to the bootstrap when its dialect is native, and merely said otherwise. The
  /// rest is what it says of itself. Borrowed for the call.
  const wire::Contact& contact;
};

/// How busy the bridge is at that moment.
struct Load {
  std::size_t in_service = 0;
  std::size_t in_service_max = 0;
  std::size_t waiting = 0;
  std::size_t waiting_max = 0;
  /// Those of the waiting that the same bootstrap node asked for.
  std::size_t waiting_of_source = 0;
  /// Live members that could be named.
  std::size_t members = 0;
};

/// What the policy decided about one newcomer.
struct Verdict {
  enum class Kind : std::uint8_t {
    admit,
    refuse,  ///< REFUSED: asking again is no use.
    defer,   ///< RATE_LIMITED: come back after `retry_after`.
  };
  Kind kind = Kind::admit;
  Priority priority = Priority::normal;
  Duration retry_after{};
  /// Why, for the person behind the newcomer; cut to what a failure may carry.
  std::string text{};

  static Verdict admit(Priority priority = Priority::normal) { return {.priority = priority}; }
  static Verdict refuse(std::string text) {
    return {.kind = Kind::refuse, .text = std::move(text)};
  }
  static Verdict defer(Duration retry_after, std::string text) {
    return {.kind = Kind::defer, .retry_after = retry_after, .text = std::move(text)};
  }
};

/// The bridge's owner decides: whom to admit, and who goes first. Asked once for every request,
/// before it takes a place in the queue; whoever is admitted may still hear BUSY when the queue is
/// full.
///
/// Called on the thread that drives the bridge, in the middle of its work: answer at once, and do
/// not call back into it. It may keep state. Time comes in as `now`; whoever wants chance keeps an
/// `Rng`. Then the same policy runs on real sockets and in the simulator, and decides alike.
class AdmissionPolicy {
 public:
  virtual ~AdmissionPolicy() = default;
  virtual Verdict judge(Instant now, const Newcomer& newcomer, const Load& load) = 0;
};

}  // namespace trestle::bridge
