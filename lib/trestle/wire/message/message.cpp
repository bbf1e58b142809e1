#include "trestle/wire/message/message.hpp"

#include <array>

namespace trestle::wire {
namespace {

enum class Part : std::uint8_t { notification, request, answer };

struct Description {
  std::string_view name;
  Part part;
};

/// In the order of the alternatives of `Message`.
constexpr std::array<Description, kMessageKinds> kDescriptions = {{
    {"hello", Part::notification},
    {"welcome", Part::notification},
    {"prove", Part::notification},
    {"ready", Part::notification},
    {"goodbye", Part::notification},
    {"ping", Part::request},
    {"pong", Part::answer},
    {"failure", Part::answer},
    {"cancel", Part::notification},
    {"join", Part::request},
    {"join_response", Part::answer},
    {"introduce", Part::request},
    {"introduce_response", Part::answer},
    {"find_node", Part::request},
    {"find_node_response", Part::answer},
    {"find_value", Part::request},
    {"find_value_response", Part::answer},
    {"store", Part::request},
    {"store_response", Part::answer},
    {"replica_offer", Part::request},
    {"replica_answer", Part::answer},
    {"route", Part::request},
    {"route_response", Part::answer},
    {"find_recursive", Part::request},
    {"find_recursive_response", Part::answer},
    {"announce", Part::notification},
    {"credentials", Part::notification},
    {"certify", Part::notification},
    {"revocations", Part::notification},
    {"redeem", Part::request},
    {"redeem_response", Part::answer},
}};

}  // namespace

Message::Message() noexcept = default;
Message::Message(const Message& other) = default;
Message::Message(Message&& other) noexcept = default;
Message& Message::operator=(const Message& other) = default;
Message& Message::operator=(Message&& other) noexcept = default;
Message::~Message() = default;

bool operator==(const Message& left, const Message& right) {
  return static_cast<const MessageKinds&>(left) == static_cast<const MessageKinds&>(right);
}

std::string_view name(const Message& message) { return kDescriptions[message.index()].name; }

bool is_request(const Message& message) {
  return kDescriptions[message.index()].part == Part::request;
}

bool is_answer(const Message& message) {
  return kDescriptions[message.index()].part == Part::answer;
}

}  // namespace trestle::wire
