#include <csignal>
#include <cstdlib>
#include <string>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::test {
namespace {

// Hidden: run by the test below in a process of its own, whose OpenSSL has no random generator.
TEST_CASE("draws random bytes", "[.without-entropy]") {
  crypto::Suite suite;
  std::array<std::uint8_t, 32> bytes{};
  suite.random(bytes);
}

TEST_CASE("generates a key", "[.without-entropy]") {
  crypto::Suite suite;
  suite.generate();
}

/// A settings file for OpenSSL that names a generator which does not exist.
class BrokenGenerator {
 public:
  BrokenGenerator() {
    const int file = mkstemp(path_.data());
    REQUIRE(file >= 0);
    const std::string_view text =
        "openssl_conf = start\n[start]\nrandom = generator\n[generator]\nrandom = "
        "NO-SUCH-GENERATOR\n";
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    REQUIRE(written);
  }
  ~BrokenGenerator() { unlink(path_.c_str()); }
  BrokenGenerator(const BrokenGenerator&) = delete;
  BrokenGenerator& operator=(const BrokenGenerator&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/trestle-openssl-XXXXXX";
};

/// How this program ends when it runs one hidden test under `settings`, as waitpid reports it.
int outcome_of(std::string test, const std::string& settings) {
  std::string program = "/proc/self/exe";
  std::string variable = "OPENSSL_CONF=" + settings;
  char* arguments[] = {program.data(), test.data(), nullptr};
  char* environment[] = {variable.data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&quiet, stream, "/dev/null", 1 /* O_WRONLY */, 0);
  }
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), &quiet, nullptr, arguments, environment) == 0);
  posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("T16: without entropy the program aborts instead of going on with guessable bytes") {
  const BrokenGenerator broken;
  for (const char* const test : {"draws random bytes", "generates a key"}) {
    CAPTURE(test);
    // With the usual settings the same test passes, so the abort below has no other cause.
    const int usual = outcome_of(test, "/dev/null");
    CHECK(WIFEXITED(usual));
    CHECK(WEXITSTATUS(usual) == 0);
    const int without = outcome_of(test, broken.path());
    REQUIRE(WIFSIGNALED(without));
    CHECK(WTERMSIG(without) == SIGABRT);
  }
}

}  // namespace
}  // namespace trestle::test
