#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/wire/message/contact.hpp"

namespace trestle::wire {

/// A newcomer (or a peer that lost everybody) asks a bootstrap node for peers. Who asks is known
/// from the link.
struct JoinRequest {
  /// At most this many contacts are wanted, 1..20.
  std::uint8_t contacts_max = 20;
  /// The asker was a member before and lost its peers.
  bool rejoining = false;
  friend bool operator==(const JoinRequest&, const JoinRequest&) = default;
};

/// How the contacts in a `JoinResponse` were found, so that the asker (and a person reading a log)
/// can tell.
enum class JoinOutcome : std::uint8_t {
  introduced = 1,  ///< A bridge chose active members.
  genesis =
      2,  ///< The asker is the first node; the contacts are the bridges to connect to (BOOT-08).
  emergency = 3,  ///< No bridge could help; the contacts are live peers the bootstrap knows itself
                  ///< (BOOT-07).
  bridge =
      4,  ///< The asker is a bridge: the contacts are members it may link to, possibly none yet.
};

/// `introduced`, `genesis`, ...: for logs.
std::string_view name(JoinOutcome outcome);

struct JoinResponse {
  JoinOutcome outcome = JoinOutcome::introduced;
  Contacts contacts;
  /// The bridge that made the introduction; zero if none did.
  NodeId introduced_by{};
  friend bool operator==(const JoinResponse&, const JoinResponse&) = default;
};

/// Bootstrap to bridge: name active members for this newcomer.
struct IntroduceRequest {
  Contact newcomer;
  std::uint8_t contacts_max = 4;
  /// How long the asker still waits, in milliseconds: the bridge never works on what nobody waits
  /// for.
  std::uint32_t budget_ms = 5000;
  friend bool operator==(const IntroduceRequest&, const IntroduceRequest&) = default;
};

/// Bridge to bootstrap. Empty `members` is an answer, not an error: the bridge knows nobody, and
/// names alternatives (BRIDGE-12, P-CC-2).
struct IntroduceResponse {
  Contacts members;
  /// Other ways in when `members` is empty: bridges, the genesis node.
  Contacts alternatives;
  friend bool operator==(const IntroduceResponse&, const IntroduceResponse&) = default;
};

}  // namespace trestle::wire
