#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"

struct ev_loop;

namespace trestle::host {

struct NameResolverOptions {
  /// Names being asked for at once; a node dials few names, most peers advertise addresses.
  std::size_t queries_max = 256;
  /// One try at one name server, and tries: two servers twice stay inside a dial's ten seconds.
  Duration try_within = std::chrono::seconds(2);
  int tries = 2;
  /// Addresses of one name; whoever has more is reached by the first ones.
  std::size_t addresses_max = 8;
  /// Names remembered: the bridges and bootstraps of a network several times over. When it is
  /// full, what ends soonest makes room.
  std::size_t names_max = 256;
  /// Nothing is believed for longer, whatever a name server says: half a working hour is what an
  /// operator waits for after a move.
  Duration ttl_max = std::chrono::minutes(30);
  /// Name servers as `ADDRESS:PORT`, separated by commas. Empty: the system's.
  std::string servers;
};

/// What became of a name. `addresses` are literal, at least one if `code` is none, IPv4 first.
struct Resolution {
  ErrorCode code = ErrorCode::none;
  std::vector<std::string> addresses;
  std::string reason;
  /// A name server answered that there is no such name.
  bool is_denied = false;
};

/// Names to addresses with c-ares on the loop: libwebsockets would resolve blocking, and stop every
/// other connection for it. Answers are remembered as long as their name server says.
class NameResolver {
 public:
  using Answered = std::function<void(const Resolution&)>;

  NameResolver(struct ev_loop* loop, const NameResolverOptions& options = {});
  ~NameResolver();
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  /// Answers in a later turn, exactly once unless cancelled. Returns a ticket for `cancel`.
  std::uint64_t resolve(const std::string& name, Answered answered);
  void cancel(std::uint64_t ticket);

  /// Names remembered at the moment, whether or not their time is over.
  std::size_t remembered() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trestle::host
