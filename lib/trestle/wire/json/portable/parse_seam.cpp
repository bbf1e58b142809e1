#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/portable/parse.hpp"

namespace trestle::wire::json {

Result<Document, ParseError> parse(std::string_view text, const Limits& limits) {
  return portable::parse(text, limits);
}

}  // namespace trestle::wire::json
