#include "trestle/host/network_key_file.hpp"

#include <utility>

#include <fmt/core.h>

#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/complaint.hpp"
#include "trestle/host/private_file.hpp"

namespace trestle::host {
namespace {

constexpr auto kText = crypto::TextKind::network_key;
/// A full list in base64, its prefix, checksum and line end.
constexpr std::size_t kFileBytesMax = 2 * crypto::kNetworkKeysBytesMax;

Result<void, std::string> write(crypto::Suite& suite, const std::string& path,
                                const crypto::NetworkKeys& keys, Existing existing) {
  Bytes list = crypto::encode(keys);
  std::string text = crypto::to_text(suite, kText, list) + "\n";
  auto written = write_private_file(path, as_bytes(text), existing);
  crypto::cleanse(list);
  crypto::cleanse({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return written;
}

}  // namespace

Result<crypto::NetworkKeys, std::string> read_network_key_file(crypto::Suite& suite,
                                                               const std::string& path) {
  auto content = read_private_file(path, kFileBytesMax);
  if (!content) return refuse(std::move(content.error()));
  auto list = crypto::from_text(suite, kText, as_text(*content));
  crypto::cleanse(*content);
  if (!list) return refuse(std::string(crypto::explain(list.error())));
  auto keys = crypto::decode_network_keys(suite, *list);
  crypto::cleanse(*list);
  if (!keys) return refuse(std::string("holds no keys that this version knows"));
  return std::move(*keys);
}

ExitCode run_network_key_command(const CommandLine& line, ProgramKind kind) {
  const std::string& path = line.words[0];
  crypto::Suite suite;
  crypto::NetworkKeys keys;
  if (line.renews) {
    auto known = read_network_key_file(suite, path);
    if (!known) return complain(kind, path + " " + known.error(), ExitCode::failed);
    keys = std::move(*known);
  }
  keys.renew(suite);
  const auto written = write(suite, path, keys, line.renews ? Existing::replaced : Existing::kept);
  if (!written) return complain(kind, path + " " + written.error(), ExitCode::failed);
  fmt::print("{}: key {} seals, {} in all open\n", path, keys.current().epoch, keys.size());
  return ExitCode::done;
}

}  // namespace trestle::host
