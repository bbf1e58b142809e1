#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "trestle/wire/message/admission.hpp"
#include "trestle/wire/message/connection.hpp"
#include "trestle/wire/message/dht.hpp"
#include "trestle/wire/message/onboarding.hpp"

namespace trestle::wire {

using MessageKinds =
    std::variant<Hello, Welcome, Prove, Ready, Goodbye, Ping, Pong, Failure, Cancel, JoinRequest,
                 JoinResponse, IntroduceRequest, IntroduceResponse, FindNodeRequest,
                 FindNodeResponse, FindValueRequest, FindValueResponse, StoreRequest, StoreResponse,
                 ReplicaOffer, ReplicaAnswer, RouteRequest, RouteResponse, RecursiveFindRequest,
                 RecursiveFindResponse, Announce, Credentials, Certify, Revocations, RedeemRequest,
                 RedeemResponse>;

inline constexpr std::size_t kMessageKinds = std::variant_size_v<MessageKinds>;

/// Every message of the network, whichever dialect carries it. A variant like any other, but
/// copied, moved and compared by functions that are compiled once: with this many kinds each is a
/// table of functions, and a file that only passes messages on spent most of its compile time on
/// them.
struct Message : MessageKinds {
  using MessageKinds::MessageKinds;
  using MessageKinds::operator=;
  Message() noexcept;
  Message(const Message& other);
  Message(Message&& other) noexcept;
  Message& operator=(const Message& other);
  Message& operator=(Message&& other) noexcept;
  ~Message();

  friend bool operator==(const Message& left, const Message& right);
};

/// Correlates an answer with its request. Valid on one connection only; 0 marks a notification
/// (threat T38).
struct RequestId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const RequestId&, const RequestId&) = default;
};

/// One record of a frame.
struct Envelope {
  RequestId request_id;
  Message message;
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// `find_node`, `find_node_response`, ...: for logs, traces and counters.
std::string_view name(const Message& message);

/// Whether the message opens a request (its sender waits for an answer under the same id).
bool is_request(const Message& message);
/// Whether the message ends a request.
bool is_answer(const Message& message);

}  // namespace trestle::wire
