"""Syntheses that are recorded: their geometries, what they gave, and the inventory that stands against it."""
import hashlib
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

RTL = Path(__file__).resolve().parent.parent.parent / "rtl"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


class RunsError(Exception):
    pass


@dataclass(frozen=True)
class Geometry:
    text: str  # pixels x channels x lanes
    ppu_lanes: int
    accumulator_bits: int
    queue_depth: int
    fitted: bool  # or only checked
    path: bool = False
    tables: bool = False

    @property
    def sizes(self):
        return tuple(map(int, self.text.split("x")))

    def options(self):
        return [self.text, "--ppu-lanes", str(self.ppu_lanes), "--accumulator-bits", str(self.accumulator_bits),
                "--queue-depth", str(self.queue_depth)] + ([] if self.path else ["--no-path"]) + \
               (["--activation-tables"] if self.tables else [])

    def settings(self):
        pixels, channels, lanes = self.sizes
        values = {"array.rows": pixels * lanes, "array.cols": channels, "array.lanes": lanes,
                  "array.ppu_lanes": self.ppu_lanes, "array.accumulator_bits": self.accumulator_bits,
                  "command_queue_depth": self.queue_depth, "array.activation_tables": str(self.tables).lower()}
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


# pe8x8, pe16x16 and pe32x32 are among those that are only checked, and the largest of all.
GEOMETRIES = [
    Geometry("1x4x4", 1, 24, 1, True, True), Geometry("2x4x2", 2, 24, 4, True, True), Geometry("4x4x1", 2, 16, 2, True, True),
    Geometry("1x8x8", 8, 32, 4, True, True), Geometry("3x5x3", 2, 19, 3, True, True),
    Geometry("2x16x4", 8, 24, 8, True, True), Geometry("4x8x4", 4, 24, 4, True),
    Geometry("8x8x2", 4, 20, 4, True), Geometry("1x16x16", 4, 24, 12, True, True),
    Geometry("4x12x3", 5, 28, 6, True), Geometry("16x4x1", 4, 24, 1, True),
    Geometry("8x16x1", 16, 24, 2, True), Geometry("6x32x2", 8, 22, 4, True),
    Geometry("2x8x4", 4, 24, 4, False), Geometry("4x16x4", 8, 24, 4, False, True),
    Geometry("3x7x2", 3, 20, 5, False), Geometry("12x6x5", 6, 30, 2, False),
    Geometry("8x32x4", 16, 24, 4, False), Geometry("2x48x8", 12, 26, 4, False),
]


def digest_of_rtl():
    """Of the modules that are synthesized, comments and layout apart."""
    words = [" ".join(COMMENT.sub(" ", path.read_text()).split()) for path in sorted(RTL.glob("*.sv"))]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


class Runs:
    def __init__(self, record, simrun):
        self.record, self.simrun = record, simrun
        self.data = json.loads(record.read_text()) if record.exists() else {"runs": {}}

    def measure(self, synthesize):
        """Records what is missing, or everything where the RTL is another. The largest first, as many as processors."""
        rtl = digest_of_rtl()
        if self.data.get("rtl") != rtl:
            self.data = {"rtl": rtl, "runs": {}}
        pending = [geometry for geometry in GEOMETRIES if geometry.text not in self.data["runs"]]
        pending.sort(key=lambda geometry: geometry.sizes[0] * geometry.sizes[1] * geometry.sizes[2], reverse=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for geometry, result in zip(pending, pool.map(lambda geometry: self.run(synthesize, geometry), pending)):
                self.add(geometry, result)
                self.write()

    def write(self):
        runs = {geometry.text: self.data["runs"][geometry.text] for geometry in GEOMETRIES
                if geometry.text in self.data["runs"]}
        self.record.write_text(json.dumps(self.data | {"runs": runs}, indent=1) + "\n")

    @staticmethod
    def run(synthesize, geometry):
        print(f"{geometry.text}: {synthesize.name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "result.json"
            run = subprocess.run([synthesize, *geometry.options(), "--json", file], capture_output=True, text=True)
            if run.returncode != 0:
                raise RunsError(run.stderr.strip())
            return json.loads(file.read_text())

    def add(self, geometry, result):
        """What a synthesis gave, by module in NAND2 equivalents and by unit in FO4 delays."""
        self.data["yosys"], self.data["cells"] = result["yosys"], result["cells"]
        entry = {"sizes": result["geometry"], "fitted": geometry.fitted,
                 "modules": {module["module"]: round(module["nand2"], 2) for module in result["modules"]}}
        if result["path"]:
            fo4 = result["path"]["fo4_ns"]
            entry["paths"] = {unit: round(ns / fo4, 2) for unit, ns in result["path"]["units"].items()}
        self.data["runs"][geometry.text] = entry

    def inventory(self, geometry):
        run = subprocess.run([self.simrun, "--print-inventory", *geometry.settings()], capture_output=True, text=True)
        if run.returncode != 0:
            raise RunsError(run.stderr.strip())
        return json.loads(run.stdout)

    def recorded(self):
        """Geometries and what was recorded of them. Throws RunsError where one is missing, or the RTL has changed since."""
        if self.data.get("rtl") != digest_of_rtl():
            raise RunsError(f"{self.record} is of another RTL; scripts/fit_gates --measure records today's")
        missing = [geometry.text for geometry in GEOMETRIES if geometry.text not in self.data["runs"]]
        if missing:
            raise RunsError(f"{self.record}: {', '.join(missing)} not recorded; scripts/fit_gates --measure does it")
        return [(geometry, self.data["runs"][geometry.text]) for geometry in GEOMETRIES]
