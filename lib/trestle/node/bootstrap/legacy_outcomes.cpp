#include "trestle/node/bootstrap/legacy_outcomes.hpp"

#include <algorithm>

#include "trestle/wire/json/parse.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

NatType nat_type_of(std::string_view text) {
  if (text == "open") return NatType::open;
  if (text == "easy") return NatType::easy;
  if (text == "hard") return NatType::hard;
  return NatType::unknown;
}

NatType nat_type_of(const std::optional<legacy::RawJson>& profile) {
  if (!profile) return NatType::unknown;
  const auto document = wire::json::parse(profile->json);
  if (!document) return NatType::unknown;
  const auto member = document->root().member("natType");
  return member ? nat_type_of(member->text().value_or("")) : NatType::unknown;
}

void LegacyOutcomes::count(const legacy::ConnectionOutcome& outcome) {
  if (!outcome.success) return;
  ++(*outcome.success ? successes_ : failures_);
  Pair& pair = pairs_[index_of(nat_type_of(outcome.local_nat_type.value_or("")),
                               nat_type_of(outcome.remote_nat_type.value_or("")))];
  ++pair.attempts;
  if (*outcome.success) ++pair.successes;
}

void LegacyOutcomes::count(const legacy::ProfileUpdate&) { ++profiles_; }

std::optional<legacy::RawJson> LegacyOutcomes::success_rate(NatType left, NatType right) const {
  const Pair& pair = pairs_[index_of(left, right)];
  if (pair.attempts < kAttemptsEnough) return std::nullopt;
  const std::uint64_t hundredths = pair.successes * 100 / pair.attempts;
  const std::string digits = std::to_string(100 + hundredths % 100).substr(1);
  return legacy::RawJson{std::to_string(hundredths / 100) + "." + digits};
}

/// The same place whichever side reports.
std::size_t LegacyOutcomes::index_of(NatType left, NatType right) {
  const auto [low, high] = std::minmax(left, right);
  return static_cast<std::size_t>(low) * kNatTypes + static_cast<std::size_t>(high);
}

}  // namespace trestle::node
