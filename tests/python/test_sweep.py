"""shiftsim.sweep gives what simrun sweep writes."""
import json

import pytest

import shiftsim
from conftest import FASHION, MODEL

IMAGES = FASHION / "t10k-images-idx3-ubyte.gz"


def spec(network, **more):
    return {"name": "small", "base": {"network": network, "dataset": {"images": IMAGES, "test_images": 1}},
            "axes": {"array.rows": [8, 16], "array.lanes": [1, 4, 5]}, "pareto": ["cycles", "area"], **more}


def figures(report):
    return [(point["values"], point["metrics"], point["front"]) for point in report["points"]]


@pytest.fixture
def folder(network, tmp_path):
    network.write(tmp_path / "net.qnet")
    return tmp_path


def test_a_dictionary_gives_the_points_of_the_program(folder, run_program):
    told = []
    found = shiftsim.sweep(spec(folder / "net.qnet"), output=folder / "mine", progress=lambda *state: told.append(state))
    (folder / "s.yaml").write_text(json.dumps(spec("net.qnet"), default=str))
    run_program("simrun", "sweep", "s.yaml", "--output", "theirs", "--quiet")
    theirs = json.loads((folder / "theirs/points.json").read_text())
    assert figures(found) == figures(theirs)
    assert len(found["points"]) == 6 and [point["metrics"] for point in found["points"]].count(None) == 2  # 5 lanes
    assert found["folder"] == str(folder / "mine")
    assert told and told[-1][:2] == ("small", 6) or told[-1][2] == 6


def test_any_number_of_workers_and_a_second_call(folder):
    one = shiftsim.sweep(spec(folder / "net.qnet"), output=folder / "one", workers=1)
    three = shiftsim.sweep(spec(folder / "net.qnet"), output=folder / "three", workers=3)
    assert figures(one) == figures(three)
    assert figures(shiftsim.sweep(spec(folder / "net.qnet"), output=folder / "one")) == figures(one)
    with pytest.raises(shiftsim.UserError, match="belongs to another sweep"):
        shiftsim.sweep(spec(folder / "net.qnet", pareto=["energy"]), output=folder / "one")


def test_files_and_verification(folder):
    (folder / "s.yaml").write_text(json.dumps(spec("net.qnet", verify="front", engine="transaction"), default=str))
    found = shiftsim.sweep(folder / "s.yaml", output=folder / "verified")
    assert found["verified"] == sum(point["front"] for point in found["points"]) > 0
    assert found["disagreements"] == []


def test_networks_of_an_axis_are_made_here(folder):
    quantize = {"model": MODEL, "calibration": FASHION / "train-images-idx3-ubyte.gz", "recipe": "nearest"}
    sweep = {"base": {"dataset": {"images": IMAGES, "test_images": 1}, "quantize": quantize},
             "axes": {"quantize.bits": ["w4a4", "w8a8"]}}
    found = shiftsim.sweep(sweep, output=folder / "widths")
    cycles = [point["metrics"]["cycles"] for point in found["points"]]
    assert cycles[0] < cycles[1]
    assert len(list((folder / "widths/networks").glob("*.qnet"))) == 2


@pytest.mark.parametrize("more, message", [
    ({"axes": {"array.row": [8]}}, "sweep: axes.array.row: unknown key"),
    ({"axes": {"array.rows": []}}, "sweep: axes.array.rows"),
    ({"pareto": ["speed"]}, "sweep: pareto: found 'speed'"),
    ({"other": 1}, "sweep: other: unknown key"),
])
def test_bad_sweeps(folder, more, message):
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.sweep(spec(folder / "net.qnet", **more), output=folder / "out")
    assert message in str(raised.value)
    assert not (folder / "out").exists()
