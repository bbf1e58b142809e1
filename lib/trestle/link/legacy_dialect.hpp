#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/wire/legacy/frame_box.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::link {

/// Translates one peer link of the old dialect: its text frames into the messages everybody here
/// speaks, and back.
///
/// Old request ids are text chosen by the asker, so requests of the peer get a number of ours while
/// they are open, and our numbers go out as `<first 8 hex digits of our id>_<number>`. What has no
/// counterpart (invitations, signalling, relay) comes out as a frame, for the policies that know
/// it.
class LegacyDialect {
 public:
  /// `dht_peer_hello` or its answer.
  struct Introduced {
    wire::Contact peer;
    bool is_hello = false;
  };
  /// `bootstrap_auth`, at a bridge.
  struct BootstrapShown {
    bool shows_secret = false;
  };
  using Reading = std::variant<Introduced, BootstrapShown, wire::Envelope, wire::legacy::FrameBox>;

  /// `local` must outlive the dialect.
  explicit LegacyDialect(const LocalPeer& local) : local_(local) {}

  std::string hello() const;
  std::string connected(Instant now) const;
  /// `auth_success`.
  std::string bootstrap_accepted(Instant now) const;

  /// Whether there is a word for this request.
  static bool has_word_for(const wire::Message& request);
  /// The frame for a request or an answer of ours, or nothing if the old dialect has none. An
  /// answer ends the peer's request.
  std::optional<std::string> write(Instant now, wire::RequestId id, const wire::Message& message);

  Reading read(wire::legacy::FrameBox&& box);

 private:
  struct Served {
    std::optional<std::string> request_id;
    std::optional<std::int64_t> timestamp;
    std::size_t message_index = 0;
  };

  bool is_shared_secret(std::string_view token) const;
  wire::RequestId open(std::optional<std::string> request_id, std::optional<std::int64_t> timestamp,
                       const wire::Message& request);
  wire::Envelope ask(std::string request_id, wire::Message request);
  wire::RequestId own_id(const std::string& text) const;
  std::string text_id(wire::RequestId id) const;
  std::string write_request(Instant now, wire::RequestId id, const wire::Message& message);
  void remember_key(wire::RequestId id, const std::string& key);
  std::string take_key(wire::RequestId id);
  std::string write_answer(Instant now, const Served& served, const wire::Message& answer) const;
  std::string write_failure(Instant now, const Served& served, const wire::Failure& failure) const;
  std::string write_nodes(Instant now, const std::string& request_id,
                          const wire::Contacts& contacts) const;
  std::string write_found(Instant now, const std::string& request_id,
                          const wire::FindValueResponse& response) const;
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  const LocalPeer& local_;
  FlatMap<wire::RequestId, Served> served_;
  std::uint64_t last_served_ = 0;
  /// Keys of our own `find_value` requests: the answer does not repeat them.
  FlatMap<wire::RequestId, std::string> asked_keys_;
};

}  // namespace trestle::link
