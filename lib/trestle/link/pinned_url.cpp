#include "trestle/link/pinned_url.hpp"

namespace trestle::link {

PinnedUrl parse_pinned_url(std::string_view text) {
  const std::string_view url = without_pin(text);
  if (url.size() == text.size()) return {std::string(url), std::nullopt};
  return {std::string(url), NodeId::from_hex(text.substr(url.size() + 1)).value_or(NodeId{})};
}

std::string_view without_pin(std::string_view text) { return text.substr(0, text.find('#')); }

}  // namespace trestle::link
