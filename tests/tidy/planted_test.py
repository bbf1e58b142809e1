"""Every check finds what is planted for it, and nothing in a tree that is as it should be."""

import unittest

import floors
import leftovers
import sizes
from source_tree import SourceTree

CLEAN = {
    "README.md": "", "ARCHITECTURE.md": "", "CHANGELOG.md": "", "CONTRIBUTING.md": "", "SECURITY.md": "",
    "LICENSE": "", "Makefile": "",
    "lib/trestle/CMakeLists.txt": "foreach(room base dht)\n  add_subdirectory(${room})\nendforeach()\n",
    "lib/trestle/base/CMakeLists.txt": "trestle_room(base)\n",
    "lib/trestle/base/time.hpp": "#pragma once\n#include <chrono>\n// try the system_clock? No.\n",
    "lib/trestle/base/time.cpp": '#include "trestle/base/time.hpp"\n',
    "lib/trestle/dht/CMakeLists.txt":
        "file(GLOB s CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/deep/*.cpp)\ntrestle_room(dht SOURCES ${s})\n",
    "lib/trestle/dht/deep/walk.cpp": '#include "trestle/base/time.hpp"\nconst char* kText = "throw a float";\n',
    "tests/dht/walk_test.cpp": 'TEST_CASE("P-KR-22: a walk ends") {}\nTEST_CASE("a walk is short") {}\n'
                               'TEST_CASE("P-KR-1, P-BR-7: two at once, in a sentence of two " "literals") {}\n'
                               'TEST_CASE("the checker of P-BR-1: a second dial is found") {}\n',
}
CHECKS = (floors.check_floors, floors.check_world, sizes.check_file_lengths, sizes.check_columns,
          sizes.check_functions, leftovers.check_words, leftovers.check_machine_paths, leftovers.check_names,
          leftovers.check_pragma_once, leftovers.check_one_source_file, leftovers.check_dead_headers,
          leftovers.check_dead_sources, leftovers.check_test_names, leftovers.check_expected_files)




class PlantedTest(unittest.TestCase):

    def expect(self, check, path, text, *, line=None, word=""):
        """Planting `text` at `path` gives `check` one finding there."""
        findings = check(SourceTree(CLEAN | {path: text}))
        self.assertEqual([finding.path for finding in findings], [path], findings)
        self.assertIn(word, findings[0].text)
        if line is not None:
            self.assertEqual(findings[0].line, line)

    def expect_nothing(self, check, path, text):
        self.assertEqual(check(SourceTree(CLEAN | {path: text})), [])

    def test_a_clean_tree_has_no_findings(self):
        for check in CHECKS:
            with self.subTest(check.__name__):
                self.assertEqual(check(SourceTree(CLEAN)), [])

    def test_includes_upwards_sideways_and_unrooted(self):
        path = "lib/trestle/dht/deep/walk.cpp"
        for target in ("trestle/node/node.hpp", "trestle/host/loop.hpp", "trestle/pool/slot.hpp", "trestle/attic/x.hpp",
                       "walk.hpp"):
            self.expect(floors.check_floors, path, f'\n#include "{target}"\n', line=2)
        self.expect(floors.check_floors, path, "#include <trestle/node/node.hpp>\n", word="upwards")
        self.expect(floors.check_floors, "lib/trestle/sim/world.cpp", '#include "trestle/host/loop.hpp"\n',
                    word="sideways")
        self.expect(floors.check_floors, "lib/trestle/attic/box.cpp", "", word="no floor")
        self.expect_nothing(floors.check_floors, path, '// #include "trestle/node/node.hpp"\n')
        self.expect_nothing(floors.check_floors, "apps/dht-node/main.cpp", '#include "trestle/host/loop.hpp"\n')

    def test_the_one_glance_sideways_reaches_messages_only(self):
        path = "lib/trestle/crypto/proof.hpp"
        self.expect_nothing(floors.check_floors, path, '#include "trestle/wire/message/contact.hpp"\n')
        self.expect(floors.check_floors, path, '#include "trestle/wire/native/codec.hpp"\n', word="sideways")
        self.expect(floors.check_floors, "lib/trestle/wire/x.hpp", '#include "trestle/crypto/proof.hpp"\n')

    def test_the_world_below_the_line(self):
        path = "lib/trestle/dht/deep/walk.cpp"
        for code in ("auto now = std::chrono::steady_clock::now();", "auto t = time(nullptr);", "int x = std::rand();",
                     "std::shuffle(a, b, c);", "std::uniform_int_distribution<int> d;", "std::random_device r;",
                     "std::function<void()> f;", "std::unordered_map<int, int> m;", "auto* p = dynamic_cast<A*>(q);",
                     "auto& t = typeid(x);", "throw 1;", "try { f(); } finally;", "double ratio = 0;", "float f;",
                     "std::mutex lock;", "auto s = fmt::to_string(1);", "auto s = std::format(1);"):
            with self.subTest(code):
                self.expect(floors.check_world, path, f"\n\n{code}\n", line=3)
        for header in ("thread", "mutex", "random", "iostream", "fstream", "filesystem", "functional", "sys/socket.h",
                       "unistd.h", "unordered_map", "unordered_set", "fmt/core.h"):
            with self.subTest(header):
                self.expect(floors.check_world, path, f"#include <{header}>\n", word=header)

    def test_a_hashed_container_may_be_asked_but_not_looped_over(self):
        header, source = "lib/trestle/dht/record_store.hpp", "lib/trestle/dht/record_store.cpp"
        declared = "#include <unordered_map>\nstd::unordered_map<A, B<C>> places_;\n"
        self.expect_nothing(floors.check_world, header, declared + "auto p = places_.find(key);\n")
        self.expect(floors.check_world, "lib/trestle/dht/lookup.hpp", "std::unordered_map<A, B> places_;\n")
        for loop in ("for (auto& place : places_) {}", "auto first = places_.begin();"):
            findings = floors.check_world(SourceTree(CLEAN | {header: declared, source: f"\n{loop}\n"}))
            self.assertEqual([(finding.path, finding.line) for finding in findings], [(source, 2)])

    def test_the_world_is_allowed_above_the_line_and_in_comments(self):
        self.expect_nothing(floors.check_world, "lib/trestle/host/loop.cpp", "#include <thread>\nfloat f;\n")
        path = "lib/trestle/dht/deep/walk.cpp"
        for code in ("// throw, float\n", "/* throw\n float */\n", 'auto s = R"(throw float)";\n', "int uptime(int);\n",
                     "auto d = x.time(0);\n", "void on_wall_clock(int);\n", "int n = 1'000'000; // try\n",
                     "auto retry = 1;\n"):
            with self.subTest(code):
                self.expect_nothing(floors.check_world, path, code)

    def test_file_lengths(self):
        for path, limit in (("lib/trestle/base/time.hpp", 250), ("lib/trestle/base/time.cpp", 600),
                            ("tests/dht/walk_test.cpp", 800), ("apps/dht-node/main.cpp", 120),
                            ("scripts/demo.py", 400)):
            self.expect(sizes.check_file_lengths, path, "\n" * (limit + 1), word=str(limit))
            self.expect_nothing(sizes.check_file_lengths, path, "\n" * limit)

    def test_columns(self):
        path = "lib/trestle/base/time.cpp"
        self.expect(sizes.check_columns, path, "\n" + "x" * 101, line=2)
        self.expect_nothing(sizes.check_columns, path, "x" * 100 + "\n" + "\u00fc" * 100)

    def test_long_functions_in_every_shape(self):
        path = "lib/trestle/base/time.cpp"
        heads = ("void f() {", "int Type::f(int a) const noexcept {", "auto f() -> std::pair<int, int> {",
                 "Type::Type(int a) : a_(a), b_{a} {", "Type::Type() noexcept : a_{1}, b_{2}, c_(3) {",
                 "template <class T> void f(T t) {", "bool Type::operator==(const Type&) const {",
                 'TEST_CASE("a") {')
        for head in heads:
            for before, after in (("", ""), ("namespace a {\n", "}\n"), ("class B {\n public:\n", "};\n"),
                                  ("constexpr int k[] = {1, 2};\n", ""), ("struct P { int x{1}; };\n", "")):
                short = before + head + "\n  if (x) { y(); }" * 60 + "\n}\n" + after
                long = before + head + "\n  if (x) { y(); }" * 80 + "\n}\n" + after
                with self.subTest(head=head, before=before):
                    self.expect_nothing(sizes.check_functions, path, short)
                    self.expect(sizes.check_functions, path, long, line=before.count("\n") + 1)

    def test_many_short_functions_are_not_one_long_one(self):
        path = "lib/trestle/base/time.cpp"
        one = "Type::Type(int a) : a_{a} {\n#ifdef X\n  if (a) {\n#else\n  if (!a) {\n#endif\n    f();\n  }\n}\n"
        self.expect_nothing(sizes.check_functions, path, "namespace a {\n" + one * 30 + "}  // namespace a\n")
        self.expect_nothing(sizes.check_functions, path, "constexpr int kTable[] = {\n" + "  1,\n" * 200 + "};\n")

    def test_unfinished_words(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK", "for" " now", "place" "holder", "not" " implemented"):
            self.expect(leftovers.check_words, "lib/trestle/base/time.cpp", f"// {word}: x\n", line=1)
        self.expect_nothing(leftovers.check_words, "lib/trestle/base/time.cpp", "// for nowhere\n")

    def test_machine_paths(self):
        for path in ("/wor" "k/main", "/roo" "t/.bashrc", "/tmp/buil" "d/x", "/home/someon" "e/x"):
            self.expect(leftovers.check_machine_paths, "docs/guide.md", f"see {path}\n")
        self.expect_nothing(leftovers.check_machine_paths, "docs/guide.md", "net/wor" "k/ or framework/\n")

    def test_poor_names(self):
        for name in ("utils.hpp", "connection_manager.hpp", "common/bytes.hpp", "string_helpers.hpp"):
            self.expect(leftovers.check_names, f"lib/trestle/base/{name}", "#pragma once\n")

    def test_pragma_once(self):
        self.expect(leftovers.check_pragma_once, "lib/trestle/base/time.hpp", "// #pragma once\n")

    def test_slow_headers(self):
        twice = {"apps/a/main.cpp": "#include <CLI/CLI.hpp>\n", "apps/b/main.cpp": "#include <CLI/App.hpp>\n"}
        self.assertEqual(len(leftovers.check_one_source_file(SourceTree(CLEAN | twice))), 2)
        self.expect(leftovers.check_one_source_file, "lib/trestle/host/log.hpp", "#include <spdlog/spdlog.h>\n")
        self.expect(leftovers.check_one_source_file, "lib/trestle/host/settings.hpp", "#include <toml++/toml.h>\n")
        self.expect(leftovers.check_one_source_file, "lib/trestle/host/record_database.hpp", "#include <sqlite3.h>\n")
        self.expect_nothing(leftovers.check_one_source_file, "lib/trestle/host/log.cpp", "#include <spdlog/spdlog.h>\n")
        self.expect_nothing(leftovers.check_one_source_file, "tests/host/file_layer.hpp", "#include <sqlite3.h>\n")

    def test_dead_headers(self):
        self.expect(leftovers.check_dead_headers, "lib/trestle/base/lonely.hpp", "#pragma once\n")

    def test_dead_sources(self):
        self.expect(leftovers.check_dead_sources, "lib/trestle/dht/lonely.cpp", "")
        self.expect(leftovers.check_dead_sources, "lib/trestle/dht/deep/down/lonely.cpp", "")
        self.expect(leftovers.check_dead_sources, "lib/trestle/base/deep/lonely.cpp", "")
        orphan = {"lib/trestle/mesh/CMakeLists.txt": "trestle_room(mesh)\n", "lib/trestle/mesh/mesh.cpp": ""}
        self.assertEqual([finding.path for finding in leftovers.check_dead_sources(SourceTree(CLEAN | orphan))],
                         ["lib/trestle/mesh/mesh.cpp"])

    def test_property_names(self):
        path = "tests/dht/walk_test.cpp"
        for name in ("P-KR-22 a walk ends", "P-KR22: a walk ends", "walks: P-KR-2", "P-KR-2:", "p-kr-2: a walk",
                     "P-KR-23: a walk ends", "P-KR-1, P-KR-23: walks", "P-KR-1 P-KR-2: walks", "P-QQ-1: a walk ends",
                     "P-KR-0: a walk ends"):
            with self.subTest(name):
                self.expect(leftovers.check_test_names, path, f'\nTEST_CASE("{name}") {{}}\n', line=2)

    def test_missing_files(self):
        for path in leftovers.EXPECTED:
            without = {name: text for name, text in CLEAN.items() if name != path}
            self.assertEqual([finding.path for finding in leftovers.check_expected_files(SourceTree(without))], [path])


if __name__ == "__main__":
    unittest.main()
