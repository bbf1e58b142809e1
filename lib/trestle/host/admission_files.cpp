#include "trestle/host/admission_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <sys/stat.h>

#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/host/private_file.hpp"
#include "trestle/node/link_gate.hpp"

namespace trestle::host {
namespace {

using Part = node::SaveAdmission::Part;

/// Above the longest: ten thousand members at 290 bytes.
constexpr std::size_t kBytesMax = std::size_t{4} * 1024 * 1024;

const char* file_of(Part part) {
  switch (part) {
    case Part::membership:
      return "/membership";
    case Part::members:
      return "/members";
    case Part::revocations:
      return "/revocations-known";
    case Part::network_key:
      return "/network-key-wrapped";
  }
  return "";
}

bool exists(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0;
}

Bytes recall(const std::string& folder, Part part, std::vector<LogRecord>& news) {
  const std::string path = folder + file_of(part);
  if (!exists(path)) return {};
  auto content = read_private_file(path, kBytesMax);
  if (content) return std::move(*content);
  news.push_back({.level = LogLevel::warning,
                  .event = "admission.file_ignored",
                  .detail = path + " " + content.error()});
  return {};
}

/// As somebody was sent it: a list is signed, and no secret.
Result<Bytes, std::string> read_list(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse("--revocations: cannot read " + path + ": " + std::strerror(errno));
  std::string content(crypto::kTextBytesMax, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  Bytes bytes = to_bytes(as_bytes(content));
  if (content.find(crypto::prefix(crypto::TextKind::revocation)) != std::string::npos) {
    crypto::Suite suite;
    auto list = crypto::from_text(suite, crypto::TextKind::revocation, content);
    if (!list) {
      return refuse("--revocations: the list in " + path + " " +
                    std::string(crypto::explain(list.error())));
    }
    bytes = std::move(*list);
  }
  const auto list = crypto::decode_revocation_list(bytes);
  if (!list || !crypto::is_genuine(*list)) {
    return refuse("--revocations: " + path + " is no signed list of revocations");
  }
  return bytes;
}

}  // namespace

void recall_admission(const std::string& folder, node::Restored& restored,
                      std::vector<LogRecord>& news) {
  restored.membership = recall(folder, Part::membership, news);
  restored.members = recall(folder, Part::members, news);
  restored.network_key = recall(folder, Part::network_key, news);
  restored.revocations = node::unpack(recall(folder, Part::revocations, news));
}

Result<void, std::string> keep_admission(const std::string& folder,
                                         const node::SaveAdmission& order) {
  const std::string path = folder + file_of(order.part);
  const auto written = write_private_file(path, order.content, Existing::replaced);
  if (!written) return refuse(path + " " + written.error());
  return {};
}

Result<std::vector<Bytes>, std::string> read_revocations(const std::string& folder,
                                                         const std::vector<std::string>& files) {
  std::vector<std::string> paths = files;
  if (exists(folder + "/revocations")) paths.push_back(folder + "/revocations");
  std::vector<Bytes> lists;
  for (const std::string& path : paths) {
    auto list = read_list(path);
    if (!list) return refuse(std::move(list.error()));
    lists.push_back(std::move(*list));
  }
  return lists;
}

}  // namespace trestle::host
