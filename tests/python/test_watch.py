"""Progress, Ctrl-C, and other threads of Python while the libraries work."""
import os
import signal
import threading
import time

import numpy as np
import pytest

import shiftsim
from conftest import MODEL

LONG = {"run": {"accuracy_cache": False}}


@pytest.fixture(scope="module")
def many(train_images):
    return np.concatenate([train_images] * 2)


def golden(network, many, **more):
    return shiftsim.simulate(LONG, network, images=many, fidelity="golden", **more)


def cycles(network, many, **more):
    config = {**LONG, "dataset": {"test_images": 1000}, "run": {"accuracy_cache": False, "images": 1000}}
    return shiftsim.simulate(config, network, images=many, fidelity="cycle", **more)


def learning(network, many, **more):
    recipe = {"extends": "rapq", "calibration": {"images": 64}}
    return shiftsim.quantize(MODEL, many[:64], recipe=recipe, bits="w4a4", **more)



@pytest.mark.parametrize("work", [golden, cycles, learning])
def test_an_interrupt_ends_the_work(network, many, work):
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work(network, many)
    assert time.monotonic() - begin < 15
    # The libraries are as before.
    assert network.run(many[:2]).shape == (2, 10)


def test_an_exception_of_the_callable_ends_the_work(network, many):
    def progress(what, done, total, unit):
        raise LookupError(f"{what} {unit}")

    with pytest.raises(LookupError, match="golden images"):
        golden(network, many, progress=progress)


def test_progress_is_told(network, many):
    told = []
    golden(network, many[:4000], progress=lambda *state: told.append(state))
    assert told[-1] == ("golden", 4000, 4000, "images")
    assert len(told) > 1, "told while it works, too; how often depends on the machine"
    assert [done for _, done, _, _ in told] == sorted({done for _, done, _, _ in told})
    assert all(state[0] == "golden" and state[2:] == (4000, "images") for state in told)


def test_other_threads_run_meanwhile(network, many):
    counted = []

    def count():
        while not done.is_set():
            counted.append(1)
            time.sleep(0.001)

    done = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    begin = time.monotonic()
    golden(network, many[:4000])
    seconds = time.monotonic() - begin
    done.set()
    thread.join()
    assert len(counted) > 20 * seconds


def test_two_machines_at_a_time_wait_for_each_other(network, test_images):
    found = []
    threads = [threading.Thread(target=lambda: found.append(
        shiftsim.simulate(LONG, network, images=test_images[:1], fidelity="cycle")["cycles"]["total"])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and len(set(found)) == 1
