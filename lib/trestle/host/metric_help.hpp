#pragma once

#include <string_view>

namespace trestle::host {

/// What a figure means, in one line: the HELP of its metric. Every figure of `/status` has one.
std::string_view help_of(std::string_view figure);

}  // namespace trestle::host
