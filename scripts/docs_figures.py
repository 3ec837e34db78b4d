"""How each block of figures in the documents is measured and written; scripts/check_docs uses it."""
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

PROJECT = Path(__file__).resolve().parent.parent
FASHION = Path("/usr/share/datasets/fashion-mnist")
TEST_IMAGES, TEST_LABELS = FASHION / "t10k-images-idx3-ubyte.gz", FASHION / "t10k-labels-idx1-ubyte.gz"
CALIBRATION = FASHION / "train-images-idx3-ubyte.gz"
FENCE = "```"


class BenchError(Exception):
    """A program is missing or fails, or something else keeps a figure from being measured."""


class Bench:
    """Runs the programs. Networks and reports are kept in 'folder', so that no block makes them again."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.kept = {}

    def run(self, program, *arguments):
        """What the program prints."""
        command = [str(self.binaries / program), *map(str, arguments)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise BenchError(f"there is no {command[0]}: build it first") from error
        if done.returncode != 0:
            raise BenchError(f"status {done.returncode}: {' '.join(command)}\n{done.stderr}")
        return done.stdout

    def data(self, name):
        """A file of SHIFTSIM_DATA, the folder of networks and images that are not part of the project."""
        folder = os.environ.get("SHIFTSIM_DATA")
        if not folder:
            raise BenchError(f"SHIFTSIM_DATA is not set: it names the folder that holds {name}")
        return Path(folder) / name

    def quantize(self, name, model, calibration, recipe, *options):
        """The .qnet folder of a network, and what quantrun prints."""
        if name not in self.kept:
            folder = self.folder / f"{name}.qnet"
            text = self.run("quantrun", "--model", model, "--calibration", calibration, "--recipe",
                            PROJECT / f"configs/recipes/{recipe}.yaml", "--output", folder, *options)
            self.kept[name] = folder, text
        return self.kept[name]

    def example(self, network, bits, *options, name=""):
        """One of the networks of models/, rounded to nearest."""
        return self.quantize(name or f"{network}_{bits}", PROJECT / f"models/{network}_fmnist.onnx", CALIBRATION,
                             f"nearest_{bits}", *options)

    def simulate(self, network, *options, config="pe16x16"):
        """The report on a network, and what simrun prints."""
        folder = self.folder / "report"
        text = self.run("simrun", "--config", PROJECT / f"configs/{config}.yaml", "--network", network, "--output", folder,
                        *options)
        return json.loads((folder / "report.json").read_text()), text

    def accuracy(self, network):
        """Accuracy of the integers over the test images of Fashion-MNIST, in %."""
        report, _ = self.simulate(network, "--fidelity", "golden")
        return report["accuracy"]["quantized"]

    def benchmark(self, program, *options):
        """{name: figures} of a Google Benchmark; medians where it repeats."""
        out = json.loads(self.run(program, "--benchmark_format=json", *options))
        runs = [run for run in out["benchmarks"] if run.get("aggregate_name", "median") == "median"]
        return {run["run_name"].removesuffix("/real_time"): run for run in runs}


def table(header, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [header, *rows]]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])


def number(value):
    return f"{value:,.0f}"


# ---- README.md: what the first command prints ----

def measure_run(bench):
    # As scripts/run does it, with the test images for the float network's accuracy.
    network, _ = bench.example("resnet", "w4a4", "--test-images", TEST_IMAGES, "--test-labels", TEST_LABELS)
    return bench.simulate(network)[1]


def render_run(text):
    """Without the lines that vary: the speed of this machine, and where the report is."""
    lines = [line for line in text.rstrip().split("\n") if not line.startswith(("host ", "report "))]
    return "\n".join([FENCE, *lines, FENCE])


# ---- docs/results.md ----

ARRAYS = ("pe8x8", "pe16x16", "pe32x32")


def measure_arrays(bench):
    rows = []
    for array in ARRAYS:
        row = [array]
        for network in ("resnet", "mobilenet"):
            folder, _ = bench.example(network, "w4a4")
            report, _ = bench.simulate(folder, "--set", "dataset.test_images=100", config=array)
            row += [report["cycles"]["total"], report["energy"]["per_image_pj"], report["cycles"]["lane_utilisation"]]
        rows.append(row)
    return rows


def render_arrays(rows):
    def cells(cycles, energy, busy):
        return [number(cycles), f"{energy / 1e6:.0f} uJ", f"{100 * busy:.0f} %"]

    header = ["array", "residual: cycles", "energy", "lanes busy", "MobileNetV2-shaped: cycles", "energy", "lanes busy"]
    return table(header, [[row[0], *cells(*row[1:4]), *cells(*row[4:7])] for row in rows])


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


NEAREST_BITS = ("w8a8", "w4a8", "w4a4", "w4a2", "w2a8", "w2a4")


def measure_nearest(bench):
    rows = []
    for title, model, calibration, pixels, images, labels, widths in nearest_networks(bench):
        row = {"network": title, "quantized": {}}
        for bits in widths:
            report = bench.folder / "nearest.json"
            bench.run("quantrun", "--model", model, "--calibration", calibration, "--recipe",
                      PROJECT / f"configs/recipes/nearest_{bits}.yaml", "--input",
                      PROJECT / f"configs/recipes/inputs/{pixels}.yaml", "--output", bench.folder / "nearest.qnet", "--report",
                      report, "--test", images, "--test-labels", labels)
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
            network, _ = bench.quantize(f"{Path(model).stem}_{bits}", model, calibration, f"nearest_{bits}", "--input",
                                        PROJECT / f"configs/recipes/inputs/{pixels}.yaml", "--test-images", images,
                                        "--test-labels", labels)
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


def measure_core_speed(bench):
    found = bench.benchmark("core_bench", "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true")
    return {name: {"rate": run["cycles/s"], "ms": run["real_time"]} for name, run in found.items()}


def render_core_speed(values):
    rate = {name: f"{value['rate'] / 1e6:.2f} million" for name, value in values.items()}
    ratio = values["SystemCMachine"]["rate"] / values["VerilatedRtl"]["rate"]
    rows = [["SystemC core with host, DMA, DRAM", f"{rate['SystemCMachine']} ({ratio:.1f} times the RTL)",
             f"{values['image/cycle']['ms']:.0f} ms"],
            ["Verilated RTL core alone", rate["VerilatedRtl"], ""],
            ["lockstep", rate["Lockstep"], f"{values['image/lockstep']['ms']:.0f} ms"]]
    return table(["", "cycles a second, one layer", "one image of the residual network"], rows)


def measure_float_speed(bench):
    golden = bench.benchmark("golden_bench")
    floats = bench.benchmark("float_bench", "--benchmark_filter=resnet")
    return {"golden": [{"threads": int(name.split("/")[1]), "kernels": run["label"], "rate": run["images/s"]}
                       for name, run in golden.items()],
            "float": [{"threads": int(name.split("/")[2]), "rate": run["items_per_second"]} for name, run in floats.items()]}


def render_float_speed(values):
    kernels = list(dict.fromkeys(run["kernels"] for run in values["golden"]))
    rows = []
    for kernel in kernels:
        rates = {run["threads"]: number(run["rate"]) for run in values["golden"] if run["kernels"] == kernel}
        rows.append([f"golden reference, {kernel}", rates.get(1, ""), rates.get(2, "")])
    rates = {run["threads"]: number(run["rate"]) for run in values["float"]}
    rows.append(["float inference (oneDNN)", rates[1], rates[2]])
    return table(["images a second, residual network", "1 thread", "2 threads"], rows)


def measure_learning_speed(bench):
    codes = bench.benchmark("code_search_bench")
    calibration = bench.benchmark("calibration_bench")
    moves = bench.benchmark("exponent_moves_bench")
    return {"codes": {name.split("/", 1)[1]: run["real_time"] for name, run in codes.items()},
            "calibration": {name.split("/")[1]: run["real_time"] for name, run in calibration.items()},
            "moves": {name.split("/")[1]: run["moves_per_second"] for name, run in moves.items()}}


def render_learning_speed(values):
    rows = [[f"integer weights of a channel with {number(int(name.split('/')[0]))} weights, W{name.split('/')[1]}",
             f"{ms:.1f} ms", ""] for name, ms in values["codes"].items()]
    rows.append(["calibration of an inverted residual, 64 images", *(f"{values['calibration'][t] / 1e3:.1f} s" for t in "12")])
    rows.append(["exponent moves a second", *(number(values["moves"][t]) for t in "12")])
    return table(["", "1 thread", "2 threads"], rows)


BENCH_ROW = re.compile(r"^(\S+)\s+(\d)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s*(?:to|-)\s*([\d.]+)", re.M)


def measure_reconstruction_speed(bench):
    command = [PROJECT / "scripts/bench_pytorch", "--build", bench.binaries.parent, "--rounds", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"scripts/bench_pytorch: {done.stderr}")
    return [{"unit": m[1], "threads": int(m[2]), "ms": 1e3 / float(m[3]), "ratio": float(m[5]),
             "range": [float(m[6]), float(m[7])]} for m in BENCH_ROW.finditer(done.stdout)]


def render_reconstruction_speed(rows):
    found = {}
    for row in rows:
        found.setdefault(row["unit"], {})[row["threads"]] = row
    lines = []
    for unit, runs in found.items():
        line = [unit.replace("_", " ").replace("/", " ")]
        for threads in (1, 2):
            run = runs[threads]
            line += [f"{run['ms']:.3g}", f"{run['ratio']:.1f} ({run['range'][0]:.1f} to {run['range'][1]:.1f})"]
        lines.append(line)
    return table(["unit", "1 thread: ms", "times PyTorch", "2 threads: ms", "times PyTorch"], lines)


# ---- docs/energy.md ----

def measure_technology(bench):
    """{section.key: value} of the technology file: keys of two spaces, below sections of none."""
    values, section = {}, ""
    for line in (PROJECT / "configs/technologies/45nm_horowitz.yaml").read_text().splitlines():
        head, item = re.match(r"(\w+):\s*(#.*)?$", line), re.match(r"  (\w+): ([\d.\[\], ]+)\s*(#.*)?$", line)
        section = head[1] if head else section
        if item:
            values[f"{section}.{item[1]}"] = item[2].strip("[] ").replace(", ", " / ")
    return values


def render_technology(v):
    horowitz, aladdin = "Horowitz, ISSCC 2014, fig. 1.1.9", "Gem5-Aladdin (power_func.h), commercial 40 nm"
    rows = [
        [f"integer addition, {v['adder.bits']} bits", f"{v['adder.pj']} pJ", horowitz],
        [f"SRAM, 64 bits of {v['sram.kib']} KiB", f"{v['sram.pj_per_64_bits']} pJ", horowitz],
        ["DRAM, 64 bits", f"{v['dram.pj_per_64_bits']} pJ", "Horowitz, lower end of 1.3 to 2.6 nJ: bursts along open pages"],
        ["flip-flop, clocked", f"{v['register.pj_per_bit']} pJ a bit", aladdin],
        ["32-bit shifter", f"{v['shifter.pj']} pJ", aladdin],
        ["digit selection", f"{v['select.pj_per_bit']} pJ a bit",
         "estimate: two of Aladdin's 32-bit logic operations (0.018 pJ each)"],
        ["lane with an operand of zero", f"{float(v['gated_lane.fraction']):.0%} of an active one",
         "estimate: only the first zero of a run switches"],
        ["leakage: register, a bit", f"{v['leakage.register_nw_per_bit']} nW", "estimate, from Gem5-Aladdin"],
        ["leakage: adder, a bit", f"{v['leakage.adder_nw_per_bit']} nW", "estimate, from Gem5-Aladdin"],
        ["leakage: shifter", f"{v['leakage.shifter_nw']} nW", "estimate, from Gem5-Aladdin"],
        ["leakage: SRAM, a bit", f"{v['leakage.sram_pw_per_bit']} pW",
         "estimate, from CACTI 7, 45 nm low-standby-power cell at 350 K, cells only"],
    ]
    return table(["figure", "value", "source"], rows)


# ---- docs/diagnosis.md ----

SHOWN_LAYERS = ("features.3.conv1", "features.4.conv1", "features.9.shortcut.0", "features.9.conv2", "fc", "features.0",
                "GlobalAveragePool")


def measure_diagnosis(bench):
    return bench.example("resnet", "w2a4", "--diagnose", name="resnet_w2a4_")[1]


def render_diagnosis(text):
    """Three tables with the layers that the page explains, and the first advice."""
    lines = text[text.index("Where the signal is lost"):].split("\n")
    kept = []
    for title in ("Where the signal is lost", "Weights, in the same order", "Output codes, in the same order"):
        start = next(i for i, line in enumerate(lines) if line.startswith(title))
        head = next(i for i in range(start, len(lines)) if lines[i].startswith("layer "))
        kept += lines[start:head + 1]
        kept += [line for name in SHOWN_LAYERS for line in lines[head + 1:lines.index("", head)] if line.startswith(name + " ")]
        kept.append("")
    kept.append(next(line for line in lines if " lost to " in line))
    return "\n".join([FENCE, *(line.rstrip() for line in kept), FENCE])


def measure_more_bits(bench):
    rows = []
    for layer in ("", "features.3.conv1", "features.9.conv2"):
        options = ["--set", f"layers={{{layer}: {{weight_bits: 4}}}}"] if layer else ["--diagnose"]
        network, _ = bench.example("resnet", "w2a4", *options, name=f"resnet_w2a4_{layer}")
        rows.append([layer, bench.accuracy(network)])
    return rows


def render_more_bits(rows):
    return table(["4 bits for", "accuracy, 10,000 test images"],
                 [[f"`{layer}`" if layer else "no layer", f"{quantized:.2f} %"] for layer, quantized in rows])


# ---- docs/mixed-precision.md ----

BUDGETS = {"resnet_fmnist": 183552, "mobilenet_fmnist": 121186}


def measure_mixed(bench):
    values = {}
    for network, budget in BUDGETS.items():
        output = bench.folder / f"mixed_{network}"
        command = [PROJECT / "scripts/mixed_precision", "--model", PROJECT / f"models/{network}.onnx", "--config",
                   PROJECT / "configs/pe16x16.yaml", "--calibration", CALIBRATION, "--recipe",
                   PROJECT / "configs/recipes/nearest_w4a4.yaml", "--budget", f"cycles={budget}", "--output", output, "--bin",
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


@dataclass
class Block:
    measure: Callable  # of a Bench: the values, as JSON can hold them
    render: Callable   # of the values: the text of the block
    how: str           # what is run, and how long it takes
    record: str = ""   # where the values stand in docs/figures.json; empty: measured at every check


BLOCKS = {
    "run": Block(measure_run, render_run, "quantrun (nearest_w4a4) and simrun on models/resnet_fmnist.onnx: seconds"),
    "arrays": Block(measure_arrays, render_arrays, "simrun on both networks of models/, three arrays: seconds"),
    "technology": Block(measure_technology, render_technology, "reads configs/technologies/45nm_horowitz.yaml"),
    "diagnosis": Block(measure_diagnosis, render_diagnosis, "quantrun --diagnose (nearest_w2a4): seconds"),
    "more_bits": Block(measure_more_bits, render_more_bits, "quantrun and simrun, three recipes: seconds"),
    "nearest": Block(measure_nearest, render_nearest, "quantrun, five networks, up to six widths: 10 minutes; SHIFTSIM_DATA",
                     "nearest"),
    "networks": Block(measure_networks, render_networks, "quantrun, and simrun in lockstep, two networks: 3 minutes; "
                      "SHIFTSIM_DATA", "networks"),
    "core_speed": Block(measure_core_speed, render_core_speed, "core_bench: a minute on an idle machine", "core_speed"),
    "float_speed": Block(measure_float_speed, render_float_speed, "golden_bench, float_bench: a minute on an idle machine",
                         "float_speed"),
    "learning_speed": Block(measure_learning_speed, render_learning_speed, "code_search_bench, calibration_bench, "
                            "exponent_moves_bench: a minute on an idle machine", "learning_speed"),
    "reconstruction_speed": Block(measure_reconstruction_speed, render_reconstruction_speed, "scripts/bench_pytorch: "
                                  "minutes on an idle machine; PyTorch", "reconstruction_speed"),
    "mixed": Block(measure_mixed, render_mixed, "scripts/mixed_precision on both networks of models/: a minute", "mixed"),
    "flat": Block(measure_mixed, render_flat, "as mixed", "mixed"),
}
