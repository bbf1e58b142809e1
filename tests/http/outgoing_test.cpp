#include "trestle/http/outgoing.hpp"

#include <string>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

TEST_CASE("bytes go out in the order in which they came, however little goes at a time") {
  Rng rng(1);
  http::Outgoing tested;
  std::string model;
  for (std::uint64_t step = 0; step < 10'000; ++step) {
    const std::string added(rng.below(20), static_cast<char>('a' + step % 26));
    tested.add(as_bytes(added));
    model += added;
    const std::uint64_t gone = rng.below(model.size() + 1);
    tested.consume(gone);
    model.erase(0, gone);
    REQUIRE(tested.size() == model.size());
    REQUIRE(as_text(tested.waiting()) == model);
  }
}
