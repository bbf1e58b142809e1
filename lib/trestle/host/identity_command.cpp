#include "trestle/host/identity_command.hpp"

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/complaint.hpp"
#include "trestle/host/data_folder.hpp"
#include "trestle/host/own_identity.hpp"
#include "trestle/host/private_file.hpp"
#include "trestle/host/sealed_key.hpp"

namespace trestle::host {
namespace {

using crypto::TextKind;

/// A sealed key is 140 characters; a person may have saved it with lines around it.
constexpr std::size_t kExportBytesMax = 4096;

class IdentityCommand {
 public:
  explicit IdentityCommand(const Settings& settings) : settings_(settings) {}

  ExitCode keygen() {
    auto folder = DataFolder::open(settings_.data_folder);
    if (!folder) return fail(folder.error(), ExitCode::bad_data_folder);
    const auto passphrase = read_passphrase(settings_.identity_passphrase_file);
    if (!passphrase) return fail(passphrase.error(), ExitCode::bad_settings);
    const std::string path = key_file_path(settings_.data_folder);
    if (const auto existing = read_key_file(suite_, path, *passphrase)) {
      return fail(fmt::format("{} already holds the identity {}", path, id_of(*existing)),
                  ExitCode::failed);
    }
    const auto keys = create_key_file(suite_, path, *passphrase);
    if (!keys) return fail(keys.error(), ExitCode::bad_data_folder);
    return say(id_of(*keys));
  }

  ExitCode identity() {
    const auto keys =
        read_own_identity(suite_, settings_.data_folder, settings_.identity_passphrase_file);
    if (!keys) return fail(keys.error(), ExitCode::bad_data_folder);
    const auto record = crypto::make_identity_record(suite_, crypto::identity_keys(suite_, *keys));
    return say(crypto::to_text(suite_, TextKind::identity, crypto::encode(record)));
  }

  ExitCode export_key() {
    const auto passphrase = read_passphrase(settings_.identity_passphrase_file);
    if (!passphrase) return fail(passphrase.error(), ExitCode::bad_settings);
    if (passphrase->is_none()) {
      return fail(
          "a private key leaves its folder under a passphrase only: give "
          "--identity-passphrase-file F",
          ExitCode::bad_settings);
    }
    const auto keys = read_key_file(suite_, key_file_path(settings_.data_folder), *passphrase);
    if (!keys) return fail(keys.error(), ExitCode::bad_data_folder);
    return say(
        crypto::to_text(suite_, TextKind::sealed_key, seal_key(suite_, keys->secret, *passphrase)));
  }

  ExitCode import_key(const std::string& file) {
    auto folder = DataFolder::open(settings_.data_folder);
    if (!folder) return fail(folder.error(), ExitCode::bad_data_folder);
    const auto passphrase = read_passphrase(settings_.identity_passphrase_file);
    if (!passphrase) return fail(passphrase.error(), ExitCode::bad_settings);
    const auto text = read_private_file(file, kExportBytesMax);
    if (!text) return fail(file + " " + text.error(), ExitCode::failed);
    const auto sealed = crypto::from_text(suite_, TextKind::sealed_key, as_text(*text));
    if (!sealed) {
      return fail(fmt::format("the key in {} {}", file, crypto::explain(sealed.error())),
                  ExitCode::failed);
    }
    const auto secret = open_key(*sealed, *passphrase);
    if (!secret) return fail("the key in " + file + " " + secret.error(), ExitCode::failed);
    crypto::KeyPair pair;
    if (!suite_.restore(*secret, pair)) return fail(file + " holds no valid key", ExitCode::failed);
    const std::string path = key_file_path(settings_.data_folder);
    const auto written = write_key_file(suite_, path, *secret, *passphrase);
    if (!written) return fail(written.error(), ExitCode::bad_data_folder);
    return say(id_of(pair));
  }

  ExitCode rotate() {
    auto folder = DataFolder::open(settings_.data_folder);
    if (!folder) return fail(folder.error(), ExitCode::bad_data_folder);
    const auto passphrase = read_passphrase(settings_.identity_passphrase_file);
    if (!passphrase) return fail(passphrase.error(), ExitCode::bad_settings);
    const std::string path = key_file_path(settings_.data_folder);
    const auto old_keys = read_key_file(suite_, path, *passphrase);
    if (!old_keys) return fail(old_keys.error(), ExitCode::bad_data_folder);
    const auto successor = crypto::identity_keys(suite_, suite_.generate());
    const std::string text = crypto::to_text(
        suite_, TextKind::rotation,
        crypto::encode(crypto::make_rotation(suite_, *old_keys, successor, wall_now())));
    // The word first, the deed after: a rotation that was announced and not made says nothing.
    const std::string word_path = settings_.data_folder + "/rotation." + id_of(*old_keys);
    const auto noted = write_private_file(word_path, as_bytes(text + "\n"), Existing::replaced);
    if (!noted) return fail(word_path + " " + noted.error(), ExitCode::bad_data_folder);
    const auto done =
        succeed_key_file(suite_, path, *old_keys, successor.proof.secret, *passphrase);
    if (!done) return fail(done.error(), ExitCode::bad_data_folder);
    return say(text);
  }

 private:
  std::string id_of(const crypto::KeyPair& pair) {
    return crypto::node_id_of(suite_, pair.key).to_hex();
  }

  ExitCode say(const std::string& text) {
    fmt::print("{}\n", text);
    return ExitCode::done;
  }

  ExitCode fail(const std::string& sentence, ExitCode code) const {
    return complain(settings_.kind, sentence, code);
  }

  const Settings& settings_;
  crypto::Suite suite_;
};

}  // namespace

ExitCode run_identity_command(const CommandLine& line, const Settings& settings) {
  IdentityCommand command(settings);
  switch (line.command) {
    case Command::identity:
      return command.identity();
    case Command::export_key:
      return command.export_key();
    case Command::import_key:
      return command.import_key(line.words[0]);
    case Command::rotate:
      return command.rotate();
    default:
      return command.keygen();
  }
}

}  // namespace trestle::host
