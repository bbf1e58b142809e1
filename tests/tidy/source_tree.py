"""The files of a checkout, as the checks see them: paths and texts, C++ also without comments and literals."""

import dataclasses
import functools
import pathlib
import re

LEFT_OUT = {".git", "build", "__pycache__", "data", "corpus"}
TEXT_SUFFIXES = {".hpp", ".cpp", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".toml", ""}
CPP_SUFFIXES = (".hpp", ".cpp")

# One alternative per thing that must not be read as code: comments, raw strings, strings, characters.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'",
    re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that should not be as it is."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


@dataclasses.dataclass(frozen=True)
class Include:
    """One include line: what it names, and between which marks."""

    line: int
    target: str
    quoted: bool


def blank(text):
    """As many lines as `text` has, and nothing on them."""
    return "\n" * text.count("\n")


def code_of(text):
    """C++ without comments and without the inside of literals; every line keeps its number."""
    def replace(found):
        kept = blank(found.group())
        return kept if found.group().startswith("/") else '""' + kept
    return NOT_CODE.sub(replace, text)


class SourceTree:
    """Texts by path. The same checks read the real checkout and the small ones that their tests plant."""

    def __init__(self, files):
        self.files = dict(files)
        self.code = functools.cache(lambda path: code_of(self.files[path]))

    @classmethod
    def from_folder(cls, root):
        root = pathlib.Path(root)
        files = {}
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if LEFT_OUT.isdisjoint(relative.parts) and path.suffix in TEXT_SUFFIXES and path.is_file():
                try:
                    files[relative.as_posix()] = path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue
        return cls(files)

    def paths(self, *folders, suffixes=CPP_SUFFIXES):
        """Paths under the folders, C++ unless said otherwise."""
        return [path for path in self.files
                if path.endswith(tuple(suffixes)) and path.startswith(tuple(f"{folder}/" for folder in folders))]

    def includes(self, path):
        """The include lines of a file, commented ones left out."""
        # Quoted include targets are literals, so only the comments may be removed here.
        text = re.sub(r"//[^\n]*|/\*.*?\*/", lambda found: blank(found.group()), self.files[path], flags=re.DOTALL)
        return [Include(text.count("\n", 0, found.start()) + 1, found.group(2), found.group(1) == '"')
                for found in INCLUDE.finditer(text)]


def room_of(path):
    """`dht` of `lib/trestle/dht/lookup.hpp`, or None outside the library's rooms."""
    parts = path.split("/")
    return parts[2] if len(parts) > 3 and parts[:2] == ["lib", "trestle"] else None


def line_of(text, position):
    """The line number of a position."""
    return text.count("\n", 0, position) + 1


def matches(text, pattern):
    """(line, matched text) of every match."""
    return [(line_of(text, found.start()), found.group()) for found in re.finditer(pattern, text)]
