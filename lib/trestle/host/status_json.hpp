#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/host/snapshot.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/status.hpp"

namespace trestle::host {

/// `/status`: every field of the snapshot under its own name, durations as `uptime_s`,
/// `connected_s` and `rtt_us`, distributions as `{"count","p50_ms","p90_ms","p99_ms"}`.
std::string to_json(const Snapshot& snapshot);

/// `/peers`: the array `peers` of `/status` alone.
std::string peers_to_json(const node::Status& status);

/// `/members`: who was let in, by whom, until when; at a bridge of a network that one enters by
/// invitation.
std::string members_to_json(const std::vector<node::MemberStatus>& members);

/// `["queue","slow"]`.
std::string alerts_to_json(const std::vector<Alert>& alerts);

/// `12.345`.
std::string milliseconds_of(Duration duration);

/// `{"code":...}` with what the operation brought: the receipt (`replicas`, `replicas_wanted`,
/// `weak`, `old_peers`, `version`, `audience` if it was sealed), the value (`value`, `ttl_ms`,
/// `left_ms`, `version`, `author`, `sealed`, and if it was `audience`; one of an old peer is
/// `unsigned`), `contacts`, or `contacts` and `steps` (lookup_trace.hpp). `detail` says more of the
/// code. A value that is not UTF-8 comes as `value_hex`.
enum class OperationKind : std::uint8_t { put, get, find, refresh, remove, trace };
inline constexpr std::size_t kOperationKinds = 6;
std::string to_json(OperationKind kind, const node::OperationEnded& ended);

/// `{"code":"BUSY"}`.
std::string code_to_json(ErrorCode code, std::string_view detail = {});

std::string_view name(wire::Role role);
std::string_view name(wire::Dialect dialect);

}  // namespace trestle::host
