#include "trestle/host/line_writer.hpp"

#include <algorithm>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/clock.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

/// A pipe whose reader reads when a test says so.
struct Pipe {
  Pipe() {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    close_reader();
    ::close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }
  std::string read() {
    std::string text;
    char buffer[65536];
    for (ssize_t bytes; (bytes = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(bytes));
    }
    return text;
  }

  int ends[2] = {-1, -1};
};

const std::string kLine(1000, 'x');

}  // namespace

TEST_CASE("a pipe that nobody reads costs lines, never time") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1]);
  const Instant begun = steady_now();
  for (int line = 0; line < 10'000; ++line) writer.write(kLine);
  CHECK(steady_now() - begun < std::chrono::seconds(2));
  CHECK(writer.lines_dropped() > 9'000);
  CHECK_FALSE(writer.has_room());
}

TEST_CASE("when the reader comes back it gets whole lines, in order, and no gap within the held") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1]);
  for (int line = 0; line < 1000; ++line) writer.write(std::to_string(line) + " " + kLine);
  const auto kept = 1000 - writer.lines_dropped();
  std::string text;
  while (!writer.has_room()) {
    text += pipe.read();
    writer.flush();
  }
  text += pipe.read();
  writer.write("the next");
  text += pipe.read();
  CHECK(static_cast<std::uint64_t>(std::ranges::count(text, '\n')) == kept + 1);
  std::size_t place = 0;
  for (std::uint64_t line = 0; line < kept; ++line) {
    const std::string whole = std::to_string(line) + " " + kLine + "\n";
    REQUIRE(text.compare(place, whole.size(), whole) == 0);
    place += whole.size();
  }
  CHECK(text.substr(place) == "the next\n");
}

TEST_CASE("a line larger than a pipe arrives whole") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1]);
  const std::string large(200'000, 'y');
  writer.write(large);
  std::string text;
  while (!writer.has_room()) {
    text += pipe.read();
    writer.flush();
  }
  CHECK(text + pipe.read() == large + "\n");
  CHECK(writer.lines_dropped() == 0);
}

TEST_CASE("a reader that is gone for good costs the lines alone") {
  std::signal(SIGPIPE, SIG_IGN);  // as the programs do
  Pipe pipe;
  LineWriter writer(pipe.ends[1]);
  pipe.close_reader();
  for (int line = 0; line < 10; ++line) writer.write("nobody reads this");
  CHECK(writer.lines_dropped() == 10);
}

TEST_CASE("a file gets every line") {
  TemporaryFolder folder;
  const std::string path = folder.file("log");
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  {
    LineWriter writer(file);
    for (int line = 0; line < 3000; ++line) writer.write(kLine);
    CHECK(writer.lines_dropped() == 0);
  }
  ::close(file);
  CHECK(content_of(path).size() == 3000 * (kLine.size() + 1));
}
