#include "trestle/host/invitation_command.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/complaint.hpp"
#include "trestle/host/duration_word.hpp"
#include "trestle/host/identity_text.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/private_file.hpp"

namespace trestle::host {
namespace {

using crypto::TextKind;

/// The audit's file, locked as long as this lives: two commands at once would lose an entry.
class InvitationLog {
 public:
  explicit InvitationLog(const std::string& path)
      : descriptor_(
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~InvitationLog() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  InvitationLog(const InvitationLog&) = delete;
  InvitationLog& operator=(const InvitationLog&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  /// Synced: no token leaves the machine without its line.
  bool add(const std::string& line) {
    return ::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
           ::fsync(descriptor_) == 0;
  }

 private:
  int descriptor_;
};

class InvitationCommand {
 public:
  InvitationCommand(const Settings& settings, const crypto::KeyPair& keys, crypto::Suite& suite)
      : settings_(settings),
        suite_(suite),
        founder_(crypto::identity_keys(suite, keys).message),
        log_(settings.data_folder + "/invitations"),
        network_(crypto::network_hash(suite, settings.network_name)) {}

  ExitCode invite(const std::string& text, std::chrono::seconds life) {
    if (!log_.is_open()) return fail_to_write("invitations", std::strerror(errno));
    const auto record = read_identity_text(suite_, text);
    if (!record) return fail("the identity " + record.error(), ExitCode::wrong_usage);
    crypto::Invitation token;
    token.network = network_;
    token.invitee = record->proof_key;
    suite_.random(token.nonce);
    token.issued = wall_now();
    token.expires = token.issued + life;
    token = crypto::sign(token, founder_);
    const std::string line =
        fmt::format("{} {} {} {}\n", token.issued.time_since_epoch().count(),
                    token.expires.time_since_epoch().count(), to_hex(token.nonce),
                    crypto::node_id_of(suite_, token.invitee).to_hex());
    if (!log_.add(line)) return fail_to_write("invitations", std::strerror(errno));
    return say(TextKind::invitation, crypto::encode(token));
  }

  ExitCode revoke(const std::string& what, crypto::RevocationReach reach) {
    if (!log_.is_open()) return fail_to_write("invitations", std::strerror(errno));
    auto list = list_in_force();
    if (!list) return fail(list.error(), ExitCode::bad_data_folder);
    const auto added = add(*list, what, reach);
    if (!added) return fail(added.error(), ExitCode::wrong_usage);
    ++list->number;
    list->issued = wall_now();
    *list = crypto::sign(std::move(*list), founder_);
    const Bytes bytes = crypto::encode(*list);
    const auto written = write_private_file(list_path(), bytes, Existing::replaced);
    if (!written) return fail_to_write("revocations", written.error());
    return say(TextKind::revocation, bytes);
  }

 private:
  std::string list_path() const { return settings_.data_folder + "/revocations"; }

  Result<crypto::RevocationList, std::string> list_in_force() {
    struct stat facts{};
    if (::stat(list_path().c_str(), &facts) != 0 && errno == ENOENT) {
      crypto::RevocationList list;
      list.network = network_;
      return list;
    }
    const auto bytes = read_private_file(list_path(), crypto::kTextBytesMax);
    if (!bytes) return refuse(list_path() + " " + bytes.error());
    auto list = crypto::decode_revocation_list(*bytes);
    const bool is_ours = list && crypto::is_genuine(*list) && list->founder == founder_.key &&
                         list->network == network_;
    if (!is_ours) return refuse(list_path() + " is not a list of this network and this identity");
    return std::move(*list);
  }

  /// Error: a sentence.
  Result<void, std::string> add(crypto::RevocationList& list, const std::string& what,
                                crypto::RevocationReach reach) {
    crypto::InvitationNonce nonce;
    bool is_added = false;
    if (const auto id = NodeId::from_hex(what)) {
      is_added = crypto::revoke(list, {*id, reach});
    } else if (from_hex(what, nonce)) {
      is_added = crypto::revoke(list, nonce);
    } else {
      const auto bytes = crypto::from_text(suite_, TextKind::invitation, what);
      if (!bytes) {
        return refuse("'" + what +
                      "' is neither an invitation, the 32 digits of one, nor an id of "
                      "40: it " +
                      std::string(crypto::explain(bytes.error())));
      }
      const auto token = crypto::decode_invitation(*bytes);
      if (!token || token->inviter != founder_.key) {
        return refuse(std::string("the invitation was not written with this identity"));
      }
      is_added = crypto::revoke(list, token->nonce);
    }
    if (is_added) return {};
    return refuse(fmt::format("the list is full: {} of a kind", crypto::kRevocationsMax));
  }

  ExitCode say(TextKind kind, const Bytes& bytes) {
    fmt::print("{}\n", crypto::to_text(suite_, kind, bytes));
    return ExitCode::done;
  }

  ExitCode fail(const std::string& sentence, ExitCode code) const {
    return complain(settings_.kind, sentence, code);
  }
  ExitCode fail_to_write(const char* file, const std::string& why) const {
    return fail(fmt::format("cannot write {}/{}: {}", settings_.data_folder, file, why),
                ExitCode::bad_data_folder);
  }

  const Settings& settings_;
  crypto::Suite& suite_;
  crypto::Ed25519Pair founder_;
  InvitationLog log_;
  crypto::NetworkHash network_;
};

}  // namespace

ExitCode run_invitation_command(const CommandLine& line, const Settings& settings) {
  const auto life = line.life.empty() ? std::optional<std::chrono::seconds>(crypto::kInvitationLife)
                                      : duration_of(line.life);
  if (!life || *life > crypto::kInvitationLifeMax) {
    return complain(settings.kind,
                    "'" + line.life + "' is no life of an invitation: 90s, 30m, 12h, 7d, up to 30d",
                    ExitCode::wrong_usage);
  }
  crypto::Suite suite;
  const auto keys =
      read_own_identity(suite, settings.data_folder, settings.identity_passphrase_file);
  if (!keys) return complain(settings.kind, keys.error(), ExitCode::bad_data_folder);
  InvitationCommand command(settings, *keys, suite);
  if (line.command == Command::invite) return command.invite(line.words[0], *life);
  return command.revoke(line.words[0], line.revokes_branch ? crypto::RevocationReach::branch
                                                           : crypto::RevocationReach::member);
}

}  // namespace trestle::host
