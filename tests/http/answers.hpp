#pragma once

// What the tests of both clients ask, and what comes of it, as text.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "pieces.hpp"
#include "trestle/http/exchange.hpp"

namespace trestle::test {

inline constexpr http::ExchangeId kFirst{1};
inline constexpr http::ExchangeId kSecond{2};

inline http::Request get(std::string target = "/") {
  http::Request request;
  request.authority = "prices.example";
  request.target = std::move(target);
  return request;
}

inline http::Request with_body(std::optional<std::uint64_t> bytes) {
  http::Request request = get("/orders");
  request.method = "POST";
  request.body_bytes = bytes;
  return request;
}

inline std::string_view name_of(http::ExchangeFlaw flaw) {
  constexpr std::string_view kNames[] = {"none",     "head",    "framing",  "body",
                                         "interim",  "cut_off", "unasked",  "reset",
                                         "protocol", "flooded", "cancelled"};
  return kNames[static_cast<std::size_t>(flaw)];
}

/// Parts of one body are one word, in however many pieces they came.
struct Story {
  std::string text;
  http::ExchangeId in_body{};  ///< Whose body the last word is; 0 if it is none.

  void tell(const http::ClientEffect& effect) {
    const auto* content = std::get_if<http::ContentArrived>(&effect);
    const bool goes_on = content != nullptr && content->exchange == in_body;
    if (in_body.value != 0 && !goes_on) text += "; ";
    if (content != nullptr) {
      text.append(goes_on ? "" : "body ").append(as_text(content->content));
      in_body = content->exchange;
    } else {
      in_body = {};
      std::visit([&](const auto& one) { add(one); }, effect);
    }
  }

 private:
  void add(const http::HeadArrived& arrived) {
    text += "head " + std::to_string(arrived.status);
    for (const http::Field& field : arrived.fields) text += " " + field.name + "=" + field.value;
    text += "; ";
  }
  void add(const http::ContentArrived&) {}
  void add(const http::AnswerEnded& ended) {
    text += "end " + std::to_string(ended.exchange.value) + "; ";
  }
  void add(const http::ExchangeFailed& failed) {
    text += "failed " + std::to_string(failed.exchange.value) + " ";
    text.append(name_of(failed.flaw));
    text += failed.doubt == http::Doubt::untouched ? " untouched; " : "; ";
  }
  void add(const http::RoomMade&) { text += "room; "; }
  void add(const http::Retiring&) { text += "retiring; "; }
  void add(const http::PongArrived&) { text += "pong; "; }
  void add(const http::HangUp& order) { text.append("hang up ").append(name_of(order.flaw)); }
};

/// Appends what the client has to say.
template <typename Client>
void drain(Client& client, Story& story) {
  while (const auto effect = client.poll_effect()) story.tell(*effect);
}

}  // namespace trestle::test
