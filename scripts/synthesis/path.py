"""The longest path of the whole core, from register to register through all modules, by OpenSTA."""
import re
import tempfile
from pathlib import Path

from cells import SynthesisError
from netlist import map_to_cells, read_rtl, run

PERIOD = 100  # ns: no path is longer

# An inverter that drives four of its kind, which is the unit that carries a delay from one technology to another.
FO4 = """
module fo4 (input a, output y);
  wire {wires};
{cells}
  assign y = n6;
endmodule
"""


def sta(folder, cells, netlist, top, commands):
    script = [f"read_liberty {cells.liberty}", f"read_verilog {netlist}", f"link_design {top}", *commands]
    (folder / "sta.tcl").write_text("\n".join(script) + "\n")
    return run(["sta", "-no_splash", "-exit", str(folder / "sta.tcl")], folder / "sta.log")


def fo4_ns(folder, cells):
    """Mean of a rising and a falling output, in the middle of a chain of such inverters."""
    stages = range(7)
    wires = ", ".join([f"n{i}" for i in stages] + [f"d{i}_{k}" for i in stages for k in range(3)])
    lines = []
    for i in stages:
        source = "a" if i == 0 else f"n{i - 1}"
        lines.append(f"  INVX1 u{i} (.A({source}), .Y(n{i}));")
        lines += [f"  INVX1 load{i}_{k} (.A(n{i}), .Y(d{i}_{k}));" for k in range(3)]
    netlist = folder / "fo4.v"
    netlist.write_text(FO4.format(wires=wires, cells="\n".join(lines)))
    text = sta(folder, cells, netlist, "fo4", [
        "create_clock -name clk -period 10", "set_input_delay 0 -clock clk [get_ports a]",
        "set_output_delay 0 -clock clk [get_ports y]", "report_checks -digits 4"])
    delay = {int(stage): float(ns) for ns, stage in re.findall(r"^ *([\d.]+) +[\d.]+ [v^] u(\d)/Y", text, re.M)}
    return (delay[3] + delay[4]) / 2


# Units of the core, and how the names of their registers begin. What ends at no register ends at a memory or a port.
UNITS = {"load": "u_load", "sequencer": "u_sequencer", "operands": "gen_slot", "digits": "u_digits", "array": "u_array",
         "ppu": "u_ppu", "store": "u_store", "tokens": "u_tokens"}


def core_path(rtl, cells, sizes):
    """Memories become ports: what is read arrives at the clock's edge, addresses are due at the next one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        netlist = folder / "flat.v"
        script = [*read_rtl(rtl.resolve(), sizes), "synth -flatten -noabc -top shiftsim_core", "expose -evert",
                  *map_to_cells(cells, folder),
                  # So that a register has the name of the signal that it drives.
                  f"read_liberty -lib {cells.liberty}", "rename -wire t:DFF*",
                  f"write_verilog -noattr -noexpr -simple-lhs {netlist}"]
        (folder / "script.ys").write_text("\n".join(script) + "\n")
        run(["yosys", "-q", "-s", str(folder / "script.ys")], folder / "log")
        paths = [f'puts "unit {unit}"\nreport_checks -digits 4 -to [get_pins {prefix}*/D]' for unit, prefix in UNITS.items()]
        text = sta(folder, cells, netlist, "shiftsim_core", [
            f"create_clock -name clk -period {PERIOD} clk_i",
            "set_input_delay 0 -clock clk [all_inputs -no_clocks]", "set_output_delay 0 -clock clk [all_outputs]",
            "set_false_path -from [get_ports rst_ni]", *paths, 'puts "unit all"', "report_checks -digits 4"])
        fo4 = fo4_ns(folder, cells)
    found = {}
    for block in re.split(r"^unit ", text, flags=re.M)[1:]:
        slack = re.search(r"(-?[\d.]+) +slack", block)
        if not slack:
            raise SynthesisError(f"OpenSTA found no path to {block.split()[0]}")
        start, end = (re.search(rf"{point}: ([^\s\\]+)", block)[1] for point in ("Startpoint", "Endpoint"))
        found[block.split()[0]] = {"ns": PERIOD - float(slack[1]), "start": start, "end": end}
    longest = found.pop("all")
    return longest | {"fo4": longest["ns"] / fo4, "fo4_ns": fo4, "units": {unit: path["ns"] for unit, path in found.items()}}
