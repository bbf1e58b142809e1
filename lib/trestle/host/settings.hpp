#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/dht/lookup_wish.hpp"
#include "trestle/dht/routing_table_options.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/alerts.hpp"
#include "trestle/host/limits.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/memories.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/transport_options.hpp"
#include "trestle/host/trusted_proxies.hpp"
#include "trestle/node/admission_options.hpp"
#include "trestle/node/member/platform.hpp"
#include "trestle/pool/bridge_endpoint.hpp"

namespace trestle::host {

enum class ProgramKind : std::uint8_t { bootstrap, bridge, node };

/// `bootstrap-node`, `bridge-node`, `dht-node`.
std::string_view name(ProgramKind kind);

/// What a program runs with. Read from defaults, then the settings file, then the command line;
/// each overrules the one before.
struct Settings {
  ProgramKind kind = ProgramKind::node;
  /// The network's name; links between different networks are refused.
  std::string network_name = "main";
  HostPort listen;
  /// The URL others dial. Empty: made from `listen` once the port is known.
  std::string advertise;
  std::string data_folder;
  /// Empty: the variable of `host/passphrase.hpp` may name one.
  std::string identity_passphrase_file;
  StoragePlace storage = StoragePlace::disk;  ///< dht-node
  /// Without a value the admin socket stands in the data folder.
  std::optional<AdminAddress> admin;
  std::vector<pool::BridgeEndpoint> bridges;              ///< bootstrap-node
  pool::BridgeMode bridge_mode = pool::BridgeMode::pool;  ///< bootstrap-node
  std::vector<std::string> bootstrap_urls;                ///< bridge-node, dht-node
  std::string bridge_secret_file;                         ///< bootstrap-node, bridge-node
  /// The content of that file without the line's end. Never printed.
  Bytes bridge_secret;
  std::string legacy_bridge_secret_file;  ///< bootstrap-node, bridge-node
  /// The content of that file without the line's end. Never printed.
  Bytes legacy_bridge_secret;
  TlsFiles tls;
  TlsVerification tls_verification = TlsVerification::full;
  TransportKind transport = TransportOptions{}.kind;
  /// Threads beside the core's, for what is dialled.
  std::size_t threads = 0;
  std::size_t connections_max = TransportOptions{}.connections_max;
  std::size_t connections_per_address_max = TransportOptions{}.connections_per_address_max;
  Limits limits;
  /// Resident MiB to keep within; zero: no bound. Nothing: what the control group allows.
  std::optional<std::size_t> memory_budget_mib;
  /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
  std::vector<AddressBlock> trusted_proxies;
  /// Pages whose browsers may open WebSockets here, as `parse_web_origin` gives them.
  std::vector<std::string> allowed_origins;
  /// The default of the programs, not of the library: nobody gets in whom nobody let in.
  node::Admission admission = node::Admission::invitation;
  std::vector<crypto::Ed25519Key> founders;
  std::string invitation;                     ///< dht-node: a text, or the file it stands in.
  std::vector<std::string> revocation_files;  ///< Beside the founder's own.
  /// What these files hold.
  std::vector<Bytes> revocations;
  /// What `read_admission` made of these, for whoever makes the node.
  node::AdmissionOptions admission_options;
  bool is_genesis = false;                                   ///< bootstrap-node
  node::Platform platform = node::Platform::server;          ///< dht-node
  dht::Diversity diversity = dht::Diversity::off;            ///< bridge-node, dht-node
  dht::LookupMode lookup_mode = dht::LookupMode::iterative;  ///< bridge-node, dht-node
  dht::Proximity proximity = dht::Proximity::off;            ///< bridge-node, dht-node
  std::string network_key_file;                              ///< dht-node
  /// The content of that file. Never printed.
  crypto::NetworkKeys network_keys;
  /// As given, and what it means; empty: values that are not sealed are not read in a network with
  /// a key. dht-node.
  std::string accept_plaintext_until;
  WallTime plain_until = WallTime::min();
  bool serves_legacy = true;
  /// As given, and what it means: from then on no weaker mode (`weaker_modes`) may be started with.
  std::string weaker_until;
  WallTime weaker_end = WallTime::max();
  LogFormat log_format = LogFormat::text;
  LogLevel log_level = LogLevel::info;
  bool traces_frames = false;
  std::string admin_secret_file;
  /// The content of that file without the line's end. Never printed.
  Bytes admin_secret;
  bool collects_metrics = true;
  AlertThresholds alert_thresholds = AlertOptions{}.thresholds;
};

/// One setting as somebody wrote it: its name as on the command line without the dashes, its
/// values, and where they stand.
struct GivenSetting {
  std::string name;
  std::vector<std::string> values;
  std::string where;  ///< The name: `node.toml:3:1` or `--listen`.
  /// Each value: `node.toml:3:10`. Empty on the command line.
  std::vector<std::string> value_places{};
};

/// What stands when nobody says anything.
Settings default_settings(ProgramKind kind);

/// Takes over one setting. Error: a sentence that names the place.
Result<void, std::string> apply(Settings& settings, const GivenSetting& given);

/// Whether the settings make sense together. Error: a sentence that says what is missing.
Result<void, std::string> validate(const Settings& settings);

/// Reads a secret's file. The sentence of an error, or of a warning if the secret is readable by
/// others.
struct SecretReading {
  std::string error;
  std::string warning;
};
SecretReading read_bridge_secret(Settings& settings);
/// After the bridge secret: refuses the same one, which the old system tells to whoever listens.
SecretReading read_legacy_bridge_secret(Settings& settings);
SecretReading read_admin_secret(Settings& settings);
SecretReading read_network_keys(Settings& settings);

AdminAddress admin_address(const Settings& settings);

/// The URL to advertise when listening on `real` (port known): what was said, else made from the
/// address.
std::string advertised_url(const Settings& settings, const HostPort& real);
/// Whether that URL was made from "any address", so that only this machine can use it.
bool advertises_a_guess(const Settings& settings);

/// What `fresh` says differently from `now`, by name; the bridge secret's and the certificates'
/// content are not looked at.
struct ChangedSettings {
  std::vector<std::string_view> applied;        ///< May change while a program runs.
  std::vector<std::string_view> needs_restart;  ///< May not.
};
ChangedSettings compare(const Settings& now, const Settings& fresh);
/// Takes over what may change while a program runs.
void take_over(Settings& now, const Settings& fresh);

/// The settings in force, in the settings file's own language.
std::string to_toml(const Settings& settings);

/// Every name that program knows.
std::vector<std::string_view> setting_names(ProgramKind kind);

}  // namespace trestle::host
