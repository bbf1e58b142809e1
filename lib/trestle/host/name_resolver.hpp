#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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
};

/// What became of a name. `address` is a literal address if `code` is none.
struct Resolution {
  ErrorCode code = ErrorCode::none;
  std::string address;
  std::string reason;
};

/// Names to addresses with c-ares on the loop: libwebsockets would resolve blocking, and stop every
/// other connection for it.
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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trestle::host
