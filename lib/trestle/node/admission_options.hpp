#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/curve25519.hpp"

namespace trestle::node {

/// How one becomes a member (SEC-01). One network has one answer.
enum class Admission : std::uint8_t {
  open,        ///< By coming.
  invitation,  ///< By the invitation of a founder, or of a member.
};

struct AdmissionOptions {
  Admission mode = Admission::open;
  /// Whose word everything else follows from; all that an operator has to tell his programs.
  std::vector<crypto::Ed25519Key> founders{};
  /// Our own identity record, encoded. Needed where the mode is `invitation`.
  Bytes identity{};
  /// What we were let in with; empty if we have been a member before, and at a founder's own nodes.
  Bytes invitation{};
  /// Open links of whom we do not know as members yet: a class of its own, so that strangers take
  /// no member's place. They are there for a round trip, or for as long as a redemption takes.
  std::size_t newcomers_max = 64;
  Duration newcomer_within = std::chrono::seconds(10);
  /// How often the calendar is looked at: who has ended as a member goes, and so does who we are.
  Duration look_every = std::chrono::seconds(60);
  /// After a renewal that nobody answered; there are days left for it.
  Duration renew_again_after = std::chrono::minutes(10);
};

}  // namespace trestle::node
