#include "trestle/host/saved_peers.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "trestle/host/address.hpp"
#include "trestle/host/folder_sync.hpp"

namespace trestle::host {
namespace {

constexpr const char* kFile = "peers";
constexpr std::string_view kHead = "trestle peers 1";
/// As the codec's bound on an address.
constexpr std::size_t kAddressBytesMax = 1'024;

constexpr std::pair<wire::Role, std::string_view> kRoles[] = {
    {wire::Role::bootstrap, "bootstrap"},
    {wire::Role::bridge, "bridge"},
    {wire::Role::node, "node"},
    {wire::Role::observer, "observer"},
};
constexpr std::pair<wire::Dialect, std::string_view> kDialects[] = {
    {wire::Dialect::unknown, "unknown"},
    {wire::Dialect::native, "native"},
    {wire::Dialect::legacy, "legacy"},
};

template <typename Value, std::size_t count>
std::string_view word_of(const std::pair<Value, std::string_view> (&words)[count], Value value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return {};
}

template <typename Value, std::size_t count>
std::optional<Value> value_of(const std::pair<Value, std::string_view> (&words)[count],
                              std::string_view text) {
  for (const auto& [value, word] : words) {
    if (word == text) return value;
  }
  return std::nullopt;
}

/// What can be dialled and stands in one word of a line.
bool is_plain_address(std::string_view address) {
  return address.size() <= kAddressBytesMax && is_plain_text(address) &&
         parse_web_socket_url(address).has_value();
}

std::optional<wire::Contact> read_line(std::string_view line) {
  std::array<std::string_view, 4> words;
  for (std::size_t index = 0; index < words.size(); ++index) {
    const bool is_last = index + 1 == words.size();
    const std::size_t end = is_last ? line.size() : std::min(line.find(' '), line.size());
    words[index] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  const auto id = NodeId::from_hex(words[0]);
  const auto role = value_of(kRoles, words[1]);
  const auto dialect = value_of(kDialects, words[2]);
  if (!id || !role || !dialect || !is_plain_address(words[3])) return std::nullopt;
  return wire::Contact{*id, *role, *dialect, std::string(words[3]), {}};
}

}  // namespace

bool save_peers(const std::string& folder, const wire::Contacts& peers,
                const SavedPeersOptions& options) {
  std::string text(kHead);
  text += '\n';
  std::size_t count = 0;
  for (const wire::Contact& peer : peers) {
    if (count == options.peers_max) break;
    if (!is_plain_address(peer.address)) continue;
    const std::string line = peer.id.to_hex() + ' ' + std::string(word_of(kRoles, peer.role)) +
                             ' ' + std::string(word_of(kDialects, peer.dialect)) + ' ' +
                             peer.address + '\n';
    if (text.size() + line.size() > options.bytes_max) break;
    text += line;
    ++count;
  }
  return replace_file(folder, kFile, as_bytes(text));
}

SavedPeers read_saved_peers(const std::string& folder, const SavedPeersOptions& options) {
  SavedPeers saved;
  std::ifstream file(folder + "/" + kFile, std::ios::binary);
  if (!file) return saved;
  std::string text(options.bytes_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  bool is_first = true;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (std::exchange(is_first, false)) {
      if (line == kHead) continue;
      // Of another version, or no such file at all.
      saved.ignored = 1;
      return saved;
    }
    const auto peer = saved.peers.size() < options.peers_max ? read_line(line) : std::nullopt;
    if (peer) {
      saved.peers.push_back(*peer);
    } else {
      ++saved.ignored;
    }
  }
  return saved;
}

}  // namespace trestle::host
