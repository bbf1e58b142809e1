#include "trestle/base/assertion.hpp"

#include <csignal>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"

namespace {

/// How a process ends that asserts `holds`: 0 when it lives on, else the signal that ended it.
int signal_after_assertion(bool holds) {
  const pid_t child = fork();
  if (child == 0) {
    // The test runner's own handlers and outputs have nothing to say about a death that is wanted.
    std::signal(SIGABRT, SIG_DFL);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    TRESTLE_ASSERT(holds);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("an assertion that holds does nothing") { CHECK(signal_after_assertion(true) == 0); }

TEST_CASE("an assertion that fails aborts the program, in every build") {
  CHECK(signal_after_assertion(false) == SIGABRT);
}

TEST_CASE("an assertion evaluates its condition once") {
  int evaluations = 0;
  TRESTLE_ASSERT(++evaluations == 1);
  CHECK(evaluations == 1);
}
