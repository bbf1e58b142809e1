#include "trestle/host/admission_reading.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/crypto/token.hpp"

namespace trestle::host {
namespace {

using crypto::TextKind;

/// An invitation is 330 characters; a person may have saved it with lines around it.
constexpr std::size_t kInvitationFileMax = 4096;

std::string day_of(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

/// The text itself, or a file that holds it.
Result<std::string, std::string> invitation_text(const std::string& given) {
  if (given.starts_with(crypto::prefix(TextKind::invitation))) return given;
  std::ifstream file(given, std::ios::binary);
  if (!file) {
    return refuse("--invitation: '" + given + "' is neither an invitation nor a file that can be " +
                  "read: " + std::strerror(errno));
  }
  std::string content(kInvitationFileMax, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

Result<crypto::Invitation, std::string> read_invitation(const Settings& settings,
                                                        crypto::Suite& suite) {
  const auto text = invitation_text(settings.invitation);
  if (!text) return refuse(text.error());
  const auto bytes = crypto::from_text(suite, TextKind::invitation, *text);
  if (!bytes) {
    return refuse("--invitation: the invitation " + std::string(crypto::explain(bytes.error())));
  }
  auto token = crypto::decode_invitation(*bytes);
  if (!token) return refuse(std::string("--invitation: this is no invitation"));
  return *token;
}

/// Why an invitation is of no use to us; what a bridge would not say.
std::optional<std::string> fault_of(const crypto::Invitation& token, const Settings& settings,
                                    crypto::Suite& suite, const crypto::KeyPair& keys,
                                    WallTime now) {
  if (!crypto::is_genuine(token)) return "its signature is not that of its inviter: it is forged";
  if (token.network != crypto::network_hash(suite, settings.network_name)) {
    return "it is for another network than '" + settings.network_name + "'";
  }
  if (token.invitee != keys.key) {
    return "it is for the identity " + crypto::node_id_of(suite, token.invitee).to_hex() +
           ", and this one is " + crypto::node_id_of(suite, keys.key).to_hex();
  }
  if (token.expires <= now) return "it expired on " + day_of(token.expires);
  if (token.issued > now + crypto::kCalendarSkewMax) {
    return "it begins on " + day_of(token.issued) + ": the calendar here, or there, is wrong";
  }
  return std::nullopt;
}

/// The token at that place of what was kept; nothing if there is none that has not ended.
std::optional<crypto::Membership> kept_token(const Bytes& kept, std::size_t index, WallTime now) {
  const std::size_t begin = index * crypto::kMembershipBytes;
  if (kept.size() < begin + crypto::kMembershipBytes) return std::nullopt;
  const auto token =
      crypto::decode_membership(ByteSpan(kept).subspan(begin, crypto::kMembershipBytes));
  if (!token || token->expires <= now) return std::nullopt;
  return *token;
}

std::string how_to_enter(ProgramKind kind) {
  if (kind == ProgramKind::bridge) {
    return "a network is entered by invitation unless it is open: give --founder KEY, which "
           "'bootstrap-node identity' prints at the founder, or --admission open";
  }
  return "a network is entered by invitation unless it is open: give --invitation FILE (the "
         "founder makes it by 'bootstrap-node invite' of what 'dht-node identity' prints here), "
         "or --admission open";
}

}  // namespace

Result<crypto::Ed25519Key, std::string> parse_founder(const std::string& value) {
  crypto::Ed25519Key key;
  if (value.size() == 2 * key.bytes.size() && from_hex(value, key.bytes)) return key;
  crypto::Suite suite;
  const auto bytes = crypto::from_text(suite, TextKind::identity, value);
  const auto record =
      bytes ? crypto::decode_identity_record(*bytes) : refuse(ErrorCode::protocol_error);
  if (!record || !crypto::is_genuine(suite, *record)) {
    return refuse("'" + value +
                  "' is neither the 64 hex digits of a founder's key nor what "
                  "'bootstrap-node identity' prints");
  }
  return record->message_key;
}

Result<node::AdmissionOptions, std::string> read_admission(const Settings& settings,
                                                           crypto::Suite& suite,
                                                           const crypto::KeyPair& keys,
                                                           const node::Restored& restored,
                                                           WallTime now) {
  node::AdmissionOptions options;
  options.mode = settings.admission;
  if (options.mode == node::Admission::open) return options;
  const crypto::IdentityKeys own = crypto::identity_keys(suite, keys);
  options.identity = crypto::encode(crypto::make_identity_record(suite, own));
  options.founders = settings.founders;
  if (settings.kind == ProgramKind::bootstrap) {
    if (options.founders.empty()) options.founders.push_back(own.message.key);
    return options;
  }
  const auto membership = kept_token(restored.membership, 0, now);
  if (!settings.invitation.empty()) {
    const auto token = read_invitation(settings, suite);
    if (!token) return refuse(token.error());
    const auto fault = fault_of(*token, settings, suite, keys, now);
    // Service managers give the same options at every start, and invitations are short-lived.
    if (fault && !membership) return refuse("--invitation: " + *fault);
    if (!fault) options.invitation = crypto::encode(*token);
    if (options.founders.empty() && !fault) options.founders.push_back(token->inviter);
  }
  if (membership && options.founders.empty()) {
    const auto certificate = kept_token(restored.membership, 1, now);
    options.founders.push_back(certificate ? certificate->issuer : membership->issuer);
  }
  const bool may_enter =
      settings.kind == ProgramKind::bridge || membership || !options.invitation.empty();
  if (options.founders.empty() || !may_enter) return refuse(how_to_enter(settings.kind));
  return options;
}

}  // namespace trestle::host
