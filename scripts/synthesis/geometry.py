"""The core's sizes, as its RTL names them, from a text such as 4x8x4 or from a configuration."""
import re
import subprocess

DEFAULTS = {"AccW": 24, "CmdDepth": 4, "ActivationTables": 0}
RANGES = {"Pixels": (1, 64), "Channels": (1, 64), "Lanes": (1, 64), "PpuLanes": (1, 64), "AccW": (16, 32),
          "CmdDepth": (1, 16), "ActivationTables": (0, 1)}
# No gate depends on the depth of a memory: it is a parameter of a black box.
MEMORY_DEPTHS = {"ActDepth": 1024, "WgtDepth": 2048, "TabDepth": 64, "ResDepth": 1024, "OutDepth": 1024}


class Sizes:
    def __init__(self, pixels, channels, lanes, ppu_lanes=None, **others):
        self.values = {"Pixels": pixels, "Channels": channels, "Lanes": lanes, "PpuLanes": ppu_lanes or (channels + 1) // 2,
                       **DEFAULTS, **others}

    def override(self, **values):
        self.values |= {name: value for name, value in values.items() if value is not None}

    def check(self):
        values = self.values
        for name, (low, high) in RANGES.items():
            high = min(high, values["Channels"]) if name in ("Lanes", "PpuLanes") else high
            if not low <= values[name] <= high:
                raise ValueError(f"{name}: found {values[name]}, expected an integer in [{low}, {high}]")

    def parameters(self):
        return " ".join(f"-chparam {name} {value}" for name, value in (self.values | MEMORY_DEPTHS).items())

    def __str__(self):
        v = self.values
        return (f"{v['Pixels']} pixels x {v['Channels']} channels x {v['Lanes']} lanes, {v['PpuLanes']} PPU lanes, "
                f"{v['AccW']}-bit accumulators, queues of {v['CmdDepth']}" +
                (", activation tables" if v["ActivationTables"] else ""))


def from_text(text):
    match = re.fullmatch(r"(\d{1,3})x(\d{1,3})x(\d{1,3})", text)
    if not match:
        raise ValueError(f"geometry: found '{text}', expected PIXELSxCHANNELSxLANES such as 4x8x4")
    return Sizes(*map(int, match.groups()))


def from_config(file, simrun):
    """simrun reads the file, with its includes and checks, and prints every key."""
    try:
        run = subprocess.run([simrun, "--config", file, "--print-config"], capture_output=True, text=True)
    except OSError as error:
        raise ValueError(f"--config needs simrun: {error}; scripts/setup builds it, or give --simrun") from error
    if run.returncode != 0:
        raise ValueError(run.stderr.strip())

    def value(key):
        return int(re.search(rf"^\s*{key}:\s*(\d+)", run.stdout, re.M)[1])

    tables = int(re.search(r"^\s*activation_tables:\s*true", run.stdout, re.M) is not None)
    lanes = value("lanes")
    return Sizes(value("rows") // lanes, value("cols"), lanes, value("ppu_lanes"), AccW=value("accumulator_bits"),
                 CmdDepth=value("command_queue_depth"), ActivationTables=tables)
