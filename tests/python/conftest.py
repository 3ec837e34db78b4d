"""What the tests of the module shiftsim share: a small network, its images, the programs to compare with."""
import gzip
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import shiftsim

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ["SHIFTSIM_BIN"])
FASHION = Path("/usr/share/datasets/fashion-mnist")
MODEL = SOURCE / "models" / "mobilenet_fmnist.onnx"
RECIPE = {"extends": "nearest", "calibration": {"images": 16}}


def idx(name, header):
    with gzip.open(FASHION / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Results of other builds and tests stay out."""
    os.environ.setdefault("SHIFTSIM_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def train_images():
    return idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)


@pytest.fixture(scope="session")
def test_images():
    return idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)


@pytest.fixture(scope="session")
def test_labels():
    return idx("t10k-labels-idx1-ubyte.gz", 8)


@pytest.fixture(scope="session")
def quantization(train_images):
    return shiftsim.quantize(MODEL, train_images, recipe=RECIPE, bits="w4a4")


@pytest.fixture(scope="session")
def network(quantization):
    return quantization.network


@pytest.fixture
def run_program(tmp_path):
    def run(program, *arguments, status=0):
        found = subprocess.run([BIN / program, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True)
        assert found.returncode == status, found.stderr
        return found

    return run
