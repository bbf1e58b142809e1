#include "trestle/host/program.hpp"

#include <string>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "host_world.hpp"
#include "temporary_folder.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

std::unique_ptr<node::Node> make_fake(const host::Settings&, const std::string&,
                                      const crypto::Identity&, crypto::Suite&, Rng) {
  return std::make_unique<FakeNode>();
}

/// A program of our own in a child process, its output in a file.
class Child {
 public:
  explicit Child(const TemporaryFolder& folder, std::vector<std::string> words)
      : path_(folder.file("output")) {
    words.insert(words.begin(), "dht-node");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    id_ = ::fork();
    if (id_ == 0) {
      const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(file, STDOUT_FILENO);
      ::dup2(file, STDERR_FILENO);
      const int code = host::run_program(static_cast<int>(argv.size()), argv.data(),
                                         {host::ProgramKind::node, make_fake});
      std::fflush(stdout);
      ::_exit(code);
    }
  }
  ~Child() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int wait() {
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool says(const std::string& text) {
    return run_until({}, [&] { return output().find(text) != std::string::npos; });
  }
  void signal(int number) { ::kill(id_, number); }
  std::string output() const { return content_of(path_); }

 private:
  std::string path_;
  pid_t id_ = -1;
};

}  // namespace

TEST_CASE("a program runs, says that it is ready, and ends with 0 on SIGTERM") {
  TemporaryFolder folder;
  Child child(folder, {"run", "--listen", "127.0.0.1:0", "--data", folder.file("data"),
                       "--bootstrap", "ws://127.0.0.1:1", "--admission", "open"});
  REQUIRE(child.says("\n"));
  REQUIRE(child.says("ready "));
  INFO(child.output());
  CHECK(child.output().find(" ws://127.0.0.1:") != std::string::npos);
  Child asking(folder, {"put", "k", "v", "--data", folder.file("data")});
  CHECK(asking.wait() == 0);
  SECTION("SIGTERM") { child.signal(SIGTERM); }
  SECTION("SIGINT") { child.signal(SIGINT); }
  CHECK(child.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(folder.file("data/admin.sock")));
}

TEST_CASE("exit codes say what went wrong") {
  TemporaryFolder folder;
  const std::string data = folder.file("data");
  const auto code = [&](std::vector<std::string> words) {
    Child child(folder, std::move(words));
    const int result = child.wait();
    INFO(child.output());
    CHECK((result == 0 || child.output().size() > 20));
    return result;
  };
  const auto taken = host::ListeningSocket::open({"127.0.0.1", 0});
  CHECK(code({"version"}) == 0);
  CHECK(code({"check", "--data", data, "--bootstrap", "ws://127.0.0.1:1"}) == 0);
  CHECK(code({"keygen", "--data", data}) == 0);
  CHECK(code({"keygen", "--data", data}) == 1);
  CHECK(code({"status", "--data", data}) == 1);
  CHECK(code({"dance"}) == 2);
  CHECK(code({"find", "xyz", "--data", data}) == 2);
  CHECK(code({"check", "--listen", "nonsense"}) == 3);
  CHECK(code({"run", "--data", data, "--listen", "127.0.0.1:0"}) == 3);
  CHECK(code({"run", "--config", folder.file("absent.toml")}) == 3);
  const std::string in_use = to_text(taken->address());
  CHECK(code({"run", "--data", data, "--listen", in_use, "--bootstrap", "ws://127.0.0.1:1",
              "--admission", "open"}) == 4);
  // Nobody gets in whom nobody let in, and whoever starts it is told what to do.
  CHECK(code({"run", "--data", data, "--listen", "127.0.0.1:0", "--bootstrap",
              "ws://127.0.0.1:1"}) == 3);
  CHECK(code({"run", "--data", folder.write("file", ""), "--listen", "127.0.0.1:0", "--bootstrap",
              "ws://127.0.0.1:1"}) == 5);
}
