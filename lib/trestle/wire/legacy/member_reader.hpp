#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/json/document.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/legacy/limits.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

namespace trestle::wire::legacy {

/// Visitor of a struct's `fields` that fills it from a JSON object. The rules are explained in
/// registration.hpp.
class MemberReader {
 public:
  MemberReader(json::Value object, const Limits& limits) : object_(object), limits_(limits) {}

  /// The first thing that was wrong, if anything was; the struct is then not to be used.
  std::optional<DecodeError> error() const { return error_; }

  template <typename Member>
  void required(std::string_view name, Member& member) {
    const std::optional<json::Value> value = object_.member(name);
    note(value ? read(*value, member) : Outcome(DecodeError::bad_member));
  }

  template <typename Member>
  void optional(std::string_view name, std::optional<Member>& member) {
    note(read_optional(name, member));
  }

  template <typename Member>
  void nullable(std::string_view name, std::optional<Member>& member) {
    optional(name, member);
  }

  template <typename Member>
  void lenient(std::string_view name, std::optional<Member>& member) {
    if (read_optional(name, member)) member.reset();
  }

 private:
  /// Nothing if the value was read.
  using Outcome = std::optional<DecodeError>;

  void note(Outcome outcome) {
    if (!error_) error_ = outcome;
  }

  template <typename Member>
  Outcome read_optional(std::string_view name, std::optional<Member>& member) {
    const std::optional<json::Value> value = object_.member(name);
    if (!value) return std::nullopt;
    // To JavaScript, null and absent are the same; only in an opaque member it is content.
    if (value->is_null() && !std::is_same_v<Member, RawJson>) return std::nullopt;
    return read(*value, member.emplace());
  }

  Outcome read(json::Value value, bool& member) {
    const std::optional<bool> boolean = value.boolean();
    if (!boolean) return DecodeError::bad_member;
    member = *boolean;
    return std::nullopt;
  }

  Outcome read(json::Value value, std::int64_t& member) {
    const std::optional<std::int64_t> integer = value.integer();
    if (!integer) return DecodeError::bad_member;
    member = *integer;
    return std::nullopt;
  }

  Outcome read(json::Value value, std::string& member) {
    const std::optional<std::string_view> text = value.text();
    if (!text) return DecodeError::bad_member;
    if (text->size() > limits_.text_bytes_max) return DecodeError::oversized;
    member.assign(*text);
    return std::nullopt;
  }

  Outcome read(json::Value value, NodeId& member) {
    const std::optional<std::string_view> text = value.text();
    const std::optional<NodeId> id = text ? NodeId::from_hex(*text) : std::nullopt;
    if (!id) return DecodeError::bad_member;
    member = *id;
    return std::nullopt;
  }

  Outcome read(json::Value value, RawJson& member) {
    member.json.assign(value.raw());
    return std::nullopt;
  }

  template <typename Item>
  Outcome read(json::Value value, std::vector<Item>& member) {
    if (value.kind() != json::Kind::array) return DecodeError::bad_member;
    for (const json::Value item : value.items()) {
      if (member.size() >= limits_.list_items_max) return DecodeError::oversized;
      if (const Outcome outcome = read(item, member.emplace_back())) return outcome;
    }
    return std::nullopt;
  }

  /// A struct with fields of its own, inside a list.
  template <typename Body>
  Outcome read(json::Value value, Body& body) {
    if (value.kind() != json::Kind::object) return DecodeError::bad_member;
    MemberReader reader(value, limits_);
    Body::fields(body, reader);
    return reader.error();
  }

  json::Value object_;
  const Limits& limits_;
  std::optional<DecodeError> error_;
};

}  // namespace trestle::wire::legacy
