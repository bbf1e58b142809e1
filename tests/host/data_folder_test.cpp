#include "trestle/host/data_folder.hpp"

#include <optional>
#include <string>
#include <utility>

#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace trestle::test;
using trestle::host::DataFolder;

TEST_CASE("a data folder is made with its parents, for its owner alone") {
  TemporaryFolder folder;
  const std::string path = folder.file("a/b/c");
  const auto opened = DataFolder::open(path);
  REQUIRE(opened);
  CHECK(opened->path() == path);
  CHECK(mode_of(path) == 0700);
}

TEST_CASE("a second program on the same data folder is refused until the first is gone") {
  TemporaryFolder folder;
  {
    const auto first = DataFolder::open(folder.path());
    REQUIRE(first);
    const auto second = DataFolder::open(folder.path());
    REQUIRE_FALSE(second);
    CHECK(second.error().find(folder.path()) != std::string::npos);
  }
  CHECK(DataFolder::open(folder.path()));
}

TEST_CASE("a data folder that is a file, or below one, is refused with its path") {
  TemporaryFolder folder;
  const std::string file = folder.write("file", "");
  for (const std::string& path : {file, file + "/below"}) {
    const auto opened = DataFolder::open(path);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().find(path) != std::string::npos);
  }
}
