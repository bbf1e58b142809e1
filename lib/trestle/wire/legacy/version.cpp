#include "trestle/wire/legacy/version.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/json/parse.hpp"

namespace trestle::wire::legacy {

namespace {

/// Major, minor, patch; a part left out counts as 0.
using VersionNumbers = std::array<std::uint32_t, 3>;

std::optional<VersionNumbers> read_version(std::string_view text) {
  VersionNumbers numbers{};
  for (std::uint32_t& number : numbers) {
    const std::string_view part = text.substr(0, text.find('.'));
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc{} || stop != part.data() + part.size()) return std::nullopt;
    if (part.size() == text.size()) return numbers;
    text.remove_prefix(part.size() + 1);
  }
  return std::nullopt;  // a fourth part
}

/// The characters of a JSON string; nothing for any other value.
std::optional<std::string> text_of(const RawJson& raw) {
  const Result<json::Document, json::ParseError> document = json::parse(raw.json);
  if (!document) return std::nullopt;
  const std::optional<std::string_view> text = document->root().text();
  if (!text) return std::nullopt;
  return std::string(*text);
}

std::string explain(VersionVerdict verdict, const std::string& client_version) {
  const std::string ours(kProtocolVersion);
  switch (verdict) {
    case VersionVerdict::missing:
      return "No protocol version provided. Please refresh your browser to get the latest version.";
    case VersionVerdict::outdated:
      return "Your client version (" + client_version + ") is outdated. Server requires at least " +
             ours + ". Please refresh your browser to update.";
    case VersionVerdict::incompatible:
      return "Protocol version mismatch. Client: " + client_version + ", Server: " + ours +
             ". Please refresh your browser to update.";
    case VersionVerdict::build_differs:
      return "Bundle version mismatch. Please refresh your browser to get the latest version.";
    case VersionVerdict::accepted:
    case VersionVerdict::not_text:
      break;
  }
  return {};  // no mismatch; checked by `version_mismatch`
}

}  // namespace

bool is_real_build(std::string_view build_id) {
  return !build_id.empty() && build_id != "initializing" && !build_id.starts_with("node_") &&
         !build_id.starts_with("unknown_");
}

VersionVerdict judge_version(const std::optional<RawJson>& protocol_version,
                             const std::optional<std::string>& client_build_id,
                             std::string_view server_build_id) {
  // What JavaScript takes for nothing: null, the empty text, zero, false.
  constexpr std::array<std::string_view, 4> kNothing = {"null", "\"\"", "0", "false"};
  if (!protocol_version || std::ranges::find(kNothing, protocol_version->json) != kNothing.end()) {
    return VersionVerdict::missing;
  }
  const std::optional<std::string> text = text_of(*protocol_version);
  if (!text) return VersionVerdict::not_text;
  const std::optional<VersionNumbers> client = read_version(*text);
  if (!client) return VersionVerdict::incompatible;
  const VersionNumbers ours = *read_version(kProtocolVersion);
  if (*client < ours) return VersionVerdict::outdated;
  if ((*client)[0] != ours[0] || (*client)[1] != ours[1]) return VersionVerdict::incompatible;
  const bool comparable =
      client_build_id && is_real_build(*client_build_id) && is_real_build(server_build_id);
  if (comparable && *client_build_id != server_build_id) return VersionVerdict::build_differs;
  return VersionVerdict::accepted;
}

VersionMismatch version_mismatch(VersionVerdict verdict, const Register& request,
                                 std::string_view server_build_id) {
  TRESTLE_ASSERT(verdict != VersionVerdict::accepted && verdict != VersionVerdict::not_text);
  VersionMismatch frame;
  const bool said_version = verdict != VersionVerdict::missing;
  TRESTLE_ASSERT(!said_version || request.protocol_version);
  if (said_version) frame.client_version = request.protocol_version;
  frame.client_build_id = request.build_id;
  frame.server_version = kProtocolVersion;
  frame.server_build_id = server_build_id;
  const std::optional<std::string> client =
      said_version ? text_of(*request.protocol_version) : std::nullopt;
  frame.message = explain(verdict, client.value_or(std::string()));
  return frame;
}

}  // namespace trestle::wire::legacy
