"""shiftsim.quantize gives what quantrun gives."""
import json

import numpy as np
import pytest

import shiftsim
from conftest import FASHION, MODEL, RECIPE


def same_arrays(one, other):
    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]
    for a, b in zip(one.layers, other.layers):
        assert a.arrays.keys() == b.arrays.keys()
        for name in a.arrays:
            np.testing.assert_array_equal(a.arrays[name], b.arrays[name], f"{a.name}: {name}")


def test_gives_the_integers_of_the_program(network, run_program, tmp_path):
    run_program("quantrun", "--model", MODEL, "--calibration", FASHION / "train-images-idx3-ubyte.gz", "--recipe",
                "nearest", "--bits", "w4a4", "--set", "calibration.images=16", "--output", "net.qnet", "--quiet")
    same_arrays(network, shiftsim.Network(tmp_path / "net.qnet"))


def test_arrays_and_files_are_the_same_images(network, tmp_path):
    from_file = shiftsim.quantize(MODEL, str(FASHION / "train-images-idx3-ubyte.gz"), recipe=RECIPE, bits="w4a4")
    same_arrays(network, from_file.network)


def test_report_and_folder(train_images, test_images, test_labels, tmp_path):
    found = shiftsim.quantize(MODEL, train_images[:64], recipe=RECIPE, bits="w8a8", images=test_images[:100],
                              labels=test_labels[:100], output=tmp_path / "net.qnet")
    assert found.report["accuracy"]["images"] == 100
    assert found.report["accuracy"]["percent"] > 80
    assert len(found.report["layers"]) == len(found.network.layers)
    assert {"name", "weight_bits", "diagnosis"} <= found.report["layers"][0].keys()
    assert found.network.provenance["recipe"] == "own_w8a8"
    assert shiftsim.Network(tmp_path / "net.qnet").content_hash == found.network.content_hash
    assert list(tmp_path.iterdir()) == [tmp_path / "net.qnet"]


def test_recipes_by_name_and_widths(train_images):
    assert "best" in shiftsim.recipe_names()
    found = shiftsim.quantize(MODEL, train_images[:256], recipe="nearest", bits="w2a4", threads=1)
    assert min(layer.weight_bits for layer in found.network.layers) == 2
    assert found.network.provenance["recipe"] == "nearest_w2a4"


@pytest.mark.parametrize("arguments, message", [
    (dict(recipe={"calibration": {"image": 3}}), "recipe: calibration.image: unknown key; did you mean 'images'"),
    (dict(recipe={"calibration": {"images": "3"}}), "recipe: calibration.images: found '3', expected an integer"),
    (dict(recipe="nearst"), "recipe: "),
    (dict(bits="w3a4"), "bits: "),
    (dict(images="there/is/none"), "there/is/none: there is no such file or folder"),
    (dict(input_shape=(0, 3)), "input_shape: found 0 x 3"),
])
def test_bad_input_is_an_exception(train_images, tmp_path, arguments, message):
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.quantize(MODEL, train_images, output=tmp_path / "net.qnet", **arguments)
    assert message in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("images, message", [
    (np.zeros((4, 28, 28)), "calibration: found an array of float64, expected uint8"),
    (np.zeros((28, 28), np.uint8), "calibration: found an array of 2 dimensions"),
    (np.zeros((4, 20, 28), np.uint8), "calibration: found images of 20x28x1 (height, width, channels), expected 28x28x1"),
    ([[0]], "calibration: found list, expected a path or an array of uint8"),
])
def test_arrays_that_are_no_images(images, message):
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.quantize(MODEL, images)
    assert message in str(raised.value)


def test_messages_are_those_of_the_program(run_program, train_images):
    said = run_program("quantrun", "--model", "none.onnx", "--calibration", "x.npy", "--output", "y", status=2).stderr
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.quantize("none.onnx", train_images)
    assert said == f"quantrun: {raised.value}\n"
