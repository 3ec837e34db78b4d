"""Blocks of speeds, which vary from machine to machine: they are recorded in docs/figures.json, with machine and date."""
import re
import subprocess

from bench import PROJECT, BenchError, Block, number, table


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


NETWORKS = {"residual": "residual network, 28x28", "resnet18": "ResNet-18, 224x224", "resnet50": "ResNet-50, 224x224",
            "mobilenet_v2": "MobileNetV2, 224x224"}


def measure_transaction_speed(bench):
    found = bench.benchmark("transaction_bench", "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true")
    return {name: {"cycles": run["cycles"], "cpu_ms": run["cpu_time"]} for name, run in found.items()}


def render_transaction_speed(values):
    rows = []
    for name, title in NETWORKS.items():
        timing, whole = values[f"timing/{name}"], values[f"from_nothing/{name}"]
        rate = timing["cycles"] / timing["cpu_ms"] / 1e3
        rows.append([title, f"{timing['cycles']:,.0f}", f"{timing['cpu_ms']:.1f} ms", f"{rate:.0f} million",
                     f"{whole['cpu_ms']:.0f} ms"])
    return table(["network", "cycles", "timing", "cycles a second", "with widths proved, mapping and compilation"], rows)


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
    integer_weights = bench.benchmark("integer_weight_search_bench")
    calibration = bench.benchmark("calibration_bench")
    moves = bench.benchmark("exponent_moves_bench")
    return {"integer_weights": {name.split("/", 1)[1]: run["real_time"] for name, run in integer_weights.items()},
            "calibration": {name.split("/")[1]: run["real_time"] for name, run in calibration.items()},
            "moves": {name.split("/")[1]: run["moves_per_second"] for name, run in moves.items()}}


def render_learning_speed(values):
    rows = [[f"integer weights of a channel with {number(int(name.split('/')[0]))} weights, W{name.split('/')[1]}",
             f"{ms:.1f} ms", ""] for name, ms in values["integer_weights"].items()]
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


SPEED = {
    "core_speed": Block(measure_core_speed, render_core_speed, "core_bench: a minute on an idle machine", "core_speed"),
    "transaction_speed": Block(measure_transaction_speed, render_transaction_speed,
                               "transaction_bench: half a minute on an idle machine", "transaction_speed"),
    "float_speed": Block(measure_float_speed, render_float_speed, "golden_bench, float_bench: a minute on an idle machine",
                         "float_speed"),
    "learning_speed": Block(measure_learning_speed, render_learning_speed, "integer_weight_search_bench, "
                            "calibration_bench, exponent_moves_bench: a minute on an idle machine", "learning_speed"),
    "reconstruction_speed": Block(measure_reconstruction_speed, render_reconstruction_speed, "scripts/bench_pytorch: "
                                  "minutes on an idle machine; PyTorch", "reconstruction_speed"),
}
