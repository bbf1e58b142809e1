#include "trestle/wire/http/head.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::wire::http {
namespace {

std::uint32_t narrow(std::size_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

std::size_t Head::on_bytes(ByteSpan bytes) {
  std::size_t taken = 0;
  while (state_ == State::incomplete && taken < bytes.size()) {
    // A line at a time, and no further than the bound.
    const std::size_t room = limits_.head_bytes_max - text_.size();
    const std::string_view rest = as_text(bytes.subspan(taken));
    // What is no HTTP at all, such as TLS, is known by its first byte, and no more of it is taken.
    const bool is_foreign = text_.empty() && !is_token(rest.substr(0, 1));
    const std::size_t line_end = is_foreign ? 0 : std::min(rest.find('\n'), rest.size());
    const std::size_t part = std::min({line_end + 1, rest.size(), room});
    text_.append(rest.substr(0, part));
    taken += part;
    if (is_foreign) {
      fail(HeadFlaw::start_line);
    } else if (part == line_end + 1) {
      const std::size_t begin = std::exchange(line_begins_, text_.size());
      on_line(begin, text_.size());
    }
    if (state_ == State::incomplete && text_.size() >= limits_.head_bytes_max) {
      fail(HeadFlaw::too_large);
    }
  }
  return taken;
}

void Head::fail(HeadFlaw flaw) {
  state_ = State::flawed;
  flaw_ = flaw;
}

/// A whole line, its end included.
void Head::on_line(std::size_t begin, std::size_t end) {
  std::string_view line = std::string_view(text_).substr(begin, end - begin);
  constexpr std::string_view kLineEnd = "\r\n";
  if (!line.ends_with(kLineEnd)) return fail(HeadFlaw::line_end);
  line.remove_suffix(kLineEnd.size());
  if (line.find('\r') != std::string_view::npos) return fail(HeadFlaw::line_end);
  if (!has_start_line_) {
    has_start_line_ = true;
    start_line_ = {narrow(begin), narrow(line.size())};
    if (!is_text(line)) fail(HeadFlaw::start_line);
    return;
  }
  if (line.empty()) {
    state_ = State::complete;
    return;
  }
  if (fields_.size() >= limits_.fields_max) return fail(HeadFlaw::too_many_fields);
  on_field(begin, line);
}

void Head::on_field(std::size_t begin, std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return fail(HeadFlaw::folded_field);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return fail(HeadFlaw::field_name);
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_text(value)) return fail(HeadFlaw::field_value);
  const auto before = value.empty() ? 0 : static_cast<std::size_t>(value.data() - line.data());
  const auto name_begins = text_.begin() + static_cast<std::ptrdiff_t>(begin);
  std::transform(name_begins, name_begins + static_cast<std::ptrdiff_t>(colon), name_begins,
                 lower_case);
  fields_.push_back(
      {{narrow(begin), narrow(colon)}, {narrow(begin + before), narrow(value.size())}});
}

Head::Field Head::field(std::size_t index) const {
  TRESTLE_ASSERT(index < fields_.size());
  return {view(fields_[index].name), view(fields_[index].value)};
}

std::size_t Head::count(std::string_view name) const {
  const auto lines = std::count_if(fields_.begin(), fields_.end(), [&](const FieldPlace& place) {
    return view(place.name) == name;
  });
  return static_cast<std::size_t>(lines);
}

std::optional<std::string_view> Head::value(std::string_view name) const {
  for (const FieldPlace& place : fields_) {
    if (view(place.name) == name) return view(place.value);
  }
  return std::nullopt;
}

std::string Head::joined(std::string_view name) const {
  std::string values;
  bool is_first = true;
  for (const FieldPlace& place : fields_) {
    if (view(place.name) != name) continue;
    if (!is_first) values.append(", ");
    values.append(view(place.value));
    is_first = false;
  }
  return values;
}

bool Head::lists(std::string_view name, std::string_view member) const {
  for (const FieldPlace& place : fields_) {
    if (view(place.name) != name) continue;
    MemberList members(view(place.value));
    for (auto one = members.next(); !one.empty(); one = members.next()) {
      if (equals_ignoring_case(one, member)) return true;
    }
  }
  return false;
}

}  // namespace trestle::wire::http
