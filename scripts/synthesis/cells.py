"""The standard cells of osu018: where Debian's qflow-tech-osu018 puts them, their areas, and their FO4 delay."""
import re
from pathlib import Path

FOLDER = Path("/usr/share/qflow/tech/osu018")
PACKAGE = "qflow-tech-osu018"


class SynthesisError(Exception):
    def __init__(self, message, missing=False):
        super().__init__(message)
        self.missing = missing  # a program or a file is not installed


class Cells:
    name = "osu018_stdcells"

    def __init__(self, liberty, verilog):
        self.liberty, self.verilog = liberty, verilog
        text = liberty.read_text()
        self.area = {name: float(area) for name, area in
                     re.findall(r"^cell \((\w+)\) \{\s*area : ([\d.]+);", text, re.M)}

    @classmethod
    def find(cls):
        liberty, verilog = FOLDER / "osu018_stdcells.lib", FOLDER / "osu018_stdcells.v"
        for file in (liberty, verilog):
            if not file.is_file():
                raise SynthesisError(f"there is no {file}: install Debian's {PACKAGE} (scripts/setup does)", missing=True)
        return cls(liberty, verilog)

    def nand2(self, area):
        return area / self.area["NAND2X1"]

    def is_register(self, cell):
        return cell.startswith(("DFF", "LATCH"))
