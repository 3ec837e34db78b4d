"""Runs the programs whose figures the documents state, and writes tables."""
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

PROJECT = Path(__file__).resolve().parent.parent.parent
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
        self.kept, self.reports = {}, {}

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

    def quantize(self, name, model, calibration, recipe, bits, *options):
        """The .qnet folder of a network, and what quantrun prints."""
        if name not in self.kept:
            folder = self.folder / f"{name}.qnet"
            text = self.run("quantrun", "--model", model, "--calibration", calibration, "--recipe", recipe,
                            "--bits", bits, "--output", folder, *options)
            self.kept[name] = folder, text
        return self.kept[name]

    def example(self, network, bits, *options, name=""):
        """One of the networks of models/, rounded to nearest."""
        return self.quantize(name or f"{network}_{bits}", PROJECT / f"models/{network}_fmnist.onnx", CALIBRATION,
                             "nearest", bits, *options)

    def simulate(self, network, *options, config="pe16x16"):
        """The report on a network, and what simrun prints; an accuracy is measured anew, not kept from an earlier check."""
        key = network, options, config
        if key not in self.reports:
            folder = self.folder / "report"
            text = self.run("simrun", "--config", PROJECT / f"configs/{config}.yaml", "--network", network, "--output",
                            folder, "--set", "run.accuracy_cache=false", *options)
            self.reports[key] = json.loads((folder / "report.json").read_text()), text
        return self.reports[key]

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


@dataclass
class Block:
    measure: Callable  # of a Bench: the values, as JSON can hold them
    render: Callable   # of the values: the text of the block
    how: str           # what is run, and how long it takes
    record: str = ""   # where the values stand in docs/figures.json; empty: measured at every check
    has_cycles: bool = False  # a record is of one timing of the core, and holds as long as that does
