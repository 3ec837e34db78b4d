"""A Verilated unit in Python, with coroutines that wait for its clock, in the manner of cocotb."""
import ctypes
import subprocess
from pathlib import Path


def build(unit, rtl, folder):
    """Verilates the module layer_unit of the file 'unit', with the parts in 'rtl'. Gives the library's path."""
    folder, here = Path(folder).resolve(), Path(__file__).resolve().parent
    packages = [Path(rtl) / "shiftsim_cmd_pkg.sv", Path(rtl) / "shiftsim_pkg.sv"]
    verilator = ["verilator", "--cc", "-Wno-fatal", "--prefix", "Vlayer_unit", "--top-module", "layer_unit", "--Mdir",
                 folder, "-CFLAGS", "-fPIC", "-y", rtl, *packages, unit]
    root = subprocess.run(["verilator", "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=True)
    include = Path(root.stdout.strip()) / "include"
    objects = ["Vlayer_unit__ALL.a", "verilated.o", "verilated_threads.o"]
    library = folder / "unit.so"
    subprocess.run(list(map(str, verilator)), check=True, capture_output=True)
    subprocess.run(["make", "-s", "-C", folder, "-f", "Vlayer_unit.mk", *objects], check=True, capture_output=True)
    subprocess.run(["c++", "-shared", "-fPIC", "-std=c++17", "-I", folder, "-I", include, "-I", include / "vltstd",
                    here / "unit.cpp", *(folder / name for name in objects), "-o", library, "-lpthread"], check=True)
    return library


class Edge:
    """Awaited: the next rising edge of the clock. Afterwards outputs are those behind the edge."""

    def __await__(self):
        yield


class Unit:
    """The unit. Attributes are its ports: unit.act_i = -3; print(unit.ready_o)."""

    def __init__(self, library):
        load = ctypes.CDLL(str(library))
        load.unit_new.restype = ctypes.c_void_p
        load.unit_get.restype = ctypes.c_int64
        load.unit_get.argtypes = [ctypes.c_void_p, ctypes.c_int]
        load.unit_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64]
        load.unit_eval.argtypes = [ctypes.c_void_p]
        vars(self).update(_load=load, _unit=load.unit_new(), _ports={})

    def _port(self, name):
        if name not in self._ports:
            self._ports[name] = self._load.unit_port(name.encode())
        if self._ports[name] < 0:
            raise AttributeError(f"the unit has no port {name}")
        return self._ports[name]

    def __getattr__(self, name):
        return self._load.unit_get(self._unit, self._port(name))

    def __setattr__(self, name, value):
        self._load.unit_set(self._unit, self._port(name), int(value))

    def run(self, *coroutines):
        """Clocks the unit until the first of the coroutines is done; all are woken at each edge, in their order."""
        while True:
            for coroutine in coroutines:
                try:
                    coroutine.send(None)
                except StopIteration:
                    return
            self.clk_i = 0
            self._load.unit_eval(self._unit)
            self.clk_i = 1
            self._load.unit_eval(self._unit)
