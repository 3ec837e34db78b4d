"""The netlist of the core, module by module: each kind of module is mapped once, its instances are alike."""
import collections
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cells import SynthesisError

# What drives a module's inputs and hangs on its outputs: a buffer, and three inputs of NAND2X1 (30 fF).
CONSTRAINTS = "set_driving_cell BUFX2\nset_load 30.0 [all_outputs]\n"
MEMORIES = ("shiftsim_ram_1w1r.sv", "shiftsim_ram_1w1r_be.sv")


def run(command, log, cwd=None):
    if not shutil.which(command[0]):
        raise SynthesisError(f"{command[0]} is not installed: scripts/setup installs it", missing=True)
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd)
    log.write_text(result.stdout)
    if result.returncode != 0:
        raise SynthesisError(f"{command[0]} failed:\n" + "\n".join(result.stdout.splitlines()[-20:]))
    return result.stdout


def sources_of(rtl):
    """The files of the core but its memories."""
    files = sorted(file for file in rtl.glob("*.sv") if file.name not in MEMORIES)
    if not any(file.name == "shiftsim_core.sv" for file in files):
        raise SynthesisError(f"{rtl}: there is no shiftsim_core.sv", missing=True)
    return files


def read_rtl(rtl, sizes):
    """Yosys commands: packages first, memories as black boxes, then the top module with its parameters."""
    files = sources_of(rtl)
    packages = [file for file in files if file.name.endswith("_pkg.sv")]
    others = [file for file in files if file not in packages]
    return [f"read_verilog -sv -lib {' '.join(str(rtl / name) for name in MEMORIES)}",
            f"read_verilog -sv {' '.join(map(str, packages + others))}",
            f"hierarchy -check -top shiftsim_core {sizes.parameters()}"]


def map_to_cells(cells, folder):
    constraints = folder / "constraints"
    constraints.write_text(CONSTRAINTS)
    return [f"dfflibmap -liberty {cells.liberty}", f"abc -liberty {cells.liberty} -constr {constraints}", "opt_clean"]


def plain_name(name):
    """'$paramod$hash\\shiftsim_pe' or '$paramod\\shiftsim_pe\\Lanes=...': the module's own name."""
    return re.search(r"shiftsim_\w+", name)[0]


class Synthesis:
    def __init__(self, rtl, cells, sizes):
        self.cells = cells
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            script = [f"read_liberty -lib {cells.liberty}", *read_rtl(rtl.resolve(), sizes),
                      "synth -noabc -top shiftsim_core", *map_to_cells(cells, folder), "check -assert",
                      f"write_json {folder}/netlist.json", f"write_verilog -noattr {folder}/netlist.v"]
            (folder / "script.ys").write_text("\n".join(script) + "\n")
            # Without -q: ABC's delays stand in the log.
            log = run(["yosys", "-s", str(folder / "script.ys")], folder / "log")
            self.version = re.search(r"Yosys (\d\S*)", log)[1]
            self._netlist = json.loads((folder / "netlist.json").read_text())["modules"]
            self._verilog = (folder / "netlist.v").read_text()
            self._delays = delays(log)

    def verilog(self):
        return self._verilog

    def modules(self):
        """By the name in the RTL, whatever their parameters: instances, area without that of modules in it, path."""
        instances = collections.Counter()
        top = next(name for name, module in self._netlist.items() if "top" in module["attributes"])
        self._count(top, instances)
        result = {}
        for name, count in instances.items():
            plain = plain_name(name)
            entry = result.setdefault(plain, {"module": plain, "instances": 0, "nand2": 0.0, "registers_nand2": 0.0,
                                              "registers": 0, "path_ns": 0.0})
            areas = collections.Counter(cell["type"] for cell in self._netlist[name]["cells"].values()
                                        if cell["type"] in self.cells.area)
            entry["instances"] += count
            for cell, number in areas.items():
                nand2 = count * number * self.cells.nand2(self.cells.area[cell])
                entry["nand2"] += nand2
                if self.cells.is_register(cell):
                    entry["registers_nand2"] += nand2
                    entry["registers"] += count * number
            entry["path_ns"] = max(entry["path_ns"], self._delays.get(name, 0.0))
        return [entry for entry in result.values() if entry["nand2"] > 0]

    def _count(self, module, instances):
        instances[module] += 1
        for cell in self._netlist[module]["cells"].values():
            if cell["type"] in self._netlist and plain_module(self._netlist[cell["type"]]):
                self._count(cell["type"], instances)


def plain_module(module):
    """Not a cell of the library and not a memory: those are black boxes."""
    return "blackbox" not in module["attributes"]


def delays(log):
    """ABC's longest path in ns by module, from 'Extracting gate netlist of module' and the 'Delay =' after it."""
    found = {}
    module = None
    for line in log.splitlines():
        if match := re.search(r"Extracting gate netlist of module `\\?(.*)' to", line):
            module = match[1]
        elif match := re.search(r"Delay = *([\d.]+) ps", line):
            found[module] = float(match[1]) / 1000
    return found
