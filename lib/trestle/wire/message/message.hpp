#pragma once

#include <compare>
#include <cstdint>
#include <string_view>
#include <variant>

#include "trestle/wire/message/admission.hpp"
#include "trestle/wire/message/connection.hpp"
#include "trestle/wire/message/dht.hpp"
#include "trestle/wire/message/onboarding.hpp"

namespace trestle::wire {

/// Every message of the network, whichever dialect carries it.
using Message = std::variant<Hello, Welcome, Prove, Ready, Goodbye, Ping, Pong, Failure, Cancel,
                             JoinRequest, JoinResponse, IntroduceRequest, IntroduceResponse,
                             FindNodeRequest, FindNodeResponse, FindValueRequest, FindValueResponse,
                             StoreRequest, StoreResponse, ReplicaOffer, ReplicaAnswer, RouteRequest,
                             RouteResponse, RecursiveFindRequest, RecursiveFindResponse, Announce,
                             Credentials, Certify, Revocations, RedeemRequest, RedeemResponse>;

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
