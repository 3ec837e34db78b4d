"""What sweeps of torchvision's networks show, for docs/sweeps.md; recorded in docs/figures.json."""
import csv
import subprocess
from pathlib import Path

from bench import PROJECT, BenchError, Block, number, table

FOLDER = PROJECT / "results/resnet18"  # where configs/sweeps/resnet18.yaml looks
WIDTHS = ("w2a4", "w4a4", "w8a8")
FPS, MM2 = 30, 2
SILICON = {"array.rows": "32", "array.cols": "16", "array.lanes": "8", "scratchpad.weight_kib": "224",
           "dram.bytes_per_cycle": "8"}
ARRAYS = [("8", "8", "4"), ("16", "16", "4"), ("32", "16", "8"), ("64", "16", "8"), ("64", "32", "8")]
KEYS = ("array.rows", "array.cols", "array.lanes", "scratchpad.weight_kib", "dram.bytes_per_cycle")
METRICS = ("area", "fps", "energy", "dram_bytes", "lanes_busy")
BATCH_FOLDER = PROJECT / "results/batch"  # where configs/sweeps/batches.yaml looks
BATCH_NETWORKS = {"resnet18": "ResNet-18", "alexnet": "AlexNet", "vgg16": "VGG-16"}
BATCH_METRICS = ("cycles", "lanes_busy", "dram_bytes", "energy", "seconds")


def export(folder, networks):
    """torchvision's networks, with random weights, as ONNX, and images for them."""
    subprocess.run([PROJECT / "scripts/export_torchvision", folder, *networks], check=True, stdout=subprocess.DEVNULL)


def quantize(bench, folder, network, bits, output):
    bench.run("quantrun", "--model", folder / f"{network}.onnx", "--calibration", folder / "images224.npy", "--recipe",
              "nearest", "--bits", bits, "--input", PROJECT / "configs/recipes/inputs/imagenet.yaml", "--set",
              "calibration.images=8", "--output", folder / output)


def sweep(bench, name):
    """The points of configs/sweeps/NAME.yaml."""
    output = bench.folder / f"{name}_sweep"
    bench.run("simrun", "sweep", PROJECT / f"configs/sweeps/{name}.yaml", "--output", output)
    points = list(csv.DictReader((output / "points.csv").open()))
    for point in points:
        if point["reason"]:
            raise BenchError(f"{name}.yaml: point {point['point']}: {point['reason']}")
    return points


def measure_resnet18(bench):
    """The points of configs/sweeps/resnet18.yaml, their keys and metrics."""
    export(FOLDER, ["resnet18"])
    for bits in WIDTHS:
        quantize(bench, FOLDER, "resnet18", bits, f"resnet18_{bits}.qnet")
    return chosen([{"bits": point["network"].removesuffix(".qnet")[-4:]} | {key: point[key] for key in KEYS} |
                   {metric: float(point[metric]) for metric in METRICS} for point in sweep(bench, "resnet18")])


def measure_batches(bench):
    """The points of configs/sweeps/batches.yaml: network, batch and metrics."""
    export(BATCH_FOLDER, BATCH_NETWORKS)
    for network in BATCH_NETWORKS:
        quantize(bench, BATCH_FOLDER, network, "w2a4", f"{network}.qnet")
    return [{"network": Path(point["network"]).stem, "batch": int(point["run.batch"])} |
            {metric: float(point[metric]) for metric in BATCH_METRICS} for point in sweep(bench, "batches")]


def chosen(rows):
    """What the tables show; the rest need not be kept."""
    fast = [row for row in rows if row["fps"] >= FPS]
    within = [row for row in fast if row["area"] <= MM2]
    least = lambda of, key: min(of, key=lambda row: (row[key], row["area"], row["energy"]))  # noqa: E731
    cheapest = {}
    for bits in WIDTHS:
        own = [row for row in within if row["bits"] == bits]
        cheapest[bits] = {"smallest": least(own, "area"), "least energy": least(own, "energy")} if own else {}
    silicon = [row for row in rows if all(row[key] == value for key, value in SILICON.items() if key != KEYS[3])]
    busy = [row for row in rows if row["bits"] == "w2a4" and tuple(row[key] for key in KEYS[:3]) in ARRAYS]
    widest = {}
    for row in busy:  # the largest weight scratchpad of each array
        array = tuple(row[key] for key in KEYS[:3])
        widest[array] = max(widest.get(array, 0), int(row[KEYS[3]]))
    busy = [row for row in busy if int(row[KEYS[3]]) == widest[tuple(row[key] for key in KEYS[:3])]]
    return {"points": len(rows), "cheapest": cheapest, "silicon": silicon, "busy": busy}


def array_of(row):
    return f"{row['array.rows']} x {row['array.cols']}, {row['array.lanes']} lanes"


def cells(row):
    return [f"{row['fps']:.0f}", f"{row['energy'] / 1e9:.1f} mJ", f"{row['dram_bytes'] / 1e6:.1f} MB",
            f"{row['lanes_busy']:.0f} %"]


def render_cheapest(values):
    rows = []
    for bits, found in values["cheapest"].items():
        for title, row in found.items():
            rows.append([bits.upper(), title, array_of(row), f"{row['scratchpad.weight_kib']} KiB",
                         row["dram.bytes_per_cycle"], f"{row['area']:.2f} mm2", *cells(row)[:3]])
    return table(["widths", "", "array", "weights", "bytes a cycle", "area", "images/s", "energy", "traffic"], rows)


def render_silicon(values):
    rows = [[row["bits"].upper(), f"{row['scratchpad.weight_kib']} KiB", f"{row['area']:.2f} mm2", *cells(row)]
            for row in sorted(values["silicon"], key=lambda row: (row["bits"], int(row["scratchpad.weight_kib"])))]
    return table(["widths", "weight scratchpad", "area", "images/s", "energy", "traffic", "lanes busy"], rows)


def render_busy(values):
    rows = []
    for array in ARRAYS:
        own = sorted((row for row in values["busy"] if tuple(row[key] for key in KEYS[:3]) == array),
                     key=lambda row: int(row["dram.bytes_per_cycle"]))
        rows.append([array_of(own[0]), number(int(array[0]) * int(array[1])),
                     *(f"{row['fps']:.0f} ({row['lanes_busy']:.0f} %)" for row in own)])
    return table(["array", "lanes in all", *(f"{b} bytes a cycle" for b in (2, 4, 8, 16, 32))], rows)


def render_batches(values):
    order = list(BATCH_NETWORKS)
    rows = [[BATCH_NETWORKS[row["network"]], row["batch"], number(row["cycles"]), f"{row['lanes_busy']:.0f} %",
             f"{row['dram_bytes'] / 1e6:#.3g} MB", f"{row['energy'] / 1e9:#.3g} mJ",
             f"{row['batch'] * row['seconds'] * 1e3:,.1f} ms"]
            for row in sorted(values, key=lambda row: (order.index(row["network"]), row["batch"]))]
    return table(["network", "batch", "cycles", "lanes busy", "DRAM traffic", "energy", "latency"], rows)


HOW = "scripts/export_torchvision, quantrun, simrun sweep configs/sweeps/resnet18.yaml: 5 minutes; python3-torchvision"
STUDIES = {
    "resnet18": Block(measure_resnet18, render_cheapest, HOW, "resnet18", has_cycles=True),
    "resnet18_silicon": Block(measure_resnet18, render_silicon, HOW, "resnet18"),
    "resnet18_busy": Block(measure_resnet18, render_busy, HOW, "resnet18"),
    "batches": Block(measure_batches, render_batches, "scripts/export_torchvision, quantrun, simrun sweep "
                     "configs/sweeps/batches.yaml: 3 minutes; python3-torchvision", "batches", has_cycles=True),
}
