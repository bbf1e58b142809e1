#pragma once

// One source for both major versions of Catch2: Debian 12 ships 2.13, its backports and
// Ubuntu 24.04 ship 3.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#else
// An exception inside an assertion ends its test without naming the expression, which is a tenth of
// the time that tests take to compile.
#define CATCH_CONFIG_FAST_COMPILE
#include <catch2/catch.hpp>
#endif
