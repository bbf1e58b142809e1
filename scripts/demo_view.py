"""What `make run` shows: lines as things happen, and below them, on a terminal, a table that stays current."""

import os
import re
import shutil
import sys
import time

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """Writes to a terminal in colour with a live panel, or plainly to anything else."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.is_terminal = out.isatty()
        self.started = time.monotonic()
        self._panel = []

    def paint(self, text, *styles):
        """Text in the given styles, where there are colours."""
        if not self.is_terminal:
            return text
        return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[0m"

    def line(self, text=""):
        """A line that stays."""
        self._erase()
        self._write(text + "\n")
        self._draw()

    def event(self, who, what):
        """A line that says when, who and what."""
        when = self.paint(f"{time.monotonic() - self.started:7.2f} s", "dim")
        self.line(f"{when}  {self.paint(f'{who:<10}', 'cyan')} {what}")

    def show(self, panel):
        """Replaces the live panel. Not on a terminal nothing is live: see `keep`."""
        if self.is_terminal:
            self._erase()
            self._panel = panel
            self._draw()

    def keep(self, panel):
        """The panel as lines that stay; the live one ends."""
        self._erase()
        self._panel = []
        for text in panel:
            self._write(text + "\n")
        self._flush()

    def _erase(self):
        if self._panel:
            self._write(f"\x1b[{len(self._panel)}F\x1b[J")

    def _draw(self):
        width = shutil.get_terminal_size().columns
        for text in self._panel:
            self._write(clip(text, width) + "\n")
        self._flush()

    def _write(self, text):
        self._attempt(lambda: self.out.write(text))

    def _flush(self):
        self._attempt(self.out.flush)

    def _attempt(self, action):
        """A terminal that is gone, or a pipe that nobody reads, is no reason to leave programs behind."""
        try:
            action()
        except OSError:
            self.out = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            self.is_terminal = False


def clip(text, width):
    """At most `width` visible characters; colour codes do not count and are closed."""
    if len(ESCAPE.sub("", text)) <= width:
        return text
    kept, seen = "", 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", text):
        if part.startswith("\x1b"):
            kept += part
        else:
            kept += part[:width - seen]
            seen = min(width, seen + len(part))
    return kept + "\x1b[0m"


def table(screen, header, rows):
    """Aligned columns: numbers to the right, the first row as a header. Cells may be coloured."""
    def visible(cell):
        return len(ESCAPE.sub("", str(cell)))

    columns = list(zip(header, *rows))
    widths = [max(visible(cell) for cell in column) for column in columns]
    right = [bool(rows) and all(isinstance(cell, int) for cell in column[1:]) for column in columns]

    def written(row):
        cells = [" " * (width - visible(cell)) + str(cell) if to_right else str(cell) + " " * (width - visible(cell))
                 for cell, width, to_right in zip(row, widths, right)]
        return "  " + "  ".join(cells).rstrip()

    return [screen.paint(written(header), "dim")] + [written(row) for row in rows]


def network_panel(screen, programs, statuses):
    """One row a program: who it is and how it is."""
    rows = []
    for program in programs:
        status = statuses.get(program.name)
        if status is None:
            state = screen.paint("does not answer" if program.is_running else "stopped", "red")
            rows.append((program.name, (program.id or "")[:8], program.url or "", state, 0, ""))
            continue
        health = screen.paint("healthy", "green") if status["healthy"] else screen.paint("unhealthy", "yellow")
        rows.append((program.name, status["id"][:8], status["address"], status["state"], len(status["peers"]), health))
    return ["", *table(screen, ("program", "id", "address", "state", "peers", "health"), rows)]


def bridge_panel(screen, status, names, watch):
    """The bootstrap's bridge set: what runs over how many connections."""
    rows = []
    for slot in (status or {}).get("bridges", ()):
        state = slot["state"]
        colour = "green" if state == "connected" else "yellow"
        rows.append((names.get(slot["id"], slot["url"]), screen.paint(state, colour), slot["breaker"],
                     slot["connections_opened"], slot["requests"], slot["answers"], slot["busy_answers"],
                     slot["timeouts"] + slot["failures"]))
    header = ("bridge set", "state", "breaker", "opened", "requests", "answers", "busy", "failed")
    lines = ["", *table(screen, header, rows)]
    if watch:
        lines.append(f"  the operating system saw {len(watch.seen)} connections to bridges in all, "
                     f"at most {watch.most_at_once} at once")
    return lines
