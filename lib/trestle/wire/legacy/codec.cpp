#include "trestle/wire/legacy/codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/wire/legacy/member_reader.hpp"
#include "trestle/wire/legacy/member_writer.hpp"
#include "trestle/wire/legacy/object_text.hpp"

namespace trestle::wire::legacy {

namespace {

template <typename Known>
Result<Frame, DecodeError> decode_as(json::Value object, const Limits& limits) {
  Known known;
  MemberReader reader(object, limits);
  Known::fields(known, reader);
  if (const std::optional<DecodeError> error = reader.error()) return refuse(*error);
  return Frame(std::move(known));
}

struct KnownType {
  std::string_view type;
  Result<Frame, DecodeError> (*decode)(json::Value, const Limits&);
};

template <std::size_t... Index>
constexpr auto make_known_types(std::index_sequence<Index...>) {
  std::array<KnownType, sizeof...(Index)> known{
      {{std::variant_alternative_t<Index, FrameKinds>::kType,
        &decode_as<std::variant_alternative_t<Index, FrameKinds>>}...}};
  std::ranges::sort(known, {}, &KnownType::type);
  return known;
}

/// Made from the variant itself, so that a frame cannot be declared and then forgotten here. Sorted
/// by type.
constexpr auto kKnownTypes = make_known_types(std::make_index_sequence<kFrameKinds>());

static_assert(std::ranges::adjacent_find(kKnownTypes, {}, &KnownType::type) == kKnownTypes.end(),
              "two frames claim the same type");

}  // namespace

Result<Frame, DecodeError> decode(std::string_view text, const Limits& limits) {
  const Result<json::Document, DecodeError> document = parse_object(text, limits.json);
  if (!document) return refuse(document.error());
  const json::Value object = document->root();
  const std::optional<json::Value> type = object.member("type");
  const std::optional<std::string_view> type_text = type ? type->text() : std::nullopt;
  if (!type_text) return refuse(DecodeError::missing_type);

  const auto known = std::ranges::lower_bound(kKnownTypes, *type_text, {}, &KnownType::type);
  if (known == kKnownTypes.end() || known->type != *type_text)
    return refuse(DecodeError::unknown_type);
  return known->decode(object, limits);
}

std::string encode(const Frame& frame) {
  json::ObjectWriter out;
  out.text("type", type_name(frame));
  MemberWriter writer(out);
  std::visit([&writer]<typename Known>(const Known& known) { Known::fields(known, writer); },
             frame);
  return out.take();
}

std::string_view type_name(const Frame& frame) {
  return std::visit([]<typename Known>(const Known&) { return Known::kType; }, frame);
}

}  // namespace trestle::wire::legacy
