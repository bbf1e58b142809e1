#pragma once

// A request for a WebSocket or a page, read once more: cut into lines and words, with the rules of
// RFC 9112 and RFC 6455 one after the other. What `ServerUpgrade` makes of it must be the same.

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/wire/websocket/server_upgrade.hpp"

namespace trestle::test {

namespace ws = wire::websocket;

/// What became of a request: `upgrade PATH ? QUERY @ HOST`, or the flaw's name.
inline std::string_view name_of(ws::RequestFlaw flaw) {
  constexpr std::string_view kNames[] = {
      "none", "head",     "version",    "method",        "target", "framing",     "body",
      "host", "repeated", "no upgrade", "other version", "key",    "subprotocols"};
  return kNames[static_cast<std::size_t>(flaw)];
}

inline std::string outcome_of(const ws::ServerUpgrade& upgrade) {
  if (upgrade.phase() == ws::ServerUpgrade::Phase::reading) return "reading";
  if (upgrade.phase() == ws::ServerUpgrade::Phase::answered) {
    return std::string(name_of(upgrade.flaw()));
  }
  constexpr std::string_view kKinds[] = {"upgrade", "get", "head of"};
  std::string text(kKinds[static_cast<std::size_t>(upgrade.kind())]);
  text.append(" ").append(upgrade.path()).append(" ? ").append(upgrade.query());
  return text.append(" @ ").append(upgrade.host());
}

class SlowRequest {
 public:
  SlowRequest(std::string_view stream, const wire::http::HeadLimits& limits)
      : stream_(stream), limits_(limits) {}

  std::string outcome() {
    if (!read_lines()) return problem_;
    const std::string flaw = judge();
    if (!flaw.empty()) return flaw;
    return kind_ + " " + (path_.empty() ? "/" : path_) + " ? " + query_ + " @ " + host_;
  }
  /// How much of the stream was looked at: the request, or up to where it is none.
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::string_view kAlphanumeric =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  static bool consists_of(std::string_view text, std::string_view more) {
    return std::all_of(text.begin(), text.end(), [&](char one) {
      return kAlphanumeric.find(one) != kAlphanumeric.npos || more.find(one) != more.npos;
    });
  }
  static bool is_name(std::string_view text) {
    return !text.empty() && consists_of(text, "!#$%&'*+-.^_`|~");
  }
  static std::string lower(std::string_view text) {
    std::string made(text);
    for (char& one : made) one = one >= 'A' && one <= 'Z' ? static_cast<char>(one + 32) : one;
    return made;
  }
  static std::string stripped(std::string text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
    while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.erase(0, 1);
    return text;
  }
  static bool has_controls(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char one) {
      return (one >= 0 && one < ' ' && one != '\t') || one == '\x7f';
    });
  }
  /// Words between commas.
  std::vector<std::string> list(const std::string& name) const {
    std::vector<std::string> words;
    const auto found = fields_.find(name);
    if (found == fields_.end()) return words;
    for (const std::string& line : found->second) {
      std::string word;
      for (const char one : line + ",") {
        if (one != ',') {
          word += one;
          continue;
        }
        if (word = stripped(word); !word.empty()) words.push_back(word);
        word.clear();
      }
    }
    return words;
  }
  bool has_word(const std::string& name, const std::string& wanted) const {
    const auto words = list(name);
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return lower(word) == wanted; });
  }
  std::size_t count(const std::string& name) const {
    const auto found = fields_.find(name);
    return found == fields_.end() ? 0 : found->second.size();
  }
  std::string only(const std::string& name) const {
    return count(name) == 0 ? "" : fields_.at(name)[0];
  }

  bool stop(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  /// False: `problem_` says what stands against it.
  bool read_lines() {
    std::string line;
    std::vector<std::string> lines;
    for (const char one : stream_) {
      if (bytes_ == 0 && !is_name({&one, 1})) return stop("head");
      ++bytes_;
      line += one;
      if (one == '\n') {
        if (line.size() < 2 || line[line.size() - 2] != '\r') return stop("head");
        line.resize(line.size() - 2);
        if (line.find('\r') != line.npos || has_controls(line)) return stop("head");
        if (!lines.empty() && line.empty()) {
          first_ = lines[0];
          return true;
        }
        if (lines.size() > limits_.fields_max) return stop("head");
        if (!lines.empty() && !read_field(line)) return stop("head");
        lines.push_back(line);
        line.clear();
      }
      if (bytes_ >= limits_.head_bytes_max) return stop("head");
    }
    return stop("reading");
  }

  bool read_field(const std::string& line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_name(line.substr(0, colon))) return false;
    fields_[lower(line.substr(0, colon))].push_back(stripped(line.substr(colon + 1)));
    return true;
  }

  std::string judge() {
    const std::size_t first = first_.find(' ');
    const std::size_t last = first_.rfind(' ');
    if (first == first_.npos || first == last) return "head";
    const std::string method = first_.substr(0, first);
    const std::string target = first_.substr(first + 1, last - first - 1);
    const std::string version = first_.substr(last + 1);
    const bool has_form = version.size() == 8 && version.starts_with("HTTP/") &&
                          std::isdigit(static_cast<unsigned char>(version[5])) != 0 &&
                          version[6] == '.' &&
                          std::isdigit(static_cast<unsigned char>(version[7])) != 0;
    if (!is_name(method) || !has_form) return "head";
    const bool is_old = version == "HTTP/1.0";
    if (!is_old && version != "HTTP/1.1") return "version";
    if (method != "GET" && method != "HEAD") return "method";
    std::optional<std::string> authority;
    if (!judge_target(target, authority)) return "target";

    if (count("transfer-encoding") > 0 || count("content-length") > 1) return "framing";
    const std::string length = only("content-length");
    if (count("content-length") == 1) {
      if (length.empty() || length.find_first_not_of("0123456789") != length.npos) return "framing";
      if (length.find_first_not_of('0') != length.npos) return "body";
    }
    if (count("host") > 1 || (count("host") == 0 && !is_old)) return "host";
    if (count("host") == 1 && !is_authority(only("host"))) return "host";
    host_ = authority.value_or(only("host"));
    if (count("host") == 1 && lower(host_) != lower(only("host"))) return "host";
    for (const char* name : {"origin", "sec-websocket-key", "sec-websocket-version"}) {
      if (count(name) > 1) return "repeated";
    }
    kind_ = method == "GET" ? "get" : "head of";
    if (is_old || method != "GET" || !has_word("upgrade", "websocket") ||
        !has_word("connection", "upgrade")) {
      return count("sec-websocket-key") + count("sec-websocket-version") > 0 ? "no upgrade" : "";
    }
    kind_ = "upgrade";
    return judge_upgrade();
  }

  std::string judge_upgrade() const {
    if (only("sec-websocket-version") != "13") return "other version";
    const std::string key = only("sec-websocket-key");
    if (key.size() != 24 || !consists_of(key.substr(0, 22), "+/") || key.substr(22) != "==") {
      return "key";
    }
    std::set<std::string> names;
    for (const std::string& name : list("sec-websocket-protocol")) {
      if (!is_name(name) || !names.insert(name).second) return "subprotocols";
    }
    return names.empty() && count("sec-websocket-protocol") > 0 ? "subprotocols" : "";
  }

  static bool is_escaped(std::string_view text, const std::string& more) {
    std::string plain;
    for (std::size_t place = 0; place < text.size(); ++place) {
      if (text[place] != '%') {
        plain += text[place];
        continue;
      }
      constexpr std::string_view kHex = "0123456789abcdefABCDEF";
      if (place + 2 >= text.size() || kHex.find(text[place + 1]) == kHex.npos ||
          kHex.find(text[place + 2]) == kHex.npos) {
        return false;
      }
      place += 2;
    }
    return consists_of(plain, "-._~!$&'()*+,;=" + more);
  }

  bool judge_target(std::string target, std::optional<std::string>& authority) {
    for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
      if (lower(target).starts_with(scheme)) {
        target.erase(0, scheme.size());
        const std::size_t end = std::min(target.find('/'), target.find('?'));
        authority = target.substr(0, end);
        target = end == target.npos ? "" : target.substr(end);
        if (!is_authority(*authority)) return false;
        if (!target.starts_with('/')) target.insert(0, "/");
        break;
      }
    }
    if (!target.starts_with('/')) return false;
    const std::size_t question = target.find('?');
    path_ = target.substr(0, question);
    query_ = question == target.npos ? "" : target.substr(question + 1);
    return is_escaped(path_, ":@/") && is_escaped(query_, ":@/?");
  }

  static bool is_authority(const std::string& text) {
    const std::size_t colon = text.find(':', text.starts_with('[') ? text.rfind(']') : 0);
    const std::string host = text.substr(0, colon);
    if (colon != text.npos) {
      const std::string port = text.substr(colon + 1);
      if (port.find_first_not_of("0123456789") != port.npos) return false;
      const std::size_t digits = port.find_first_not_of('0');
      const std::string number = digits == port.npos ? "0" : port.substr(digits);
      if (number.size() > 5 || std::stoul(number) > 65535) return false;
    }
    if (!host.starts_with('[')) return !host.empty() && is_escaped(host, "");
    return host.size() >= 4 && host.back() == ']' &&
           host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") ==
               host.npos;
  }

  std::string_view stream_;
  wire::http::HeadLimits limits_;
  std::string problem_;
  std::string first_;
  std::map<std::string, std::vector<std::string>> fields_;
  std::size_t bytes_ = 0;
  std::string kind_;
  std::string path_;
  std::string query_;
  std::string host_;
};

}  // namespace trestle::test
