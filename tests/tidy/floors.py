"""Which room may see which: downwards only, never sideways, never up. And what nobody below the line may touch."""

import re

from source_tree import Finding, matches, room_of

FLOORS = {
    "base": 0,
    "wire": 1, "crypto": 1, "tls": 1,
    "link": 2, "http": 2,
    "pool": 3, "bridge": 3, "mesh": 3, "dht": 3, "onboarding": 3, "admission": 3, "pubsub": 3, "relay": 3,
    "node": 4,
    "host": 5, "sim": 5, "web": 5,
}
LINE = 4  # the highest floor below the line

# The one glance sideways: a proof is made over the fields of `hello` and `welcome`, so the formats of crypto/ speak of
# those structs. Of wire/ it may see the plain messages and nothing else (no codec, no JSON).
SIDEWAYS_ALLOWED = {"crypto": "trestle/wire/message/"}

# Hashed containers that are asked for one key at a time. Their order differs between standard libraries, so nothing
# may ever loop over one; `check_world` looks for that too.
ASKED_FOR_ONE_KEY = {"lib/trestle/dht/record_store.hpp"}

FORBIDDEN_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "stop_token", "random", "iostream", "ostream",
    "istream", "fstream", "filesystem", "functional", "unordered_map", "unordered_set", "memory_resource", "ctime",
    "time.h", "unistd.h", "fcntl.h", "poll.h", "pthread.h", "signal.h", "csignal", "netdb.h", "exception", "stdexcept",
    "typeinfo", "stacktrace",
}
# <functional> is listed for std::function; hashing and comparing objects live in it too, and the core needs neither.
FORBIDDEN_HEADER_FOLDERS = ("sys/", "netinet/", "arpa/", "fmt/", "spdlog/", "CLI/", "toml++/", "prometheus/")

FORBIDDEN_NAMES = {
    r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b|_clock::now\b": "names a clock; time is passed in",
    r"\b(?:gettimeofday|clock_gettime)\b": "reads a clock; time is passed in",
    r"(?<![\w.>:])(?:std::|::)?time\s*\(\s*(?:0|NULL|nullptr|&)": "reads a clock; time is passed in",
    r"(?<![\w.>:])(?:std::|::)?s?rand\s*\(": "draws outside Rng",
    r"\bstd::(?:random_device|mt19937\w*|default_random_engine|\w+_distribution)\b": "draws outside Rng",
    r"\bstd::(?:ranges::)?shuffle\b": "differs between standard libraries; use Rng",
    r"\bstd::(?:move_only_)?function\b": "stores a closure; emit an effect",
    r"\bstd::unordered_\w+": "its order differs between standard libraries; use FlatMap",
    r"\bstd::pmr\b": "the core has no memory resources",
    r"\b(?:this_thread|std::j?thread|std::\w*mutex|std::async)\b": "the core has one thread, and it is the driver's",
    r"\bfmt::": "the core links no fmt",
    r"\bdynamic_cast\b": "needs RTTI",
    r"\btypeid\b": "needs RTTI",
    r"\bthrow\b": "the core has no exceptions",
    r"\btry\b": "the core has no exceptions",
    r"\bcatch\s*\(": "the core has no exceptions",
    r"\b(?:float|double)\b": "integers decide",
    r"\bstd::(?:format|print|println)\b": "g++ 12 has none",
}


def check_floors(tree):
    """Include lines against the floors."""
    findings = []
    for path in tree.paths("lib"):
        room = room_of(path)
        if room is not None and room not in FLOORS:
            findings.append(Finding(path, 1, f"the room {room}/ stands on no floor"))
            continue
        for include in tree.includes(path):
            if problem := problem_of_include(room, include):
                findings.append(Finding(path, include.line, problem))
    return findings


def problem_of_include(room, include):
    """What is wrong with an include line of a file in that room (None: a header above all rooms), or None."""
    if not include.target.startswith("trestle/"):
        return "quoted includes start with trestle/" if include.quoted else None
    parts = include.target.split("/")
    seen = parts[1] if len(parts) > 2 else None
    if room is None or seen == room:
        return None
    if seen not in FLOORS:
        return f"includes {include.target}, which stands on no floor"
    if FLOORS[seen] > FLOORS[room]:
        return f"{room}/ (floor {FLOORS[room]}) includes {include.target}, upwards to floor {FLOORS[seen]}"
    if FLOORS[seen] == FLOORS[room] and not include.target.startswith(SIDEWAYS_ALLOWED.get(room, "\0")):
        return f"{room}/ includes {include.target}, sideways on floor {FLOORS[room]}"
    return None


def is_below_the_line(path):
    room = room_of(path)
    return room is not None and FLOORS.get(room, LINE) <= LINE


def check_world(tree):
    """Headers and names that would let the world into the core."""
    findings = []
    for path in filter(is_below_the_line, tree.paths("lib")):
        allowed = {"unordered_map"} if path in ASKED_FOR_ONE_KEY else set()
        for include in tree.includes(path):
            if include.target in FORBIDDEN_HEADERS - allowed or include.target.startswith(FORBIDDEN_HEADER_FOLDERS):
                findings.append(Finding(path, include.line, f"<{include.target}> below the line"))
        code = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", tree.code(path), flags=re.MULTILINE)
        if allowed:
            findings += loops_over_hashed(tree, path)
            code = code.replace("std::unordered_map", "")
        for pattern, reason in FORBIDDEN_NAMES.items():
            findings += [Finding(path, line, f"`{text.strip()}` below the line: {reason}")
                         for line, text in matches(code, pattern)]
    return findings


def loops_over_hashed(tree, header):
    """Loops over the hashed containers that a header declares, in it and in the source file beside it."""
    names = re.findall(r"\bstd::unordered_\w+\s*<[^;]*>\s*(\w+)\s*;", tree.code(header))
    loop = rf":\s*(?:{'|'.join(names)})\s*\)|\b(?:{'|'.join(names)})\s*\.\s*c?begin\b" if names else r"$^"
    return [Finding(path, line, f"`{text.strip()}` loops over a hashed container")
            for path in (header, header.replace(".hpp", ".cpp")) if path in tree.files
            for line, text in matches(tree.code(path), loop)]
