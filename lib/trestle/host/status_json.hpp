#pragma once

#include <string>
#include <string_view>

#include "trestle/node/node.hpp"
#include "trestle/node/status.hpp"

namespace trestle::host {

/// `/status`: every field of the snapshot under its own name, durations as `uptime_s`,
/// `connected_s` and `rtt_us`.
std::string to_json(const node::Status& status);

/// `/peers`: the array `peers` of `/status` alone.
std::string peers_to_json(const node::Status& status);

/// `{"code":...}` with what the operation brought: `replicas`, `value` and `ttl_ms`, or `contacts`.
/// A value that is not UTF-8 comes as `value_hex`.
enum class OperationKind : std::uint8_t { put, get, find };
std::string to_json(OperationKind kind, const node::OperationEnded& ended);

/// `{"code":"BUSY"}`.
std::string code_to_json(ErrorCode code, std::string_view detail = {});

std::string_view name(wire::Role role);
std::string_view name(wire::Dialect dialect);

}  // namespace trestle::host
