"""shiftsim.simulate gives what simrun reports."""
import json

import numpy as np
import pytest

import shiftsim
from conftest import FASHION, SOURCE

IMAGES = FASHION / "t10k-images-idx3-ubyte.gz"
LABELS = FASHION / "t10k-labels-idx1-ubyte.gz"
CONFIG = {"array": {"rows": 8, "cols": 8}, "dataset": {"test_images": 50}, "run": {"accuracy_cache": False}}


def facts(report):
    """What does not depend on where and when a run was made."""
    report = json.loads(json.dumps(report))
    for part in ("host", "versions"):
        del report[part]
    for key in ("network", "dataset", "run", "name"):
        report["configuration"].pop(key, None)
    return report


@pytest.mark.parametrize("fidelity", ["golden", "transaction", "cycle"])
def test_the_report_is_the_programs(network, run_program, tmp_path, fidelity):
    network.write(tmp_path / "net.qnet")
    run_program("simrun", "--network", "net.qnet", "--images", IMAGES, "--labels", LABELS, "--fidelity", fidelity,
                "--set", "array.rows=8", "--set", "array.cols=8", "--set", "dataset.test_images=50", "--set",
                "run.accuracy_cache=false", "--output", "out", "--quiet")
    program = json.loads((tmp_path / "out/report.json").read_text())
    found = shiftsim.simulate(CONFIG, network, images=IMAGES, labels=LABELS, fidelity=fidelity)
    assert facts(found) == facts(program)
    assert found["accuracy"]["images"] == 50


def test_dictionaries_are_the_yaml(network, test_images, test_labels, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("array: {rows: 8, cols: 8}\ndataset: {test_images: 50}\nrun: {accuracy_cache: false}\n")
    runs = [shiftsim.simulate(config, network, images=test_images, labels=test_labels, fidelity="transaction")
            for config in (CONFIG, file, str(file), {"include": str(file)}, {**CONFIG, "array": {"rows": np.int64(8), "cols": 8}})]
    assert all(facts(run) == facts(runs[0]) for run in runs)
    assert runs[0]["accuracy"]["quantized"] is not None


def test_files_and_output(network, test_images, tmp_path):
    network.write(tmp_path / "net.qnet")
    report = shiftsim.simulate(CONFIG, tmp_path / "net.qnet", images=test_images[:2], fidelity="transaction",
                               output=tmp_path / "out")
    assert json.loads((tmp_path / "out/report.json").read_text()) == report
    assert report["accuracy"]["quantized"] is None


def test_lockstep(network, test_images):
    report = shiftsim.simulate({**CONFIG, "lockstep": {"max_cycles": 2000}}, network, images=test_images[:1],
                               fidelity="lockstep")
    assert report["lockstep"]["verdict"] == "pass" and report["lockstep"]["cycles"] == 2000


@pytest.mark.parametrize("config, message", [
    ({"array": {"rows": 3}}, "config: array.rows: found '3', expected an integer in [4, 64]"),
    ({"array": {"row": 8}}, "config: array.row: unknown key; did you mean 'rows'"),
    ({"array": {"rows": 8, "lanes": 3}}, "config: array.lanes: 3 lanes do not fit 8 rows"),
    ({"array": 3}, "config: array: found '3', expected a mapping"),
    ({"array": {3: 4}}, "config: array: found 3 as a key, expected a text"),
    ({"array": {"rows": object()}}, "config: array: rows: found a value of type object"),
    ({"array": {"accumulator_bits": 16}}, "array.accumulator_bits"),
    ({"include": "none.yaml"}, "config: include: there is no file"),
])
def test_bad_configurations(network, test_images, config, message):
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.simulate(config, network, images=test_images[:1], fidelity="transaction")
    assert message in str(raised.value)


def test_messages_of_files_are_those_of_the_program(network, test_images, run_program, tmp_path):
    (tmp_path / "c.yaml").write_text("array:\n  rows: 3\n")
    said = run_program("simrun", "--config", tmp_path / "c.yaml", status=2).stderr
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.simulate(tmp_path / "c.yaml", network, images=test_images)
    assert said == f"simrun: {raised.value}\n"


@pytest.mark.parametrize("arguments, message", [
    (dict(), "no images to run"),
    (dict(images=np.zeros((1, 4, 4), np.uint8)), "images: found images of 4x4x1"),
    (dict(images=np.zeros((1, 28, 28), np.uint8), labels=[1, 2]), "images: found 2 labels, expected 1"),
    (dict(images=np.zeros((1, 28, 28), np.uint8), labels=[11]), "label 11 of image 0"),
    (dict(images=np.zeros((1, 28, 28), np.uint8), fidelity="exact"), "found 'exact'"),
])
def test_bad_arguments(network, arguments, message):
    with pytest.raises(shiftsim.UserError) as raised:
        shiftsim.simulate(None, network, **arguments)
    assert message in str(raised.value)


def test_an_installed_configuration(network, test_images):
    report = shiftsim.simulate(SOURCE / "configs/pe16x16.yaml", network, images=test_images[:1], fidelity="transaction")
    assert report["configuration"]["array"]["rows"] == 16
    assert shiftsim.home_folder() == str(SOURCE)
