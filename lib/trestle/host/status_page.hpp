#pragma once

#include <optional>
#include <string_view>

#include "trestle/host/http_exchange.hpp"
#include "trestle/host/snapshot.hpp"

namespace trestle::host {

/// `/`: the page for a person, with the snapshot in it, so that it also says something without
/// JavaScript.
HttpReply status_page(const Snapshot& snapshot);

/// `/overview`: the part that changes. The page fetches it every second; there is one renderer, and
/// it is here.
HttpReply status_page_part(const Snapshot& snapshot);

/// `/style.css`, `/page.js`: the files of the folder status_page, as they were built in.
std::optional<HttpReply> status_page_file(std::string_view path);

}  // namespace trestle::host
