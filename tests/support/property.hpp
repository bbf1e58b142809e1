#pragma once

#include <string>
#include <utility>

#include <rapidcheck.h>

#include "catch.hpp"

namespace trestle::test {

/// Runs a rapidcheck property inside a Catch2 test case and reports the shrunk counterexample.
/// (rapidcheck's own bridge includes the header of Catch2's old major version unconditionally.)
template <typename Property>
void check_property(const std::string& description, Property&& property) {
  const auto result = rc::detail::checkTestable(std::forward<Property>(property));
  INFO(description);
  std::ostringstream report;
  rc::detail::printResultMessage(result, report);
  INFO(report.str());
  CHECK(result.template is<rc::detail::SuccessResult>());
}

}  // namespace trestle::test
