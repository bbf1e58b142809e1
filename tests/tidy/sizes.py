"""How long files, lines and functions may be."""

import dataclasses
import re

from source_tree import Finding, blank

LINES_MAX = {"header": 250, "source": 600, "test": 800, "app": 120, "python": 400}
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70

CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|else|elif|endif)", re.MULTILINE)
TYPE_HEAD = re.compile(r"\b(class|struct|union|enum)\b[^()]*$")
FUNCTION_HEAD = re.compile(
    r"\)\s*(?:const|noexcept(?:\([^()]*\))?|override|final|mutable|&{1,2}|\s)*"  # parameters and qualifiers
    r"(?:->[^;]*|:(?!:).*|requires\b.*)?$", re.DOTALL)


def check_file_lengths(tree):
    findings = []
    for path, text in tree.files.items():
        kind = kind_of(path)
        lines = text.count("\n") + (not text.endswith("\n"))
        if kind and lines > LINES_MAX[kind]:
            findings.append(Finding(path, lines, f"{lines} lines; a {kind} file has at most {LINES_MAX[kind]}"))
    return findings


def kind_of(path):
    """Which limit a file falls under, or None."""
    folder, suffix = path.split("/")[0], path.rpartition(".")[2]
    if folder == "tests" and suffix in ("cpp", "hpp", "py"):
        return "test"
    if folder == "scripts" and suffix == "py":
        return "python"
    if folder == "apps" and suffix in ("cpp", "hpp"):
        return "app"
    if folder in ("lib", "examples", "bench"):
        return {"hpp": "header", "cpp": "source"}.get(suffix)
    return None


def check_columns(tree):
    return [Finding(path, number, f"{len(line)} columns; at most {COLUMNS_MAX}")
            for path in tree.paths("lib", "apps", "examples", "bench", "tests")
            for number, line in enumerate(tree.files[path].split("\n"), 1)
            if len(line) > COLUMNS_MAX and not re.match(r"\s*#\s*include|.*https?://", line)]


def check_functions(tree):
    findings = []
    for path in tree.paths("lib", "apps", "examples"):
        for function in functions_of(tree.code(path)):
            if function.lines > FUNCTION_LINES_MAX:
                findings.append(Finding(path, function.line, f"`{function.name}` has {function.lines} lines; "
                                                             f"a function has at most {FUNCTION_LINES_MAX}"))
    return findings


@dataclasses.dataclass
class Function:
    name: str
    line: int
    lines: int


@dataclasses.dataclass
class Scope:
    """What one open brace belongs to."""

    kind: str  # outer (namespace, type), function, inner (anything in a function), value (a braced initialiser)
    head: str
    line: int


def functions_of(code):
    """Every function body outside other functions. An approximation by braces: it needs no compiler and misses no long
    one that is formatted by the house's rules."""
    code = without_other_branches(code)
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda found: blank(found.group()), code, flags=re.MULTILINE)
    functions, scopes = [], []
    head, head_line, line = "", 1, 1
    for character in code:
        if character == "\n":
            line += 1
        kind = scopes[-1].kind if scopes else "outer"
        if character == "{":
            scopes.append(Scope(kind_of_brace(head, kind), head, head_line))
            if scopes[-1].kind != "value":
                head = ""
        elif character == "}" and scopes:
            closed = scopes.pop()
            if closed.kind == "function":
                functions.append(Function(name_of(closed.head), closed.line, line - closed.line + 1))
            head = head + "{}" if closed.kind == "value" else ""
        elif character == ";" and kind != "value":
            head = ""
        elif character == ":" and head.strip() in ("public", "private", "protected"):
            head = ""
        elif kind == "outer":
            if not head.strip():
                head_line = line
            head += character
    return functions


def kind_of_brace(head, enclosing):
    """What an opening brace after `head` begins."""
    if enclosing in ("function", "inner"):
        return "inner"
    if enclosing == "value":
        return "value"
    head = re.sub(r"\btemplate\s*<[^{}]*?>\s*(?=\w|\[)", "", head).strip()
    if re.search(r"\bnamespace\b|^extern\s*\"\"$", head) or TYPE_HEAD.search(head):
        return "outer"
    if not FUNCTION_HEAD.search(head):
        return "value"
    # A constructor's initialisers: a brace right after a member's name holds its value, any other one opens the body.
    initialisers = re.search(r"\)\s*(?:noexcept\s*)?:(?!:)(.*)$", head, re.DOTALL)
    if initialisers and re.search(r"[\w>]$", initialisers.group(1)):
        return "value"
    return "function"


def name_of(head):
    """The function's name out of its head."""
    found = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", head)
    return found.group(1) if found else "(a function)"


def without_other_branches(code):
    """Keeps the first branch of every #if, so that braces stay in balance."""
    kept, depth_skipped, depth = [], None, 0
    for text in code.split("\n"):
        found = CONDITIONAL.match(text)
        word = found.group(1) if found else None
        if word == "if":
            depth += 1
        elif word in ("else", "elif") and depth_skipped is None:
            depth_skipped = depth
        elif word == "endif":
            if depth_skipped == depth:
                depth_skipped = None
            depth -= 1
        kept.append("" if depth_skipped is not None or word else text)
    return "\n".join(kept)
