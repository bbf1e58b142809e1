#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/assertion.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

namespace trestle::wire::legacy {

/// Visitor of a struct's `fields` that appends them to a JSON object. The rules are explained in
/// registration.hpp.
class MemberWriter {
 public:
  explicit MemberWriter(json::ObjectWriter& out) : out_(out) {}

  template <typename Member>
  void required(std::string_view name, const Member& member) {
    write(name, member);
  }

  template <typename Member>
  void optional(std::string_view name, const std::optional<Member>& member) {
    if (member) write(name, *member);
  }

  template <typename Member>
  void lenient(std::string_view name, const std::optional<Member>& member) {
    optional(name, member);
  }

  template <typename Member>
  void nullable(std::string_view name, const std::optional<Member>& member) {
    if (member) {
      write(name, *member);
    } else {
      out_.null(name);
    }
  }

 private:
  void write(std::string_view name, bool member) { out_.boolean(name, member); }
  void write(std::string_view name, std::int64_t member) { out_.integer(name, member); }
  void write(std::string_view name, const std::string& member) { out_.text(name, member); }
  void write(std::string_view name, const NodeId& member) { out_.text(name, member.to_hex()); }
  void write(std::string_view name, const RawJson& member) {
    TRESTLE_ASSERT(!member.json.empty());
    out_.raw(name, member.json);
  }
  template <typename Item>
  void write(std::string_view name, const std::vector<Item>& member) {
    json::ArrayWriter items;
    for (const Item& item : member) append(items, item);
    out_.raw(name, items.take());
  }

  static void append(json::ArrayWriter& items, const NodeId& id) { items.text(id.to_hex()); }
  template <typename Body>
  static void append(json::ArrayWriter& items, const Body& body) {
    json::ObjectWriter object;
    MemberWriter writer(object);
    Body::fields(body, writer);
    items.raw(object.take());
  }

  json::ObjectWriter& out_;
};

}  // namespace trestle::wire::legacy
