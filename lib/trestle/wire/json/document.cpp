#include "trestle/wire/json/document.hpp"

#include <charconv>

namespace trestle::wire::json {

Kind Value::kind() const { return document_->entries_[index_].kind; }

std::string_view Value::raw() const {
  const Document::Entry& entry = document_->entries_[index_];
  return document_->text().substr(entry.begin, entry.end - entry.begin);
}

std::optional<std::string_view> Value::text() const {
  if (kind() != Kind::string) return std::nullopt;
  return document_->characters(document_->entries_[index_]);
}

std::optional<std::int64_t> Value::integer() const {
  if (kind() != Kind::number) return std::nullopt;
  const std::string_view digits = raw();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<bool> Value::boolean() const {
  if (kind() != Kind::boolean) return std::nullopt;
  return raw().front() == 't';
}

std::optional<Value> Value::member(std::string_view name) const {
  std::optional<Value> found;
  for (const Member member : members()) {
    if (member.name == name) found = member.value;
  }
  return found;
}

Value::Items Value::items() const {
  const std::uint32_t behind = document_->entries_[index_].next;
  const std::uint32_t first = kind() == Kind::array ? index_ + 1 : behind;
  return {Items::Iterator(document_, first), Items::Iterator(document_, behind)};
}

Value::Members Value::members() const {
  const std::uint32_t behind = document_->entries_[index_].next;
  const std::uint32_t first = kind() == Kind::object ? index_ + 1 : behind;
  return {Members::Iterator(document_, first), Members::Iterator(document_, behind)};
}

}  // namespace trestle::wire::json
