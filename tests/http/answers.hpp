#pragma once

// What a client of HTTP/1.1 makes of a server's bytes, as text.

#include <string>
#include <string_view>
#include <variant>

#include "pieces.hpp"
#include "trestle/http/exchange.hpp"

namespace trestle::test {

inline std::string_view name_of(http::ExchangeFlaw flaw) {
  constexpr std::string_view kNames[] = {"none",     "head",    "framing",  "body",
                                         "interim",  "cut_off", "unasked",  "reset",
                                         "protocol", "flooded", "cancelled"};
  return kNames[static_cast<std::size_t>(flaw)];
}

inline void tell(std::string& story, const http::HeadArrived& arrived) {
  story += "head " + std::to_string(arrived.status);
  for (const http::Field& field : arrived.fields) story += " " + field.name + "=" + field.value;
  story += "; ";
}
/// Parts of one body are one word, in however many pieces they came.
inline void tell(std::string& story, const http::ContentArrived& arrived) {
  constexpr std::string_view kSeparator = "; ";
  const std::string_view content = as_text(arrived.content);
  const std::size_t begin = story.rfind("body ");
  const bool goes_on =
      begin != std::string::npos && story.find(kSeparator, begin) == story.size() - 2;
  if (goes_on) story.resize(story.size() - kSeparator.size());
  story.append(goes_on ? "" : "body ").append(content).append(kSeparator);
}
inline void tell(std::string& story, const http::AnswerEnded& ended) {
  story += "end " + std::to_string(ended.exchange.value) + "; ";
}
inline void tell(std::string& story, const http::ExchangeFailed& failed) {
  story += "failed " + std::to_string(failed.exchange.value) + " ";
  story.append(name_of(failed.flaw));
  story += failed.doubt == http::Doubt::untouched ? " untouched; " : "; ";
}
inline void tell(std::string& story, const http::RoomMade&) { story += "room; "; }
inline void tell(std::string& story, const http::Retiring&) { story += "retiring; "; }
inline void tell(std::string& story, const http::PongArrived&) { story += "pong; "; }
inline void tell(std::string& story, const http::HangUp& order) {
  story.append("hang up ").append(name_of(order.flaw));
}

/// Appends what the client has to say.
template <typename Client>
void drain(Client& client, std::string& story) {
  while (const auto effect = client.poll_effect()) {
    std::visit([&](const auto& one) { tell(story, one); }, *effect);
  }
}

}  // namespace trestle::test
