"""Blocks of figures that take seconds: they are measured at every check."""
import re
import sys

from bench import FENCE, PROJECT, TEST_IMAGES, TEST_LABELS, BenchError, Block, number, table


# ---- README.md: what the first command prints ----

def measure_run(bench):
    # As scripts/run does it, with the test images for the float network's accuracy.
    network, _ = bench.example("resnet", "w4a4", "--images", TEST_IMAGES, "--labels", TEST_LABELS)
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


# ---- docs/area.md ----

def measure_gates(bench):
    """The recorded netlists beside what the inventory makes of them."""
    sys.path.insert(0, str(PROJECT / "scripts/synthesis"))
    from fit import Fit
    from runs import Runs, RunsError
    try:
        fit = Fit(Runs(PROJECT / "tests/data/synthesis_osu018.json", bench.binaries / "simrun"))
    except RunsError as error:
        raise BenchError(str(error)) from error
    return [[geometry.text, geometry.ppu_lanes, geometry.accumulator_bits, geometry.fitted,
             sum(run["modules"].values()), fit.errors[geometry], max(run["paths"].values()) if "paths" in run else None,
             fit.path(geometry)] for geometry, run in fit.runs.recorded()]


def render_gates(rows):
    header = ["pixels x channels x lanes", "PPU lanes", "accumulator", "used to", "netlist, NAND2", "inventory", "path, FO4",
              "formula"]
    return table(header, [[text, str(ppu), f"{bits} bits", "fit" if fitted else "check", number(nand2), f"{error:+.1f} %",
                           f"{path:.0f}" if path else "", f"{model:.0f}"]
                          for text, ppu, bits, fitted, nand2, error, path, model in rows])


FIGURES = {
    "run": Block(measure_run, render_run, "quantrun (nearest, W4A4) and simrun on models/resnet_fmnist.onnx: seconds"),
    "arrays": Block(measure_arrays, render_arrays, "simrun on both networks of models/, three arrays: seconds"),
    "technology": Block(measure_technology, render_technology, "reads configs/technologies/45nm_horowitz.yaml"),
    "gates": Block(measure_gates, render_gates, "scripts/fit_gates on the recorded syntheses: seconds"),
    "diagnosis": Block(measure_diagnosis, render_diagnosis, "quantrun --diagnose (nearest, W2A4): seconds"),
    "more_bits": Block(measure_more_bits, render_more_bits, "quantrun and simrun, three recipes: seconds"),
}
