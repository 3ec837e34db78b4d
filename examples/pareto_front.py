#!/usr/bin/env python3
"""Runs a network on many arrays, and draws which of them no other one beats.

    python3 examples/pareto_front.py NETWORK.qnet IMAGES [--output front.png]

It needs python3-matplotlib. The sweep's own files stand beside the picture.
"""
import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # a file, no window
import matplotlib.pyplot as plt

import shiftsim

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("network", type=Path)
parser.add_argument("images", type=Path)
parser.add_argument("--output", type=Path, default=Path("front.png"))
arguments = parser.parse_args()

found = shiftsim.sweep(
    {
        "name": "front",
        "base": {"network": arguments.network, "dataset": {"images": arguments.images}},
        "axes": {"array.rows": [8, 16, 32, 64], "array.cols": [8, 16, 32, 64], "array.lanes": [1, 2, 4, 8]},
        "where": ["array.lanes <= array.cols"],
        "pareto": ["cycles", "energy", "area"],
    },
    output=arguments.output.with_suffix(".sweep"),
    progress=lambda what, done, total, unit: print(f"{what}: {done} of {total} {unit}"),
)
points = [point for point in found["points"] if point["metrics"]]  # the others do not fit
front = [point for point in points if point["front"]]


def metric(name, chosen):
    return [point["metrics"][name] for point in chosen]


figure, axes = plt.subplots(figsize=(8, 5))
axes.scatter(metric("cycles", points), metric("energy", points), color="lightgrey", label="all points")
coloured = axes.scatter(metric("cycles", front), metric("energy", front), c=metric("area", front), label="front")
for point in front:
    axes.annotate("x".join(point["values"]), (point["metrics"]["cycles"], point["metrics"]["energy"]), fontsize=7)
figure.colorbar(coloured, label="area (mm2)")
axes.set(xscale="log", xlabel="cycles an image", ylabel="energy an image (pJ)", title="rows x columns x lanes")
axes.legend()
figure.savefig(arguments.output, dpi=150)
print(f"{len(points)} points, {len(front)} on the front: {arguments.output}")
