#include "trestle/host/locked_box.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "trestle/crypto/suite/suite.hpp"

using namespace trestle;
using namespace trestle::host;

namespace {

/// Sanitizers answer mlock() themselves, and lock nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

/// What the kernel says of the mapping in which that address lies: its sizes and its flags.
std::string mapping_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream file("/proc/self/smaps");
  std::string text;
  bool is_it = false;
  for (std::string line; std::getline(file, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> begin >> dash >> end && dash == '-') {
      is_it = begin <= wanted && wanted < end;
    }
    if (is_it) text += line + "\n";
  }
  return text;
}

/// Runs it in a process that may lock nothing, and has no right to do it all the same.
template <typename Action>
int in_a_poor_process(Action&& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    const bool is_poor = ::setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
                         (::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0);
    ::_exit(is_poor ? action() : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("T16: the private key lies in memory that is neither swapped nor dumped") {
  crypto::Suite suite;
  const LockedBox<crypto::KeyPair> keys(suite.generate());
  REQUIRE(keys.complaint().empty());
  const std::string mapping = mapping_of(&*keys);
  const auto flags = mapping.find("VmFlags:");
  REQUIRE(flags != std::string::npos);
  CHECK((mapping.find(" lo", flags) != std::string::npos || kIsSanitized));
  CHECK(mapping.find(" dd", flags) != std::string::npos);
}

TEST_CASE("T16: where nothing may be locked the key serves all the same, and somebody is told") {
  if (kIsSanitized) return;
  CHECK(in_a_poor_process([] {
          const LockedBox<std::array<std::uint8_t, 64>> box({1, 2, 3});
          if (box.complaint().find("LimitMEMLOCK") == std::string::npos) return 1;
          return (*box)[2] == 3 ? 0 : 2;
        }) == 0);
}

TEST_CASE("locked pages are given back") {
  const auto mapped = [] {
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    file >> pages;
    return pages;
  };
  const auto make = [] { const LockedBox<std::array<std::uint8_t, 5000>> box({}); };
  make();
  const std::size_t before = mapped();
  for (int count = 0; count < 1000; ++count) make();
  CHECK(mapped() <= before + 16);
}
