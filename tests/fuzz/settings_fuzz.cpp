// F15: any text as a settings file, any words as a command line. A refusal is a sentence with a
// place; what is accepted can be printed, and the print means the same.
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"
#include "file_on_paper.hpp"
#include "input.hpp"
#include "trestle/host/command_line.hpp"
#include "trestle/host/settings.hpp"
#include "trestle/host/settings_file.hpp"
#include "trestle/host/settings_reading.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

const FileOnPaper& paper() {
  static const FileOnPaper file;
  return file;
}

void check_read(ProgramKind kind, const CommandLine& line) {
  const auto settings = read_settings(kind, line);
  if (!settings) {
    MUST_HOLD(!settings.error().empty());
    return;
  }
  (void)validate(*settings);
  const std::string printed = to_toml(*settings);
  paper().write(as_bytes(printed));
  CommandLine again;
  again.config_file = paper().path();
  const auto second = read_settings(kind, again);
  MUST_HOLD(second.has_value());
  MUST_HOLD(to_toml(*second) == printed);
  const ChangedSettings changed = compare(*settings, *second);
  MUST_HOLD(changed.applied.empty() && changed.needs_restart.empty());
}

}  // namespace

TRESTLE_FUZZ_TARGET(settings) {
  Input parts(input);
  const auto kind = static_cast<ProgramKind>(parts.below(3));
  const std::string_view text = as_text(parts.rest());
  // Up to the first zero byte the file, behind it words that zero bytes separate.
  const std::size_t end = std::min(text.find('\0'), text.size());
  paper().write(as_bytes(text.substr(0, end)));
  CommandLine file_alone;
  file_alone.config_file = paper().path();
  check_read(kind, file_alone);
  if (end == text.size()) return;

  std::vector<std::string> words = {"program"};
  for (std::string_view rest = text.substr(end + 1); !rest.empty() && words.size() < 32;) {
    const std::size_t stop = std::min(rest.find('\0'), rest.size());
    words.emplace_back(rest.substr(0, stop));
    rest.remove_prefix(std::min(stop + 1, rest.size()));
  }
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  auto line = parse_command_line(kind, static_cast<int>(pointers.size()), pointers.data());
  if (!line) {
    MUST_HOLD(line.error().code == ExitCode::done || !line.error().error.empty());
    return;
  }
  line->config_file.clear();
  check_read(kind, *line);
}

}  // namespace trestle::fuzz
