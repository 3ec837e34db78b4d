"""The example of a check in Python: right as it is, and it finds a changed bit of the RTL."""
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import SOURCE

pytestmark = pytest.mark.skipif(shutil.which("verilator") is None, reason="verilator is not installed")

# One bit of the RTL each: a digit's sign, the weight of a digit, a bit of the shift.
MUTANTS = [("shiftsim_recoder.sv", "neg_o = high_i &", "neg_o = low_i &"),
           ("shiftsim_pe.sv", "(acc_q <<< 2)", "(acc_q <<< 3)"),
           ("shiftsim_ppu_lane.sv", ": tab_i.n[4:0];", ": tab_i.n[4:0] ^ 5'd1;")]


@pytest.fixture
def files(network, test_images, tmp_path):
    network.write(tmp_path / "net.qnet")
    np.save(tmp_path / "images.npy", test_images[:2, :, :, None])
    return tmp_path


def mutated(folder, file, find, replace):
    rtl = folder / "rtl"
    shutil.copytree(SOURCE / "rtl", rtl)
    text = (rtl / file).read_text()
    assert text.count(find) == 1
    (rtl / file).write_text(text.replace(find, replace))
    return rtl


def check(folder, layers, outputs, rtl=SOURCE / "rtl"):
    return subprocess.run([sys.executable, SOURCE / "examples/python_check/check.py", "net.qnet", "images.npy",
                           "--layer", *map(str, layers), "--outputs", str(outputs), "--rtl", rtl], cwd=folder, text=True,
                          capture_output=True)


def kinds(network):
    """The first layer of each form: stem, depthwise, pointwise, with a residual, pool, the last."""
    forms = {}
    for layer in network.layers:
        wide = layer.index + 1 == len(network.layers)
        forms.setdefault((layer.kind, layer.kernel, layer.groups > 1, layer.residual is not None, wide), layer.index)
    return forms.values()


def test_every_form_of_layer_is_right(network, files):
    layers = list(kinds(network))
    found = check(files, layers, 30)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count(" outputs compared, all equal") == len(layers) > 4


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant[0])
def test_a_changed_bit_is_found(files, mutant):
    found = check(files, [1], 300, mutated(files, *mutant))
    assert found.returncode == 1
    assert "FAIL: " in found.stdout, found.stdout + found.stderr


def test_mistakes_are_told(files):
    assert "there is no layer 99" in check(files, [99], 1).stderr
    (files / "net.qnet/network.yaml").unlink()
    assert "network.yaml" in check(files, [0], 1).stderr
