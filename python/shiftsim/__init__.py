"""ShiftSim: quantize networks to powers of two, and simulate them on a shift-and-add accelerator.

    import shiftsim
    network, report = shiftsim.quantize("net.onnx", "images/", recipe="nearest", bits="w4a4")
    run = shiftsim.simulate({"array": {"rows": 32, "cols": 32}}, network, images="test.npy", labels="labels.npy")
    print(run["cycles"], run["energy"]["total_pj"])

Everything runs in this process, on the libraries behind the programs quantrun and simrun. Bad input raises UserError
with the message of the programs. Ctrl-C stops any call. docs/python.md has more.
"""

import os
from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ._core import (InternalError, Layer, Network, Tensor, UserError, __version__, home_folder, read_images,
                    recipe_names, set_verbosity)
from . import _core

Path = Union[str, "os.PathLike[str]"]
Images = Union[Path, np.ndarray]
Labels = Union[Path, Sequence[int], np.ndarray]
Progress = Callable[[str, int, int, str], None]

__all__ = ["InternalError", "Layer", "Network", "Quantization", "Tensor", "UserError", "home_folder", "quantize",
           "read_images", "recipe_names", "set_verbosity", "simulate", "sweep"]


class Quantization(NamedTuple):
    """What quantize() gives."""

    network: Optional[Network]  # None with free scales, which are no integers
    report: dict  # as quantrun --report writes it


def quantize(model: Path, calibration: Images, *, recipe: Union[None, Path, Mapping[str, Any]] = None,
             bits: Optional[str] = None, images: Optional[Images] = None, labels: Optional[Labels] = None,
             calibration_labels: Optional[Labels] = None, output: Optional[Path] = None,
             input_shape: Optional[Tuple[int, int]] = None, output_tensor: str = "", effort: Optional[str] = None,
             budget_minutes: Optional[float] = None, seed: Optional[int] = None, threads: int = 0,
             progress: Optional[Progress] = None) -> Quantization:
    """Makes an integer network of a float ONNX model.

    calibration         images to learn from: a path as quantrun takes it, or uint8 N x H x W x C
    recipe              a name (recipe_names()), a YAML file, or a dictionary of a recipe's keys
    bits                widths of weights and activations, in place of the recipe's: "w2a4"
    images, labels      what accuracy is measured on
    output              the .qnet folder to write, too
    input_shape         (height, width), where the model leaves them open
    output_tensor       which value of the model is the output, where it has several
    effort              how long a recipe such as "best" learns: "quick", "normal" or "thorough"
    budget_minutes      as long as fits into so many minutes on this machine
    threads             0: one per processor. The result is the same at any number
    progress            called with (what, done, total, unit), some times a second
    """
    return Quantization(*_core.quantize(model, calibration, calibration_labels, _dictionary(recipe), bits, images,
                                        labels, output, input_shape, output_tensor, effort, budget_minutes, seed,
                                        threads, progress))


def simulate(config: Union[None, Path, Mapping[str, Any]] = None, network: Union[None, Path, Network] = None, *,
             images: Optional[Images] = None, labels: Optional[Labels] = None, fidelity: Optional[str] = None,
             output: Optional[Path] = None, threads: int = -1, progress: Optional[Progress] = None) -> dict:
    """Runs a network on an accelerator, and gives simrun's report.json as a dictionary.

    config              a YAML file, or a dictionary of its keys ('include' among them); None: the defaults
    network             a Network or a .qnet folder, in place of the configuration's
    images, labels      in place of the configuration's: a path, or uint8 N x H x W x C and integers
    fidelity            "golden", "transaction", "cycle" or "lockstep"
    output              a folder for the files of simrun, too; a failing lockstep leaves its waveform there
    threads             as run.threads; -1: the configuration's
    """
    return _core.simulate(_dictionary(config), network, images, labels, fidelity, output, threads, progress)


def sweep(spec: Union[Path, Mapping[str, Any]], *, output: Optional[Path] = None, workers: int = 0,
          progress: Optional[Progress] = None) -> dict:
    """Runs a sweep, and gives its points.json as a dictionary: 'points' with 'values', 'metrics' and 'front'.

    spec                a sweep file (docs/sweeps.md), or a dictionary of its keys
    output              the folder of the results; a sweep that was interrupted goes on there
    workers             threads; 0: one per processor. Engines with SystemC (cycle, lockstep) have one

    'folder' of the dictionary names the folder of the results.
    """
    return _core.sweep(_dictionary(spec), output, workers, progress)


def _dictionary(value: Any) -> Any:
    """A mapping of any kind, with those in it, as dictionaries."""
    if isinstance(value, Mapping):
        return {key: _dictionary(entry) for key, entry in value.items()}
    return value
