// Prints the conformance tables of tests/wire/websocket as JSON, for whoever plays them over
// sockets: a line with the limits, a line for each row of frame_cases.hpp, with its bytes as a
// client and as a server writes them, and a line for each of request_cases.hpp.

#include <cstdio>
#include <string>
#include <string_view>

#include "wire/websocket/frame_cases.hpp"
#include "wire/websocket/request_cases.hpp"

namespace {

using namespace trestle;
using namespace trestle::test;

/// Names and expectations have nothing that JSON would have escaped but these two.
std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') made.push_back('\\');
    made.push_back(letter);
  }
  return made + "\"";
}

std::string bytes_of(const FrameCase& one, ws::Role sender) {
  return quoted(to_hex(encoded(one.frames, sender)));
}

}  // namespace

int main() {
  std::printf("{\"message_bytes_max\": %zu, \"fragments_max\": %zu, \"controls_max\": %u}\n",
              kCaseLimits.message_bytes_max, kCaseLimits.fragments_max,
              kCaseLimits.controls.at_once);
  for (const FrameCase& one : frame_cases()) {
    std::printf("{\"name\": %s, \"expects\": %s, \"client\": %s, \"server\": %s}\n",
                quoted(one.name).c_str(), quoted(one.expects).c_str(),
                bytes_of(one, ws::Role::client).c_str(), bytes_of(one, ws::Role::server).c_str());
  }
  for (const RequestCase& one : request_cases()) {
    std::printf("{\"name\": %s, \"expects\": %s, \"request\": %s}\n", quoted(one.name).c_str(),
                quoted(one.expects).c_str(), quoted(to_hex(as_bytes(one.stream))).c_str());
  }
  return 0;
}
