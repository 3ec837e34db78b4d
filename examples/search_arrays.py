#!/usr/bin/env python3
"""Searches for the array with the least energy-delay product: python3 examples/search_arrays.py NETWORK.qnet IMAGES MM2

Hill climbing within an area: from the best array so far to its best neighbour, one size changed by a factor of 2.
"""
import functools
import math
import sys

import shiftsim

network, images, most_area = shiftsim.Network(sys.argv[1]), sys.argv[2], float(sys.argv[3])


@functools.lru_cache(maxsize=None)
def energy_delay(rows, cols, lanes):
    """Joules times seconds of an image; infinite where the area is too large."""
    config = {"array": {"rows": rows, "cols": cols, "lanes": lanes}, "dataset": {"test_images": 1}}
    run = shiftsim.simulate(config, network, images=images, fidelity="transaction")
    fits = run["area"]["total_mm2"] <= most_area
    return run["energy"]["per_image_pj"] * 1e-12 * run["cycles"]["seconds_per_image"] if fits else math.inf


def cost(array):
    try:
        return energy_delay(*array)
    except shiftsim.UserError:  # no such array, or too slow for its clock
        return math.inf


best = (8, 8, 1)
energy_delay(*best)  # a mistake in the arguments shows here
while True:
    moves = [(i, size) for i in range(3) for size in (best[i] // 2, best[i] * 2)]
    better = min((best[:i] + (size,) + best[i + 1:] for i, size in moves), key=cost)
    if cost(better) >= cost(best):
        break
    best = better
print("%d rows, %d columns, %d lanes: %.3g J s" % (*best, cost(best)))
