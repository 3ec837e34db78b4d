"""The stubs say what the module has; the examples run."""
import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shiftsim
from shiftsim import _core

from conftest import FASHION, SOURCE

STUB = Path(_core.__file__).parent / "_core.pyi"
IMAGES = FASHION / "t10k-images-idx3-ubyte.gz"


def declared(body):
    return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[:2] != "__"}


def public(thing):
    return {name for name in vars(thing) if not name.startswith("_")}


def test_the_stub_declares_what_there_is():
    module = ast.parse(STUB.read_text())
    assert declared(module.body) == public(_core)
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not issubclass(getattr(_core, node.name), Exception):
            assert declared(node.body) == public(getattr(_core, node.name)), node.name


def test_functions_have_types_and_words():
    for name in shiftsim.__all__:
        thing = getattr(shiftsim, name)
        assert inspect.getdoc(thing), name
        if inspect.isfunction(thing):
            parameters = inspect.signature(thing).parameters.values()
            assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters), name


def example(name, *arguments, folder):
    return subprocess.run([sys.executable, SOURCE / "examples" / name, *map(str, arguments)], cwd=folder, text=True,
                          capture_output=True, env={**os.environ, "MPLCONFIGDIR": str(folder)})


def test_the_search_finds_a_better_array(network, tmp_path):
    network.write(tmp_path / "net.qnet")
    found = example("search_arrays.py", "net.qnet", IMAGES, 2.5, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    rows, cols = int(found.stdout.split()[0]), int(found.stdout.split()[2])
    assert rows * cols > 64, found.stdout
    wrong = example("search_arrays.py", "none.qnet", IMAGES, 2.5, folder=tmp_path)
    assert wrong.returncode != 0 and "none.qnet" in wrong.stderr


def test_the_front_is_drawn(network, tmp_path):
    pytest.importorskip("matplotlib", reason="python3-matplotlib is not installed")
    network.write(tmp_path / "net.qnet")
    found = example("pareto_front.py", "net.qnet", IMAGES, "--output", "front.png", folder=tmp_path)
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    assert "on the front" in found.stdout
