"""Blocks of figures that take minutes: they are recorded in docs/figures.json, with machine and date."""
import json
import re
import subprocess
from pathlib import Path

from bench import CALIBRATION, PROJECT, TEST_IMAGES, TEST_LABELS, BenchError, Block, number, table

NEAREST_BITS = ("w8a8", "w4a8", "w4a4", "w4a2", "w2a8", "w2a4")


# ---- docs/results.md ----

def nearest_networks(bench):
    """(title, model, calibration, input, test images, test labels, widths)."""
    data = bench.data
    recipes = PROJECT / "configs/recipes/inputs"
    imagenet = (data("imagenet_sample1000/images"), data("nips17_dev1000/images"), data("nips17_dev1000/labels.txt"))
    return [
        ("models/resnet_fmnist", PROJECT / "models/resnet_fmnist.onnx", CALIBRATION, "fashion_mnist", TEST_IMAGES, TEST_LABELS,
         NEAREST_BITS),
        ("models/mobilenet_fmnist", PROJECT / "models/mobilenet_fmnist.onnx", CALIBRATION, "fashion_mnist", TEST_IMAGES,
         TEST_LABELS, NEAREST_BITS),
        ("ResNet-20, CIFAR-10", data("resnet20_cifar10.onnx"), data("cifar10/train4000_images.npy"), "imagenet",
         data("cifar10/test1000_images.npy"), data("cifar10/test1000_labels.npy"), NEAREST_BITS),
        ("MobileNetV1-0.25, ImageNet classes", data("mobilenet_v1_0.25_224.onnx"), imagenet[0], "tf", *imagenet[1:],
         ("w8a8", "w4a8", "w4a4")),
        ("MobileNetV2, ImageNet classes", data("mobilenet_v2_torchvision_folded.onnx"), imagenet[0], "imagenet", *imagenet[1:],
         ("w8a8", "w4a8", "w4a4")),
    ]


def measure_nearest(bench):
    rows = []
    for title, model, calibration, pixels, images, labels, widths in nearest_networks(bench):
        row = {"network": title, "quantized": {}}
        for bits in widths:
            report = bench.folder / "nearest.json"
            bench.run("quantrun", "--model", model, "--calibration", calibration, "--recipe", "nearest",
                      "--bits", bits, "--input", PROJECT / f"configs/recipes/inputs/{pixels}.yaml", "--output", bench.folder / "nearest.qnet", "--report",
                      report, "--images", images, "--labels", labels)
            accuracy = json.loads(report.read_text())["accuracy"]
            row["quantized"][bits] = accuracy["percent"]
            row |= {"float": accuracy["float_percent"], "images": accuracy["images"]}
        rows.append(row)
    return rows


def render_nearest(rows):
    def digits(row):
        return 2 if row["images"] >= 10000 else 1

    def cell(row, bits):
        if bits not in row["quantized"]:
            return ""
        return f"{row['quantized'][bits]:.{digits(row)}f} ({row['quantized'][bits] - row['float']:+.{digits(row)}f})"

    header = ["network", "test images", "float", *(bits.upper() for bits in NEAREST_BITS)]
    return table(header, [[row["network"], number(row["images"]), f"{row['float']:.{digits(row)}f}",
                           *(cell(row, bits) for bits in NEAREST_BITS)] for row in rows])


def measure_networks(bench):
    rows = []
    for title, model, calibration, pixels, images, labels, _ in nearest_networks(bench)[2:4]:
        for bits in ("w4a8", "w4a4"):
            network, _ = bench.quantize(f"{Path(model).stem}_{bits}", model, calibration, "nearest", bits, "--input",
                                        PROJECT / f"configs/recipes/inputs/{pixels}.yaml", "--images", images,
                                        "--labels", labels)
            report, _ = bench.simulate(network, "--fidelity", "lockstep", "--images", images, "--labels", labels)
            rows.append({"network": title, "bits": bits, "macs": report["cycles"]["macs"],
                         "float": report["accuracy"]["float"], "quantized": report["accuracy"]["quantized"],
                         "cycles": report["cycles"]["total"], "pj": report["energy"]["per_image_pj"],
                         "verdict": report["lockstep"]["verdict"], "comparisons": report["lockstep"]["comparisons"]})
    return rows


def render_networks(rows):
    header = ["network", "MACs", "widths", "float", "quantized", "cycles an image", "energy an image", "lockstep", "comparisons"]
    return table(header, [[row["network"], f"{row['macs'] / 1e6:.1f}M", row["bits"].upper(), f"{row['float']:.1f}",
                           f"{row['quantized']:.1f}", number(row["cycles"]), f"{row['pj'] / 1e6:.0f} uJ", row["verdict"],
                           number(row["comparisons"])] for row in rows])


# ---- docs/mixed-precision.md ----

BUDGETS = {"resnet_fmnist": 183552, "mobilenet_fmnist": 121186}


def measure_mixed(bench):
    values = {}
    for network, budget in BUDGETS.items():
        output = bench.folder / f"mixed_{network}"
        command = [PROJECT / "scripts/mixed_precision", "--model", PROJECT / f"models/{network}.onnx", "--config",
                   PROJECT / "configs/pe16x16.yaml", "--calibration", CALIBRATION, "--recipe", "nearest",
                   "--bits", "w4a4", "--budget", f"cycles={budget}", "--output", output, "--bin",
                   bench.binaries]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"scripts/mixed_precision: {done.stderr}")
        summary = json.loads((output / "summary.json").read_text())
        account = json.loads(Path(summary["recipe"]).with_suffix(".json").read_text())
        costs = json.loads((output / "costs.json").read_text())["layers"]
        cycles = {layer["name"]: {w["bits"]: w["costs"]["cycles"] for w in layer["widths"]} for layer in costs}
        values[network] = {
            "budget": budget, "networks": summary["networks"], "predicted": account["cost"],
            # Layers whose cycles depend least on their width.
            "flat": {name: [c[2], c[4]] for name, c in cycles.items() if 2 in c and 4 in c and c[4] < 1.02 * c[2]}}
    return values


def render_mixed(values):
    rows = []
    for network, value in values.items():
        for title, figures in value["networks"].items():
            name = title.replace("uniform ", "") + "A4"
            if title == "mixed":
                name = f"**mixed, at most {number(value['budget'])} cycles** ({number(value['predicted'])} predicted)"
            rows.append([network, name, f"{figures['divergence']:.3g}", number(figures["cycles"]),
                         f"{figures['energy_uj']:.1f}", f"{figures['weight_kib']:.1f}", f"{figures['accuracy']:.2f}"])
    header = ["network", "widths", "KL divergence, estimated", "cycles", "energy, uJ", "weights, KiB", "accuracy, %"]
    return table(header, rows)


def render_flat(values):
    rows = [[network, f"`{name}`", number(w2), number(w4)] for network, value in values.items()
            for name, (w2, w4) in value["flat"].items()]
    return table(["network", "layer", "cycles at W2", "cycles at W4"], rows)


# ---- docs/networks.md ----

def measure_torchvision(bench):
    """torchvision's classifiers at W2A4: what runs in `cycle`, and why others are refused."""
    folder = bench.folder / "torchvision"
    subprocess.run([PROJECT / "scripts/export_torchvision", folder], check=True, stdout=subprocess.DEVNULL)
    rows = []
    for file in sorted(folder.glob("*.onnx")):
        images = folder / ("images299.npy" if file.stem == "inception_v3" else "images224.npy")
        try:
            network, _ = bench.quantize(f"torchvision_{file.stem}", file, images, "nearest", "w2a4", "--input",
                                        PROJECT / "configs/recipes/inputs/imagenet.yaml", "--set", "calibration.images=8")
        except BenchError as error:
            node = re.search(r"node '([^']*)'(?: \(\w+\))?: (.*)", str(error))
            if node is None:
                raise
            rows.append({"network": file.stem, "node": node[1], "reason": re.sub(r" \(supported: .*", "", node[2])})
            continue
        report, _ = bench.simulate(network, "--fidelity", "cycle", "--images", images)
        if report["values"]["mismatches"] != 0:
            raise BenchError(f"{file.stem}: the cycle engine differs from the golden reference")
        cycles = report["cycles"]
        rows.append({"network": file.stem, "macs": cycles["macs"], "cycles": cycles["total"],
                     "pj": report["energy"]["per_image_pj"], "bytes": sum(layer["dram_bytes"] for layer in report["layers"]),
                     "lanes": cycles["lane_utilisation"]})
    return rows


def render_torchvision(rows):
    header = ["network", "MACs", "cycles an image", "images/s at 500 MHz", "energy an image", "DRAM traffic", "lanes busy"]
    runs = [[row["network"], f"{row['macs'] / 1e6:,.0f}M", number(row["cycles"]), f"{5e8 / row['cycles']:.0f}",
             f"{row['pj'] / 1e9:.2f} mJ", f"{row['bytes'] / 1e6:.1f} MB", f"{100 * row['lanes']:.0f} %"]
            for row in sorted((row for row in rows if "macs" in row), key=lambda row: row["macs"])]
    return table(header, runs)


def render_torchvision_refused(rows):
    return table(["network", "node", "quantrun says"],
                 [[row["network"], f"`{row['node']}`", row["reason"]] for row in rows if "reason" in row])


RECORDED = {
    "torchvision": Block(measure_torchvision, render_torchvision, "scripts/export_torchvision, quantrun and simrun in cycle: "
                         "10 minutes; python3-torch, python3-torchvision", "torchvision", has_cycles=True),
    "torchvision_refused": Block(measure_torchvision, render_torchvision_refused, "as torchvision", "torchvision"),
    "nearest": Block(measure_nearest, render_nearest, "quantrun, five networks, up to six widths: 10 minutes; SHIFTSIM_DATA",
                     "nearest"),
    "networks": Block(measure_networks, render_networks, "quantrun, and simrun in lockstep, two networks: 3 minutes; "
                      "SHIFTSIM_DATA", "networks", has_cycles=True),
    "mixed": Block(measure_mixed, render_mixed, "scripts/mixed_precision on both networks of models/: a minute", "mixed",
                   has_cycles=True),
    "flat": Block(measure_mixed, render_flat, "as mixed", "mixed"),
}
