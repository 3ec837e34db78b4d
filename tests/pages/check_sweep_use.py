#!/usr/bin/env python3
"""Uses FOLDER/index.html, the page of a sweep, as a reader does, in Chromium: filters, axes, colours, a point.

Exit status: 0 all is well, 1 something is not, 77 no Chromium.
"""
import json
import sys
from pathlib import Path

from browser import Findings, look, parsed

FOLDER = Path(sys.argv[1])
findings = Findings()
points = json.loads((FOLDER / "points.json").read_text())["points"]
keys = json.loads((FOLDER / "points.json").read_text())["keys"]


# A page of pages: each is as it was written, with a script of the reader's hands behind it. Chromium starts once.
GATHER = """
const uses = JSON.parse(document.getElementById('uses').textContent);
const frames = uses.map((page) => {
  const frame = document.createElement('iframe');
  frame.width = 1600;
  frame.height = 1200;
  frame.srcdoc = page;
  document.body.append(frame);
  return frame;
});
window.addEventListener('load', () => setTimeout(() => {
  const shown = frames.map((frame) => frame.contentDocument.documentElement.outerHTML);
  document.body.innerHTML = '<pre id=shown></pre>';
  document.getElementById('shown').textContent = JSON.stringify(shown);
}, 1000));
"""


def use_all(scripts):
    """The page after each of the scripts."""
    text = (FOLDER / "index.html").read_text()
    pages = [text.replace("</body>", f"<script>{script}</script></body>") for script in scripts]
    data = json.dumps(pages).replace("<", "\\u003c")
    page = FOLDER / "used.html"
    page.write_text(f"<body><script id=uses type=application/json>{data}</script><script>{GATHER}</script></body>")
    dom, console = look(page)
    findings.same(console, [], "console")
    return [parsed(used) for used in json.loads(dom.texts["shown"])]


def typed(text):
    return (f"const input = document.querySelector('#filters input[type=text]'); input.value = {json.dumps(text)};"
            "input.dispatchEvent(new Event('input'));")


def shown(dom):
    return [int(row[0]["value"]) for row in dom.tables["points"][0][1:]]


def expected(holds):
    return [p["point"] for p in points
            if p["metrics"] and holds({k: v for k, v in zip(keys, p["values"])}, p["metrics"])][:50]


FILTER, FRONT, NONSENSE, SORT, EVERYTHING, FRONT_OF_TWO = use_all([
    typed("rows >= 6 and cycles < 20k"),
    "document.querySelector('#filters input[type=checkbox]').click();",
    typed("nonsense > 3"),
    "[...document.querySelectorAll('#points th button')].find((one) => one.textContent === 'energy').click();",
    # Every axis and colour can be chosen.
    "for (const list of document.querySelectorAll('#axes select')) for (const option of list.options) {"
    "list.value = option.value; list.dispatchEvent(new Event('change')); }"
    "document.querySelector('#points tbody tr').click();",
    "const [x, y] = ['cycles', 'fps'].map((name) => fields.metrics.find((field) => field.name === name));"
    "document.title = JSON.stringify(frontOfTwo(runs, x, y).map((p) => [p.metrics.cycles, p.metrics.fps]));"
    "byId('kicker').textContent = document.title;"])

wanted = expected(lambda key, metric: int(key["array.rows"]) >= 6 and metric["cycles"] < 20000)
findings.check(0 < len(wanted) < 50, "a filter that tells points apart")
findings.same(shown(FILTER), wanted, "points after the filter")
findings.same(shown(FRONT), [p["point"] for p in points if p["front"]][:50], "the front alone")
findings.check("nonsense: expected one of" in NONSENSE.texts["status"], "a filter's unknown name is told")

by_energy = sorted((p for p in points if p["metrics"]), key=lambda p: -p["metrics"]["energy"])[:50]
findings.same([row[0]["value"] for row in SORT.tables["points"][0][1:2]], [str(by_energy[0]["point"])], "sorted by energy")
findings.check(points[1]["command"] in EVERYTHING.texts["chosen"], "the command of the point that is clicked")
runs = [p for p in points if p["metrics"]]


def beats(a, b):
    a, b = a["metrics"], b["metrics"]
    no_worse = a["cycles"] <= b["cycles"] and a["fps"] >= b["fps"]
    return no_worse and (a["cycles"] < b["cycles"] or a["fps"] > b["fps"])


# A front of two axes is as Python finds it.
front = {(p["metrics"]["cycles"], p["metrics"]["fps"]) for p in runs if not any(beats(q, p) for q in runs)}
findings.same({tuple(pair) for pair in json.loads(FRONT_OF_TWO.texts["kicker"])}, front, "front of two axes")
findings.end()
