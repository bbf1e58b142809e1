#include "trestle/host/passphrase.hpp"

#include <cstdlib>

#include "catch.hpp"
#include "passphrase_file.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

std::string text_of(const Passphrase& phrase) { return std::string(as_text(phrase.bytes())); }

}  // namespace

TEST_CASE("a passphrase is the first line of its file") {
  TemporaryFolder folder;
  for (const std::string ending : {"", "\n", "\r\n", "\nanother line\n"}) {
    const auto read = read_passphrase(passphrase_file(folder, "correct horse" + ending));
    REQUIRE(read);
    CHECK(text_of(*read) == "correct horse");
  }
}

TEST_CASE("a passphrase that others may read, that is short, or that is not there is refused") {
  TemporaryFolder folder;
  const std::string path = passphrase_file(folder, "correct horse\n");
  ::chmod(path.c_str(), 0640);
  const auto open_to_others = read_passphrase(path);
  REQUIRE_FALSE(open_to_others);
  CHECK(open_to_others.error().find(path) != std::string::npos);
  CHECK(open_to_others.error().find("chmod 600") != std::string::npos);
  CHECK_FALSE(read_passphrase(passphrase_file(folder, "")));
  CHECK_FALSE(read_passphrase(passphrase_file(folder, "\ncorrect horse\n")));
  CHECK_FALSE(read_passphrase(passphrase_file(folder, "seven77\n")));
  CHECK(read_passphrase(passphrase_file(folder, "eight888\n")));
  CHECK_FALSE(read_passphrase(passphrase_file(folder, std::string(2000, 'x'))));
  CHECK_FALSE(read_passphrase(folder.file("absent")));
}

TEST_CASE("where no setting names the passphrase's file, a variable may") {
  TemporaryFolder folder;
  ::unsetenv(kPassphraseVariable);
  REQUIRE(read_passphrase(""));
  CHECK(read_passphrase("")->is_none());
  const std::string path = passphrase_file(folder, "correct horse\n");
  ::setenv(kPassphraseVariable, path.c_str(), 1);
  CHECK(text_of(*read_passphrase("")) == "correct horse");
  ::setenv(kPassphraseVariable, folder.file("absent").c_str(), 1);
  CHECK_FALSE(read_passphrase(""));
  CHECK(text_of(*read_passphrase(path)) == "correct horse");
  ::unsetenv(kPassphraseVariable);
}
