#include "trestle/host/passphrase.hpp"

#include <algorithm>
#include <cstdlib>

#include "trestle/host/private_file.hpp"

namespace trestle::host {
namespace {

/// A line of a text file; no machine makes longer ones.
constexpr std::size_t kPassphraseBytesMax = 1024;
/// Below it guessing is faster than any derivation is slow.
constexpr std::size_t kPassphraseBytesMin = 8;

}  // namespace

Result<Passphrase, std::string> read_passphrase(const std::string& setting) {
  const char* const named = std::getenv(kPassphraseVariable);
  const std::string path = !setting.empty() ? setting : named != nullptr ? named : "";
  if (path.empty()) return Passphrase();
  const auto refusal = [&](const std::string& why) {
    return refuse("the passphrase file " + path + " " + why);
  };
  auto content = read_private_file(path, kPassphraseBytesMax);
  if (!content) return refusal(content.error());
  const auto line_end = std::find_if(content->begin(), content->end(), [](std::uint8_t byte) {
    return byte == '\n' || byte == '\r';
  });
  const auto length = static_cast<std::size_t>(line_end - content->begin());
  Passphrase passphrase(to_bytes(std::span(*content).first(length)));
  crypto::cleanse(*content);
  if (length < kPassphraseBytesMin) return refusal("has a first line of fewer than 8 characters");
  return passphrase;
}

}  // namespace trestle::host
