#include "trestle/base/error_code.hpp"

#include <array>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

constexpr std::array<std::string_view, kErrorCodeMax + 1> kNames = {
    "NONE",
    "RATE_LIMITED",
    "ALREADY_PROCESSED",
    "INVALID_REQUEST",
    "TIMEOUT",
    "REFUSED",
    "UNREACHABLE",
    "BRIDGE_UNAVAILABLE",
    "BOOTSTRAP_FAILED",
    "INVALID_TOKEN",
    "UNAUTHORIZED",
    "BUSY",
    "NOT_FOUND",
    "TOO_LARGE",
    "PROTOCOL_ERROR",
    "VERSION_MISMATCH",
    "WRONG_NETWORK",
    "DUPLICATE_CONNECTION",
    "SLOW_READER",
    "SHUTTING_DOWN",
    "CANCELLED",
    "CONNECTION_LOST",
    "DATA_REFUSED",
    "IDLE",
    "STORE_FULL",
    "UNSUPPORTED",
    "OUTDATED",
    "STORAGE_FAILED",
};

}  // namespace

std::string_view name(ErrorCode code) {
  TRESTLE_ASSERT(static_cast<std::size_t>(code) < kNames.size());
  return kNames[static_cast<std::size_t>(code)];
}

std::optional<ErrorCode> error_code_from_number(std::uint64_t number) {
  if (number > kErrorCodeMax) return std::nullopt;
  return static_cast<ErrorCode>(number);
}

}  // namespace trestle::inline base
