"""A page as headless Chromium shows it: its tables, its canvases, what its console said."""
import os
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

SKIPPED = 77


class Dom(HTMLParser):
    """Of each section (by id): its text, its tables as rows of cells, the sizes of its canvases."""

    VOID = {"meta", "input", "br", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.tables, self.texts, self.canvases, self.tags = [], {}, {}, {}, []
        self.in_script = False

    def section(self):
        return next((attributes["id"] for _, attributes in reversed(self.open) if attributes.get("id")), "")

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        self.tags.append((tag, attributes))
        if tag == "table":
            self.tables.setdefault(self.section(), []).append([])
        elif tag == "tr":
            self.tables[self.section()][-1].append([])
        elif tag in ("td", "th"):
            self.tables[self.section()][-1][-1].append({"value": attributes.get("data-value"), "text": ""})
        elif tag == "canvas":
            self.canvases.setdefault(self.section(), []).append(attributes)
        if tag not in self.VOID:
            self.open.append((tag, attributes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if "script" in tags or "style" in tags:
            return
        self.texts[self.section()] = self.texts.get(self.section(), "") + data
        if "td" in tags or "th" in tags:
            self.tables[self.section()][-1][-1][-1]["text"] += data


def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        print("skipped: chromium is not installed")
        sys.exit(SKIPPED)
    return found


def parsed(text):
    dom = Dom()
    dom.feed(text)
    return dom


def look(page, width=1600):
    """(Dom, what the console said)."""
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium(), "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}",
                   f"--window-size={width},1200", "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        done = subprocess.run([*command, page.resolve().as_uri()], capture_output=True, text=True, timeout=280, check=False)
    return parsed(done.stdout), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


class Findings:
    """What is not as it should be."""

    def __init__(self):
        self.found, self.compared = [], 0

    def check(self, holds, what):
        self.compared += 1
        if not holds:
            self.found.append(what)

    def same(self, found, expected, what):
        self.check(found == expected, f"{what}: found {found!r}, expected {expected!r}")

    def number(self, cell, expected, what, text=None):
        """The cell's value is the JSON's to the last digit; 'text' is what the reader sees."""
        value = float(cell["value"]) if cell["value"] else None
        self.same(value, None if expected is None else float(expected), what)
        if text is not None:
            self.same(cell["text"], text, f"{what}, as shown")

    def end(self):
        for line in self.found[:20]:
            print(line)
        if not self.compared:
            print("nothing was compared")
        print(f"{self.compared} comparisons, {len(self.found)} differences")
        sys.exit(1 if self.found or not self.compared else 0)
