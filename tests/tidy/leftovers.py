"""What should not stand in a tree that others read: dead files, unfinished words, paths of one machine, poor names."""

import fnmatch
import posixpath
import re

from source_tree import Finding, matches

# Letters in brackets, so that this file does not find itself.
UNFINISHED = r"\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|\bfor[ ]now\b|\bplace[h]older|\bnot[ ]implemented\b"
MACHINE_PATHS = r"(?<![\w.])/(?:wor[k]|roo[t]|tmp/buil[d]|home/[a-z]+)/"
POOR_NAMES = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}
CODE_FOLDERS = ("lib", "apps", "examples", "bench", "tests")
ONE_SOURCE_FILE = {"CLI11": r"CLI/", "toml++": r"toml(?:\+\+|plusplus)?[/.]", "spdlog": r"spdlog/",
                   "prometheus-cpp": r"prometheus/"}
# The same within the library; tests bring file layers of their own for it.
ONE_LIBRARY_FILE = {"SQLite": r"sqlite3\.h"}
EXPECTED = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile")

PROPERTIES = {"CR": 40, "BR": 7, "CC": 4, "PS": 30, "KR": 22, "WR": 14, "ML": 8, "HA": 2, "FN": 6, "BM": 9, "BC": 5,
              "DN": 5, "NG": 5}
TEST_NAME = re.compile(r'\bTEST_CASE(?:_METHOD)?\s*\(\s*(?:\w+\s*,\s*)?"((?:[^"\\]|\\.)*)"')
PROPERTY_MENTIONED = re.compile(r"\bP-[A-Z]{2}-?\d+", re.IGNORECASE)
# A test of a property, or of the simulator's checker for it.
PROPERTY_NAME = re.compile(r"(?:the checker of )?((?:P-[A-Z]{2}-\d+)(?:, P-[A-Z]{2}-\d+)*): \S")


def check_words(tree):
    return [Finding(path, line, f"unfinished by its own word: `{text}`")
            for path in tree.paths(*CODE_FOLDERS, suffixes=(".hpp", ".cpp", ".py", ".txt", ".md"))
            for line, text in matches(tree.files[path], UNFINISHED)]


def check_machine_paths(tree):
    return [Finding(path, line, f"a path of one machine: `{text}`")
            for path, content in tree.files.items() for line, text in matches(content, MACHINE_PATHS)]


def check_names(tree):
    findings = []
    for path in tree.paths(*CODE_FOLDERS, "scripts", suffixes=(".hpp", ".cpp", ".py", ".sh")):
        words = set(re.split(r"[/_.-]", path.rpartition(".")[0].lower()))
        findings += [Finding(path, 1, f"`{word}` names no concept") for word in sorted(words & POOR_NAMES)]
    return findings


def check_pragma_once(tree):
    return [Finding(path, 1, "no #pragma once") for path in tree.paths(*CODE_FOLDERS, suffixes=(".hpp",))
            if not re.search(r"^#pragma once$", tree.files[path], re.MULTILINE)]


def check_one_source_file(tree):
    """Libraries that are slow to compile: included by one source file each, and by no header."""
    findings = []
    wanted = [(library, pattern, tree.paths(*CODE_FOLDERS)) for library, pattern in ONE_SOURCE_FILE.items()]
    wanted += [(library, pattern, tree.paths("lib")) for library, pattern in ONE_LIBRARY_FILE.items()]
    for library, pattern, paths in wanted:
        users = [path for path in paths if any(re.match(pattern, include.target) for include in tree.includes(path))]
        findings += [Finding(path, 1, f"a header includes {library}") for path in users if path.endswith(".hpp")]
        if len(users) > 1:
            findings += [Finding(path, 1, f"{library} belongs into one source file") for path in users]
    return findings


def check_dead_headers(tree):
    paths = tree.paths(*CODE_FOLDERS)
    used = set()
    for path in paths:
        for include in tree.includes(path):
            used.add("lib/" + include.target)
            used.add(posixpath.normpath(posixpath.join(posixpath.dirname(path), include.target)))
            used.update(f"tests/{folder}{include.target}" for folder in ("", "support/"))
    return [Finding(path, 1, "nobody includes this header") for path in paths
            if path.endswith(".hpp") and path not in used]


def check_dead_sources(tree):
    """Every source file of the library is named or globbed by a CMakeLists.txt that is itself reached."""
    reached = reached_cmake_files(tree)
    patterns = [pattern for path in reached for pattern in source_patterns(path, tree.files[path])]
    return [Finding(path, 1, "no target compiles this file") for path in tree.paths("lib", suffixes=(".cpp",))
            if not any(fnmatch.fnmatchcase(path, pattern) and (deep or path.count("/") == pattern.count("/"))
                       for pattern, deep in patterns)]


def reached_cmake_files(tree):
    """CMakeLists.txt files of lib/ whose folder is named by the one above, from lib/trestle down."""
    top = "lib/trestle/CMakeLists.txt"
    reached = {top} & tree.files.keys()
    waiting = list(reached)
    while waiting:
        path = waiting.pop()
        folder = posixpath.dirname(path)
        words = set(re.findall(r"[\w/]+", re.sub(r"#[^\n]*", "", tree.files[path])))
        for below in tree.files:
            if below.startswith(folder + "/") and below.endswith("/CMakeLists.txt") and below not in reached:
                if posixpath.relpath(posixpath.dirname(below), folder) in words:
                    reached.add(below)
                    waiting.append(below)
    return reached


def source_patterns(path, text):
    """(pattern, whether it also reaches into folders below) for everything a CMakeLists.txt compiles."""
    folder = posixpath.dirname(path)
    text = re.sub(r"#[^\n]*", "", text).replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")
    patterns = []
    for command, body in re.findall(r"\b(\w+)\s*\(([^()]*)\)", text):
        deep = "GLOB_RECURSE" in body
        if command == "trestle_room" and not re.search(r"\bSOURCES\b", body):
            patterns.append((f"{folder}/*.cpp", False))
        patterns += [(f"{folder}/{word}", deep) for word in re.findall(r"[\w/*.+-]+\.cpp", body)]
    return patterns


def check_test_names(tree):
    findings = []
    for path in tree.paths("tests", suffixes=(".cpp",)):
        text = tree.files[path]
        for found in TEST_NAME.finditer(text):
            name, line = found.group(1), text.count("\n", 0, found.start()) + 1
            if not PROPERTY_MENTIONED.search(name):
                continue
            form = PROPERTY_NAME.match(name)
            if not form:
                findings.append(Finding(path, line, f'"{name}" should read `P-XX-n: sentence`'))
            elif not all(exists(number) for number in form.group(1).split(", ")):
                findings.append(Finding(path, line, f'"{name}" names a property that does not exist'))
    return findings


def exists(number):
    """Whether the requirements have a property P-XX-n."""
    _, letters, index = number.split("-")
    return 1 <= int(index) <= PROPERTIES.get(letters, 0)


def check_expected_files(tree):
    return [Finding(path, 1, "missing") for path in EXPECTED if path not in tree.files]
