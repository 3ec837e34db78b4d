#!/usr/bin/env python3
"""Compares FOLDER/index.html, as Chromium shows it, with FOLDER/report.json.

Exit status: 0 equal, 1 a difference or an error in the console, 77 no Chromium.
"""
import json
import sys
from pathlib import Path

from browser import Findings, look

FOLDER = Path(sys.argv[1])
findings = Findings()
report = json.loads((FOLDER / "report.json").read_text())
layers = report["layers"]
dom, console = look(FOLDER / "index.html")
findings.same(console, [], "console")
if console:
    findings.end()

scripts = [tag for tag, _ in dom.tags if tag == "script"]
findings.same(len(scripts), 4, "script elements")
for tag, attributes in dom.tags:
    findings.check(not {"src", "href"} & set(attributes), f"<{tag}> fetches something: {attributes}")


def rows(section, index=0):
    """Data rows of a section's table; a missing one is a finding."""
    tables = dom.tables.get(section, [])
    findings.check(len(tables) > index, f"section {section} has no table {index}")
    return tables[index][1:] if len(tables) > index else []


def table(section, expected, total=0):
    """'expected': for each layer (number of the column, number of the JSON, text or None)."""
    found = rows(section)
    findings.same(len(found), len(expected) + total, f"rows of {section}")
    for row, layer, cells in zip(found, layers, expected):
        findings.same(row[0]["text"], layer["name"], f"name in {section}")
        for column, number, text in cells:
            findings.number(row[column], number, f"{section}, {layer['name']}, column {column}", text)


if layers:
    table("layers", [[(6, l["macs"], f"{l['macs']:,}"), (7, l["cycles"], f"{l['cycles']:,}"),
                      (9, l["cycles"] - l["cycles_by_cause"]["run"], None), (10, l["lane_utilisation"], None),
                      (11, l["dram_bytes"], f"{l['dram_bytes']:,}"), (12, l["energy"]["total_pj"], None)]
                     for l in layers], total=1)
    last = rows("layers")[-1]
    findings.number(last[7], report["cycles"]["total"], "all cycles", f"{report['cycles']['total']:,}")
    findings.number(last[11], sum(l["dram_bytes"] for l in layers), "all DRAM bytes")
    findings.number(last[12], report["energy"]["total_pj"], "all energy")
    table("cycles", [[(i + 1, cycles, f"{cycles:,}") for i, cycles in enumerate(l["cycles_by_cause"].values())]
                     for l in layers])
    table("energy", [[(i + 1, pj, None) for i, pj in enumerate(l["energy"]["components_pj"].values())] for l in layers])
    table("mapping", [[(2, l["tiles"], None), (3, l["mapping"]["block"], None), (5, l["mapping"]["held"], None),
                       (7, l["mapping"]["candidates"], None), (8, l["mapping"]["tried"], None),
                       (10, l["estimated"]["cycles"], None), (12, l["estimated"]["dram_bytes"], None)] for l in layers])
    events = {key: sum(l["events"][key] for l in layers) for key in layers[0]["events"]}
    bits = report["configuration"]["scratchpad"]["word_bits"]
    traffic = rows("traffic")
    findings.number(traffic[0][1], events["dram_read_bytes"], "DRAM read", f"{events['dram_read_bytes']:,}")
    findings.number(traffic[0][2], events["dram_write_bytes"], "DRAM written")
    if report["configuration"]["l2"]["kib"] > 0:
        findings.number(traffic[1][1], events["l2_read_bytes"], "L2 read")
        findings.number(traffic[1][2], events["l2_write_bytes"], "L2 written")
        del traffic[1]
    findings.number(traffic[1][3], events["act_read_words"], "activation words read")
    findings.number(traffic[1][1], events["act_read_words"] * bits["activation"] / 8, "activation bytes read")
    findings.number(traffic[2][2], events["weight_write_words"] * bits["weight_pair"] / 8, "weight pair bytes written")
    findings.number(traffic[6][2], events["out_write_bytes"], "output bytes written")
    if "area" in report:
        area = report["area"]
        for row, mm2 in zip(rows("area"), [*area["components_mm2"].values(), area["total_mm2"]], strict=True):
            findings.number(row[1], mm2, f"area of {row[0]['text']}")
    findings.check(f"{round(report['cycles']['per_image']):,}" in dom.texts["tiles"], "cycles an image in the summary")
    for section in ("cycles", "energy", "roofline", "traffic"):
        sizes = [int(canvas.get("width", 0)) for canvas in dom.canvases.get(section, [])]
        findings.check(sizes and min(sizes) > 100, f"section {section} has no chart: canvases {sizes}")
findings.check(report["network"]["name"] in dom.texts["title"], "the network's name in the title")
findings.end()
