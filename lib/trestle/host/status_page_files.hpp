#pragma once

#include <string_view>

namespace trestle::host {

// The files of the folder status_page; cmake/EmbedFiles.cmake makes the source out of them.
extern const std::string_view kPageHtml;
extern const std::string_view kStyleCss;
extern const std::string_view kPageJs;

}  // namespace trestle::host
