#pragma once

namespace trestle::host {

/// Which programs have a setting, as a set of bits.
using Programs = unsigned;
inline constexpr Programs kBootstrap = 1;
inline constexpr Programs kBridge = 2;
inline constexpr Programs kNode = 4;
inline constexpr Programs kMembers = kBridge | kNode;
inline constexpr Programs kAll = kBootstrap | kMembers;

}  // namespace trestle::host
