#!/usr/bin/env python3
"""Compares FOLDER/index.html, as Chromium shows it, with FOLDER/points.json.

Exit status: 0 equal, 1 a difference or an error in the console, 77 no Chromium.
"""
import json
import sys
from pathlib import Path

from browser import Findings, look

FOLDER = Path(sys.argv[1])
ROWS_OF_A_PAGE = 50
findings = Findings()
sweep = json.loads((FOLDER / "points.json").read_text())
dom, console = look(FOLDER / "index.html")
findings.same(console, [], "console")
if console:
    findings.end()

findings.same(len([tag for tag, _ in dom.tags if tag == "script"]), 4, "script elements")
for tag, attributes in dom.tags:
    findings.check(not {"src", "href"} & set(attributes), f"<{tag}> fetches something: {attributes}")

points = sweep["points"]
runs = [point for point in points if point["metrics"]]
front = [point for point in runs if point["front"]]
findings.same(dom.texts["title"], sweep["sweep"], "title")
for text in (f"{len(runs):,} point", f"{len(front):,} on the front"):
    findings.check(text in dom.texts["subtitle"], f"{text!r} in {dom.texts['subtitle']!r}")
findings.check(f"{len(runs):,} points of {len(runs):,} shown" in dom.texts["status"], f"status: {dom.texts['status']!r}")

keys = [i for i in range(len(sweep["keys"])) if len({point["values"][i] for point in points}) > 1]
metrics = [m["name"] for m in sweep["metrics"] if any(point["metrics"].get(m["name"]) is not None for point in runs)]
heading, *rows = dom.tables["points"][0]
findings.same([cell["text"] for cell in heading],
              ["point", "front", *[sweep["keys"][i] for i in keys], *metrics, "command"], "columns")
findings.same(len(rows), min(len(runs), ROWS_OF_A_PAGE), "rows shown")
for row, point in zip(rows, runs):
    findings.number(row[0], point["point"], "point", f"{point['point']:,}")
    findings.same(row[1]["value"], "front" if point["front"] else "", f"front of point {point['point']}")
    for cell, index in zip(row[2:], keys):
        findings.same(cell["value"], point["values"][index].split("/")[-1], f"{sweep['keys'][index]} of {point['point']}")
    for cell, name in zip(row[2 + len(keys):], metrics):
        findings.number(cell, point["metrics"].get(name), f"{name} of point {point['point']}")
    findings.same(row[-1]["text"], point["command"], f"command of point {point['point']}")

unfit = [point for point in points if not point["metrics"]]
if unfit:
    shown = dom.tables["unfit"][0][1:]
    findings.same(len(shown), min(len(unfit), ROWS_OF_A_PAGE), "unfit points shown")
    for row, point in zip(shown, unfit):
        findings.same(row[-1]["text"], point["reason"], f"reason of point {point['point']}")
canvas = dom.canvases.get("scatter", [{}])[0]
findings.check(int(canvas.get("width", 0)) > 100, f"no scatter plot: {canvas}")
findings.end()
