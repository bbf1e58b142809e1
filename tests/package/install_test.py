"""The installed package alone: a service that never saw this source tree finds everything it needs.

One installation into a folder of its own is moved elsewhere, to show that nothing in it names its prefix. Then the
examples are configured, built and run against it, and a single file is compiled by hand with what pkg-config says.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TRESTLE_BUILD"])

BY_HAND = """
#include <cstdio>
#include <trestle/trestle.hpp>

int main() {
  trestle::node::NodeOptions wanted;
  wanted.bootstrap_urls = {"ws://127.0.0.1:1/"};
  auto service = trestle::host::Service::create({}, trestle::host::make<trestle::node::DhtNode>(wanted));
  if (!service) return 1;
  std::printf("%s\\n", (*service)->address().c_str());
}
"""


def cache(name):
    """What the build under test was configured with."""
    text = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", text, re.MULTILINE)
    return found.group(1) if found else ""


def run(*command, seconds=280, **how):
    """Runs to the end and returns what was printed; says what it printed if it failed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, check=False, **how)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="trestle-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "first")
        cls.prefix = cls.folder / "moved"
        (cls.folder / "first").rename(cls.prefix)

    def one(self, pattern):
        """The one file of that name below the prefix."""
        found = list(self.prefix.rglob(pattern))
        self.assertEqual(len(found), 1, f"{pattern}: {found}")
        return found[0]

    def test_nothing_installed_names_a_folder_of_the_build(self):
        package = self.one("trestle-config.cmake").parent
        for file in [*package.iterdir(), self.one("trestle.pc")]:
            text = file.read_text()
            for folder in (SOURCE, BUILD, self.folder):
                self.assertNotIn(str(folder), text, file.name)

    def test_programs_run_where_they_were_installed(self):
        for program in ("bootstrap-node", "bridge-node", "dht-node"):
            self.assertIn(program, run(self.prefix / "bin" / program, "version"))

    def test_the_examples_build_against_the_package_alone_and_run(self):
        build = self.folder / "examples"
        # A copy, so that nothing beside the examples can be reached by a relative path.
        shutil.copytree(SOURCE / "examples", self.folder / "copied")
        run("cmake", "-S", self.folder / "copied", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={cache('CMAKE_CXX_COMPILER')}",
            f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache('CMAKE_CXX_COMPILER_LAUNCHER')}",
            "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_FLAGS_DEBUG={cache('CMAKE_CXX_FLAGS_DEBUG')}")
        run("cmake", "--build", build, seconds=800)

        printed = run(build / "embed_service", seconds=60)
        self.assertRegex(printed, r"primes below 100000: 9592, on \d+ nodes")
        printed = run(build / "own_loop", seconds=60)
        self.assertIn("two reads what one wrote: hello", printed)
        printed = run(build / "bridge_policy", seconds=60)
        self.assertEqual(len(re.findall(r" joined$", printed, re.MULTILINE)), 4, printed)
        self.assertIn("127.0.0.66 brought too many of late", printed)
        self.assertIn("127.0.0.13 is not welcome", printed)
        table = run(build / "churn_study", "7")
        self.assertRegex(table, r"(?m)^banned +\d+ +0 ")
        came = [int(row) for row in re.findall(r"(?m)^(?:villagers|the crowd|banned) +(\d+) ", table)]
        self.assertEqual(sum(came), 2000, table)
        self.assertIn("fingerprint", run(build / "simulate", "--nodes", "8", "--minutes", "1"))

    def test_pkg_config_says_enough_to_compile_by_hand(self):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.one("trestle.pc").parent))
        flags = run("pkg-config", "--cflags", "--libs", "trestle", env=environment).split()
        (self.folder / "by_hand.cpp").write_text(BY_HAND)
        run(cache("CMAKE_CXX_COMPILER"), "-std=c++23", self.folder / "by_hand.cpp", *flags,
            "-o", self.folder / "by_hand")
        self.assertRegex(run(self.folder / "by_hand", seconds=30), r"^ws://127\.0\.0\.1:\d+/$")

    def test_a_program_with_both_suites_does_not_link(self):
        project = self.folder / "both"
        project.mkdir()
        (project / "main.cpp").write_text("int main() {}\n")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(both LANGUAGES CXX)\n"
            "find_package(trestle CONFIG REQUIRED)\nadd_executable(both main.cpp)\n"
            "target_link_libraries(both PRIVATE trestle::crypto_openssl trestle::crypto_standin)\n")
        run("cmake", "-S", project, "-B", project / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={cache('CMAKE_CXX_COMPILER')}")
        with self.assertRaisesRegex(AssertionError, "multiple definition"):
            run("cmake", "--build", project / "build")


if __name__ == "__main__":
    unittest.main()
