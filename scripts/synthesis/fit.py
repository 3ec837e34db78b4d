"""Least squares with coefficients that are not negative, and the file that holds them."""
import itertools
import math
import textwrap

HEAD = """\
# Gates of the core's parts, made by scripts/fit_gates; docs/area.md explains them. A part of 'bits' bits is
# per_part + bits x per_bit NAND2 equivalents. A unit's longest path is
# base + per_level x log2(lanes + 1) + per_bit x accumulator bits + per_doubling x log2(pixels x channels),
# in FO4 delays.
"""


def solve(rows, targets):
    """The least squares of a few unknowns by their normal equations; None where they are dependent."""
    size = len(rows[0])
    matrix = [[sum(row[i] * row[j] for row in rows) for j in range(size)] +
              [sum(row[i] * target for row, target in zip(rows, targets))] for i in range(size)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(matrix[k][i]))
        if abs(matrix[pivot][i]) < 1e-9 * max(1.0, abs(matrix[i][i])):
            return None
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for k in range(size):
            if k != i:
                factor = matrix[k][i] / matrix[i][i]
                matrix[k] = [a - factor * b for a, b in zip(matrix[k], matrix[i])]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


def least_squares(rows, targets):
    """Coefficients that are not negative, for the least sum of squared relative errors. There are so few unknowns that
    every choice of those that are not 0 can be tried."""
    rows = [[value / target for value in row] for row, target in zip(rows, targets)]
    # Of one size, so that a pivot is told from rounding.
    scale = [max(abs(row[i]) for row in rows) or 1.0 for i in range(len(rows[0]))]
    rows = [[value / scale[i] for i, value in enumerate(row)] for row in rows]
    best, least = [0.0] * len(scale), float(len(rows))
    for size in range(1, len(scale) + 1):
        for chosen in itertools.combinations(range(len(scale)), size):
            values = solve([[row[i] for i in chosen] for row in rows], [1.0] * len(rows))
            if values is None or min(values) < 0:
                continue
            squares = sum((sum(row[i] * value for i, value in zip(chosen, values)) - 1) ** 2 for row in rows)
            if squares < least * (1 - 1e-6):  # one more unknown must be of use
                least = squares
                best = [0.0] * len(scale)
                for i, value in zip(chosen, values):
                    best[i] = value
    return [value / scale[i] for i, value in enumerate(best)]


class Fit:
    """'modules': {module: {kind: (per_bit, per_part)}}; 'errors': {geometry: percent}, of the whole core."""

    def __init__(self, runs):
        self.runs = runs
        recorded = runs.recorded()
        self.parts = {geometry: self._parts(runs.inventory(geometry)) for geometry, _ in recorded}
        self.modules = {}
        names = sorted({name for parts in self.parts.values() for name in parts})
        for name in names:
            # What only cores with activation tables have is fitted to these.
            fitted = [(geometry, run) for geometry, run in recorded if geometry.fitted and name in self.parts[geometry]]
            self.modules[name] = self._fit([(self.parts[geometry].get(name, {}), run["modules"].get(name, 0.0))
                                            for geometry, run in fitted or recorded])
        self.others = self._fit([(self._sum(self.parts[geometry]), sum(run["modules"].values()))
                                 for geometry, run in recorded if geometry.fitted], per_part=False)
        self.errors = {geometry: 100 * (self.nand2(geometry) / sum(run["modules"].values()) - 1)
                       for geometry, run in recorded}
        self.paths = self._paths(recorded)

    @staticmethod
    def _parts(inventory):
        """{module: {kind: [bits of all parts, number of parts]}}, without memories."""
        modules = {}
        for part in inventory:
            if part["kind"] != "sram" and part["rtl_module"]:
                kinds = modules.setdefault(part["rtl_module"], {})
                total = kinds.setdefault(part["kind"], [0.0, 0.0])
                total[0] += part["bits"] * part["count"]
                total[1] += part["count"]
        return modules

    @staticmethod
    def _sum(modules):
        kinds = {}
        for module in modules.values():
            for kind, (bits, count) in module.items():
                total = kinds.setdefault(kind, [0.0, 0.0])
                total[0] += bits
                total[1] += count
        return kinds

    @staticmethod
    def _fit(samples, per_part=True):
        samples = [(kinds, nand2) for kinds, nand2 in samples if nand2 > 0]
        kinds = sorted({kind for sample, _ in samples for kind in sample})
        columns = [(kind, place) for kind in kinds for place in ((0, 1) if per_part else (0,))]
        rows = [[sample.get(kind, (0.0, 0.0))[place] for kind, place in columns] for sample, _ in samples]
        values = least_squares(rows, [nand2 for _, nand2 in samples])
        result = {kind: [0.0, 0.0] for kind in kinds}
        for (kind, place), value in zip(columns, values):
            result[kind][place] = float(f"{value:.5g}")
        return result

    def nand2(self, geometry):
        return sum(cost[0] * total[0] + cost[1] * total[1] for name, kinds in self.parts[geometry].items()
                   for kind, total in kinds.items() for cost in [self.modules[name][kind]])

    @staticmethod
    def _levels(geometry):
        pixels, channels, lanes = geometry.sizes
        return [1.0, math.log2(lanes + 1), float(geometry.accumulator_bits), math.log2(pixels * channels)]

    def _paths(self, recorded):
        measured = [(geometry, run["paths"]) for geometry, run in recorded if "paths" in run and not geometry.tables]
        paths = {}
        for unit in sorted({unit for _, units in measured for unit in units}):
            samples = [(self._levels(geometry), units[unit]) for geometry, units in measured if unit in units]
            # Only the array has adders as wide as the geometry says, and as many lanes.
            columns = range(len(samples[0][0])) if unit == "array" else (0, 3)
            chosen = least_squares([[row[i] for i in columns] for row, _ in samples], [fo4 for _, fo4 in samples])
            values = [0.0] * len(samples[0][0])
            for i, value in zip(columns, chosen):
                values[i] = value
            # No measured path is longer than the model's.
            values[0] += max(0.0, *(fo4 - sum(a * b for a, b in zip(row, values)) for row, fo4 in samples), 0.0)
            paths[unit] = [math.ceil(value * 100) / 100 for value in values]
        return paths

    def path(self, geometry):
        return max(sum(a * b for a, b in zip(self._levels(geometry), values)) for values in self.paths.values())

    def table(self):
        lines = [f"{'geometry':10} {'PPU':>3} {'acc':>3} {'queue':>5} {'used to':8} {'netlist':>9} {'model':>9} {'error':>7} "
                 f"{'path':>6} {'model':>6}"]
        for geometry, run in self.runs.recorded():
            longest = f"{max(run['paths'].values()):6.1f}" if "paths" in run else f"{'':6}"
            lines.append(f"{geometry.text:10} {geometry.ppu_lanes:3} {geometry.accumulator_bits:3} "
                         f"{geometry.queue_depth:5} {'fit' if geometry.fitted else 'check':8} "
                         f"{sum(run['modules'].values()):9,.0f} {self.nand2(geometry):9,.0f} "
                         f"{self.errors[geometry]:+6.2f}% {longest} {self.path(geometry):6.1f}")
        return "\n".join(lines)

    def yaml(self):
        fitted = [abs(error) for geometry, error in self.errors.items() if geometry.fitted]
        checked = [abs(error) for geometry, error in self.errors.items() if not geometry.fitted]
        source = (f"scripts/synthesize: Yosys {self.runs.data['yosys']} with {self.runs.data['cells']}, typical corner; "
                  f"least squares over {len(fitted)} geometries, worst error {max(fitted):.1f} %; "
                  f"{len(checked)} other geometries, worst error {max(checked):.1f} %. Paths by OpenSTA, without wires.")
        lines = [HEAD + "source: >-", *textwrap.wrap(source, 96, initial_indent="  ", subsequent_indent="  "),
                 "modules:"]
        for name, kinds in self.modules.items():
            lines += [f"  {name}:", *self._costs(kinds, "    ")]
        lines += ["others:  # parts of modules that are not above", *self._costs(self.others, "  "), "paths:"]
        lines += [f"  {unit}: {{base: {base}, per_level: {level}, per_bit: {bit}, per_doubling: {doubling}}}"
                  for unit, (base, level, bit, doubling) in self.paths.items()]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _costs(kinds, indent):
        return [f"{indent}{kind}: {{per_bit: {bit:g}, per_part: {part:g}}}" for kind, (bit, part) in kinds.items()]
