#!/usr/bin/env python3
"""Checks a layer unit against the golden reference, from Python: a driver, a monitor and a scoreboard as coroutines.

    python3 examples/python_check/check.py NETWORK.qnet IMAGES.npy [--layer N...] [--outputs N] [--rtl FOLDER] [--unit FILE]

Exit status: 0 all outputs are equal, 1 some are not.
"""
import argparse
import collections
import sys
import tempfile
from pathlib import Path

import numpy as np

import shiftsim
from simulator import Edge, Unit, build

HERE = Path(__file__).resolve().parent


class Windows:
    """What each output of a layer reads, from the network's arrays."""

    def __init__(self, layer, tensors, signed):
        self.layer, self.arrays = layer, layer.arrays
        self.ifmap, self.ofmap = tensors[layer.input], tensors[layer.output]
        self.residual = tensors[layer.residual] if layer.residual else None
        self.is_max = layer.kind == "max_pool"
        self.signed = signed[layer.output]
        self.groups = layer.groups if "weights" in self.arrays else self.ifmap.shape[2]

    def taps(self, y, x, k):
        """(activation, weight) of each tap."""
        height, width, channels = self.ifmap.shape
        inside = channels // self.groups
        first = k // (self.ofmap.shape[2] // self.groups) * inside
        for ky in range(self.layer.kernel[0]):
            for kx in range(self.layer.kernel[1]):
                row = y * self.layer.stride[0] + ky * self.layer.dilation[0] - self.layer.pad[0]
                column = x * self.layer.stride[1] + kx * self.layer.dilation[1] - self.layer.pad[1]
                for c in range(inside):
                    weight = self.arrays["weights"][k, ky, kx, c] if "weights" in self.arrays else 1
                    if 0 <= row < height and 0 <= column < width:
                        yield self.ifmap[row, column, first + c], weight
                    elif not self.is_max:  # padding never wins a maximum
                        yield self.arrays.get("pad_values", np.zeros(channels))[first + c], weight

    def settings(self, y, x, k):
        """The unit's ports that stand while an output is computed."""
        at = {name: int(values[k]) for name, values in self.arrays.items() if name not in ("weights", "pad_values")}
        lowest = (-128 if self.signed else 0) if self.is_max else self.layer.lo
        return dict(max_i=self.is_max, has_offset_i=self.arrays.get("offsets", np.zeros(1)).any(),
                    offset_i=at.get("offsets", 0), bias_i=at.get("bias", 0), shift_i=at.get("shifts", 0),
                    has_residual_i=self.residual is not None,
                    residual_i=self.residual[y, x, k] if self.residual is not None else 0,
                    residual_shift_i=at.get("residual_shifts", 0), wide_i="hi" not in at and not self.is_max,
                    lo_i=lowest, hi_i=at.get("hi", 127 if self.signed else 255))


async def offer(unit):
    """An edge at which the unit takes what it is offered."""
    while True:
        taken = unit.ready_o
        await Edge()
        if taken:
            return


async def driver(unit, windows, outputs, expected):
    unit.rst_ni = 0
    unit.start_i = unit.valid_i = unit.finish_i = 0
    await Edge()
    unit.rst_ni = 1
    await Edge()
    for y, x, k in outputs:
        for port, value in windows.settings(y, x, k).items():
            setattr(unit, port, value)
        expected.append(((y, x, k), int(windows.ofmap[y, x, k])))
        unit.start_i = 1
        await offer(unit)
        unit.start_i = 0
        for act, weight in windows.taps(y, x, k):
            unit.act_i, unit.weight_i, unit.valid_i = act, weight, 1
            await offer(unit)
        unit.valid_i, unit.finish_i = 0, 1
        await offer(unit)
        unit.finish_i = 0
        while not unit.valid_o:
            await Edge()
    await Edge()


async def monitor(unit, expected, differences):
    while True:
        await Edge()
        if unit.valid_o and unit.rst_ni:
            place, value = expected.popleft()
            if unit.value_o != value:
                differences.append(f"output {place}: expected {value}, found {unit.value_o}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("images", help="a .npy file, uint8 N x H x W x C")
    parser.add_argument("--layer", type=int, nargs="+", default=[0])
    parser.add_argument("--outputs", type=int, default=0, help="check this many of a layer only; 0: all")
    parser.add_argument("--rtl", type=Path, default=Path(shiftsim.home_folder()) / "rtl")
    parser.add_argument("--unit", type=Path, default=HERE.parent / "layer_unit" / "layer_unit.sv")
    arguments = parser.parse_args()

    network = shiftsim.Network(arguments.network)
    tensors = network.trace(np.load(arguments.images)[0])
    signed = {tensor.name: tensor.signed for tensor in network.tensors}
    for number in arguments.layer:
        if not 0 <= number < len(network.layers):
            parser.error(f"there is no layer {number}")
        if network.layers[number].kind == "view":
            parser.error(f"layer {number} computes nothing: it is a view")
        if network.layers[number].table_exponent is not None:
            parser.error(f"layer {number} has an activation table, and the unit has none")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        library = build(arguments.unit, arguments.rtl, folder)
        for number in arguments.layer:
            windows = Windows(network.layers[number], tensors, signed)
            good = check_layer(Unit(library), windows, arguments.outputs) and good
    sys.exit(0 if good else 1)


def check_layer(unit, windows, limit):
    """Whether the first 'limit' outputs are right; 0: all of them."""
    outputs = list(np.ndindex(windows.ofmap.shape))
    chosen = outputs[:limit or None]
    expected, differences = collections.deque(), []
    unit.run(monitor(unit, expected, differences), driver(unit, windows, chosen, expected))
    name = windows.layer.name
    if expected or differences:
        print("\n".join(differences[:10]))
        print(f"FAIL: {name}: {len(differences)} of {len(chosen)} outputs differ, {len(expected)} never came")
        return False
    print(f"PASS: {name}: {len(chosen)} of {len(outputs)} outputs compared, all equal")
    return True


if __name__ == "__main__":
    main()
