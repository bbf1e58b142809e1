#include "trestle/host/key_file.hpp"

#include <string>

#include <sys/stat.h>

#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

TEST_CASE("an identity is made once and read again the same, readable by its owner alone") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto made = read_or_create_key_file(suite, path);
  REQUIRE(made);
  CHECK(mode_of(path) == 0600);
  CHECK(content_of(path).size() == 33);
  CHECK(content_of(path).front() == 1);
  const auto read = read_or_create_key_file(suite, path);
  REQUIRE(read);
  CHECK(read->key == made->key);
}

TEST_CASE("creating never replaces an identity that is there") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  REQUIRE(create_key_file(suite, path));
  const std::string before = content_of(path);
  CHECK_FALSE(create_key_file(suite, path));
  CHECK(content_of(path) == before);
  CHECK_FALSE(std::filesystem::exists(path + ".draft"));
}

TEST_CASE("an identity that others may touch is refused") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  REQUIRE(create_key_file(suite, path));
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    ::chmod(path.c_str(), mode);
    const auto read = read_or_create_key_file(suite, path);
    REQUIRE_FALSE(read);
    CHECK(read.error().find(path) != std::string::npos);
  }
}

TEST_CASE("a damaged identity is refused and left alone") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto identity = [](char version, std::size_t bytes, char fill) {
    std::string content(1 + bytes, fill);
    content.front() = version;
    return content;
  };
  for (const std::string& content :
       {std::string(), identity(1, 0, 'x'), identity(2, 32, 'x'), identity(1, 33, 'x'),
        identity(1, 32, '\0'), identity(1, 32, '\xff')}) {
    folder.write("identity", content);
    ::chmod(path.c_str(), 0600);
    CHECK_FALSE(read_or_create_key_file(suite, path));
    CHECK(content_of(path) == content);
  }
}
