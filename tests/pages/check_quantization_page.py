#!/usr/bin/env python3
"""Compares FOLDER/quantization.html, as Chromium shows it, with FOLDER/quantization.json.

Exit status: 0 equal, 1 a difference or an error in the console, 77 no Chromium.
"""
import json
import sys
from pathlib import Path

from browser import Findings, look

FOLDER = Path(sys.argv[1])
findings = Findings()
report = json.loads((FOLDER / "quantization.json").read_text())
layers, learning = report["layers"], report["learning"]
dom, console = look(FOLDER / "quantization.html")
findings.same(console, [], "console")
if console:
    findings.end()

for tag, attributes in dom.tags:
    findings.check(not {"src", "href"} & set(attributes), f"<{tag}> fetches something: {attributes}")


def rows(section, names):
    """Data rows of a section's table, whose first cells are these names."""
    tables = dom.tables.get(section, [])
    findings.check(bool(tables), f"section {section} has no table")
    found = tables[0][1:] if tables else []
    findings.same([row[0]["text"] for row in found], names, f"rows of {section}")
    return found


def decibel(value):
    return value if isinstance(value, (int, float)) else None


def part(layer, of, key):
    return layer["diagnosis"].get(of, {}).get(key)


for row, layer in zip(rows("layers", [layer["name"] for layer in layers]), layers):
    diagnosis = layer["diagnosis"]
    numbers = {2: layer.get("weight_bits"), 3: layer["output_bits"], 4: decibel(diagnosis["inherited_sqnr_db"]),
               5: decibel(diagnosis["output_sqnr_db"]), 6: diagnosis["added_by_weights_percent_of_signal"],
               7: diagnosis["added_by_codes_percent_of_signal"], 8: part(layer, "weights", "clipped_percent"),
               9: part(layer, "weights", "moved_percent"), 10: part(layer, "codes", "clipped_percent"),
               11: part(layer, "codes", "at_ends_percent")}
    for column, number in numbers.items():
        findings.number(row[column], number, f"layers, {layer['name']}, column {column}")
if learning["units"]:
    for row, unit in zip(rows("units", [unit["unit"] for unit in learning["units"]]), learning["units"]):
        findings.number(row[2], unit["loss_before"], f"{unit['unit']} before")
        findings.number(row[3], unit["loss_after"], f"{unit['unit']} after")
if learning["stages"]:
    for row, stage in zip(rows("stages", [stage["stage"] for stage in learning["stages"]]), learning["stages"]):
        findings.number(row[1], stage["divergence"], f"divergence behind {stage['stage']}")
        findings.same(row[2]["text"], "kept" if stage["kept"] else "dropped", f"result of {stage['stage']}")
rows("circumstances", [stage["name"] for stage in report["stages"]])
for section in ["sqnr", "loss", "exponents", "saturation"] + [key for key in ("stages", "units") if learning[key]]:
    sizes = [int(canvas.get("width", 0)) for canvas in dom.canvases.get(section, [])]
    findings.check(sizes and min(sizes) > 100, f"section {section} has no chart: canvases {sizes}")
if "accuracy" in report:
    findings.check(f"{report['accuracy']['percent']:.2f} %" in dom.texts["tiles"], "accuracy in the summary")
findings.check(report["network"] in dom.texts["title"], "the network's name in the title")
findings.end()
