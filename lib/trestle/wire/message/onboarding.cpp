#include "trestle/wire/message/onboarding.hpp"

namespace trestle::wire {

std::string_view name(JoinOutcome outcome) {
  switch (outcome) {
    case JoinOutcome::introduced:
      return "introduced";
    case JoinOutcome::genesis:
      return "genesis";
    case JoinOutcome::emergency:
      return "emergency";
    case JoinOutcome::bridge:
      return "bridge";
  }
  return "introduced";
}

}  // namespace trestle::wire
