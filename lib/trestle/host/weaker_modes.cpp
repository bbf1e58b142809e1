#include "trestle/host/weaker_modes.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "trestle/host/settings.hpp"

namespace trestle::host {
namespace {

/// An end further away is none (X46).
constexpr std::chrono::days kAheadMax{366};

/// A list of their options, for a sentence.
std::string listed(const std::vector<WeakerMode>& modes) {
  std::string text;
  for (const WeakerMode& mode : modes) {
    text.append(text.empty() ? "" : ", ").append(mode.option);
  }
  return text;
}

bool is_over(const WeakerMode& mode, WallTime now) { return mode.end <= now; }

}  // namespace

std::vector<WeakerMode> weaker_modes(const Settings& settings) {
  std::vector<WeakerMode> modes;
  const auto add = [&](bool is_used, std::string_view name, std::string_view option,
                       std::string_view risk) {
    if (is_used) modes.push_back({name, option, risk, settings.weaker_end, settings.weaker_until});
  };
  add(settings.serves_legacy, "legacy", "--legacy on",
      "peers of the old system prove no id and sign no record, and are let in all the same");
  add(settings.tls_verification == TlsVerification::skipped, "unverified-certificates",
      "--tls-insecure-skip-verify", "whoever answers a dial is believed; for tests only");
  add(settings.kind == ProgramKind::bootstrap &&
          settings.bridge_mode == pool::BridgeMode::stateless,
      "stateless-bridges", "--bridge-mode stateless",
      "each request to a bridge makes a connection of its own, as the old system did");
  add(settings.admission == node::Admission::open, "open-admission", "--admission open",
      "whoever comes is let in, with as many ids as it likes");
  if (!settings.accept_plaintext_until.empty()) {
    modes.push_back({"plaintext-values", "--accept-plaintext-until",
                     "values that are not sealed are read", settings.plain_until,
                     settings.accept_plaintext_until});
  }
  return modes;
}

std::vector<std::string> weaker_warnings(const Settings& settings) {
  std::vector<std::string> warnings;
  for (const WeakerMode& mode : weaker_modes(settings)) {
    std::string sentence(mode.option);
    sentence.append(": ").append(mode.risk);
    sentence += mode.end_word.empty() ? "; give it an end with --weaker-until DATE"
                                      : "; until " + mode.end_word;
    warnings.push_back(std::move(sentence));
  }
  return warnings;
}

std::optional<std::string> refuse_weaker_modes(const Settings& settings, WallTime now) {
  for (const WeakerMode& mode : weaker_modes(settings)) {
    const bool has_own_end = mode.name == "plaintext-values";
    const std::string given =
        (has_own_end ? std::string(mode.option) : "--weaker-until") + " " + mode.end_word;
    if (is_over(mode, now)) {
      return given +
             " is over: " + (has_own_end ? "take it out" : "take out " + std::string(mode.option)) +
             ", or give a later date";
    }
    if (mode.end != WallTime::max() && mode.end - now > kAheadMax) {
      return given + " is more than a year away";
    }
  }
  return std::nullopt;
}

std::string options_over(const std::vector<WeakerMode>& modes, WallTime now) {
  std::vector<WeakerMode> over;
  std::ranges::copy_if(modes, std::back_inserter(over),
                       [&](const WeakerMode& mode) { return is_over(mode, now); });
  return listed(over);
}

std::optional<std::uint64_t> days_left(const std::vector<WeakerMode>& modes, WallTime now) {
  const auto first = std::ranges::min_element(modes, {}, &WeakerMode::end);
  if (first == modes.end() || first->end == WallTime::max()) return std::nullopt;
  if (is_over(*first, now)) return 0;
  return static_cast<std::uint64_t>((first->end - now) / std::chrono::days(1));
}

}  // namespace trestle::host
