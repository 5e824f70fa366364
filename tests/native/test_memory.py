"""What the core keeps for the next piece of work."""

from __future__ import annotations

import os
import resource
import threading

import numpy as np
import pytest

from colordeploy.errors import InputError, SolverError
from colordeploy.native import (
    Propagator,
    _core,
    idle_bytes,
    idle_limit,
    propagate,
    set_idle_limit,
    trim,
)
from colordeploy.native.plans import plan_of

from .test_propagation import random_problem

OPTIONS = {"sigma": 0.5, "alpha": 1.0}


@pytest.fixture
def limit():
    before = idle_limit()
    trim()
    yield
    set_idle_limit(before)


@pytest.mark.usefixtures("limit")
def test_memory_is_kept_for_the_next_size_and_given_back():
    features, mask, values = random_problem(np.random.default_rng(0), 150, 140, 3)
    assert idle_bytes() == 0
    propagate(features, mask, values, **OPTIONS)
    kept = idle_bytes()
    assert kept > 8e6
    # Of nearly the same size: the same memory, not as much again.
    propagate(features[:-1], mask[:-1], values[:-1], **OPTIONS)
    assert idle_bytes() < 1.3 * kept
    assert trim() >= kept
    assert idle_bytes() == 0
    assert trim() == 0


@pytest.mark.usefixtures("limit")
def test_idle_memory_is_bounded():
    features, mask, values = random_problem(np.random.default_rng(0), 150, 140, 3)
    first = propagate(features, mask, values, **OPTIONS)
    for most in (4_000_000, 0):
        set_idle_limit(most)
        assert idle_bytes() <= most
        assert np.array_equal(propagate(features, mask, values, **OPTIONS), first)
        assert idle_bytes() <= most
        assert idle_limit() == most


@pytest.mark.fault(38)
@pytest.mark.usefixtures("limit")
def test_little_stays_of_many_sizes():
    set_idle_limit(8 << 20)
    mask = np.zeros((150, 150), bool)
    mask[4, 4] = True
    features = np.zeros((150, 150, 1))
    open_systems = []
    for size in range(100, 150, 2):
        system = Propagator(features[:size], **OPTIONS)
        system.solve(mask[:size], features[:size])
        open_systems.append(system)
    del system
    open_systems.clear()
    assert idle_bytes() <= 8 << 20


@pytest.mark.parametrize("odd", [-1, 2**63, 1.5, "much", True])
def test_odd_limits_are_refused(odd):
    with pytest.raises(InputError, match="nbytes"):
        set_idle_limit(odd)


@pytest.mark.usefixtures("limit")
def test_a_propagator_says_what_it_holds_and_where():
    features, mask, values = random_problem(np.random.default_rng(0), 96, 96, 3)
    system = Propagator(features, **OPTIONS)
    assert system.device == "cpu"
    affinities = system.affinities.local.nbytes + system.affinities.global_.nbytes
    assert system.nbytes == affinities
    system.solve(mask, values)
    held = system.nbytes
    assert held > affinities + 2e6
    trim()
    assert system.nbytes == held
    del system
    assert idle_bytes() > 0.9 * (held - affinities)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    ("height", "width", "step"), [(128, 128, 12), (1000, 60, 12), (300, 200, 0), (100, 100, 2)]
)
@pytest.mark.usefixtures("limit")
def test_what_is_estimated_before_is_about_what_is_taken(height, width, step, precision):
    set_idle_limit(0)
    mask = np.zeros((height, width), bool)
    mask[0, 0] = True
    features = np.zeros((height, width, 1))
    system = Propagator(features, **OPTIONS, global_step=step, precision=precision)
    system.solve(mask, np.zeros((height, width, 2)))
    taken = system.nbytes + plan_of(height, width, step).nbytes
    estimated = _core.estimated_bytes(height, width, step, precision == "single")
    assert 0.7 < estimated / taken < 1.5


@pytest.mark.fault(29)
def test_a_picture_that_cannot_fit_is_refused_before_it_is_planned():
    """24 megapixels: planning alone would take gigabytes, and ten seconds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    features = np.broadcast_to(np.zeros((1, 1, 1), np.float32), (4000, 6000, 1))
    with pytest.raises(SolverError, match="4000x6000"):
        Propagator(features, **OPTIONS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


@pytest.mark.parametrize("name", ["features", "values"])
def test_misaligned_arrays_are_as_good_as_others(name):
    features, mask, values = random_problem(np.random.default_rng(0), 20, 30, 3)
    arrays = {"features": features, "mask": mask, "values": values}
    expected = propagate(**arrays, **OPTIONS)
    given = arrays[name]
    odd = np.frombuffer(b"x" + given.tobytes(), np.uint8)[1:].view(given.dtype).reshape(given.shape)
    assert not odd.flags.aligned
    assert np.array_equal(propagate(**{**arrays, name: odd}, **OPTIONS), expected)


@pytest.mark.fault(33, 36)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_solves_while_the_parent_does():
    features, mask, values = random_problem(np.random.default_rng(0), 180, 170, 3)
    system = Propagator(features, **OPTIONS)
    expected = system.solve(mask, values)
    other = np.roll(mask, 5, axis=1)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            system.solve(other, values)
            system.solve(mask, values)

    busy = threading.Thread(target=work)
    busy.start()
    try:
        for _ in range(8):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    same = np.array_equal(system.solve(mask, values), expected)
                    fresh = propagate(features, mask, values, **OPTIONS)
                    code = 0 if same and np.array_equal(fresh, expected) else 2
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(waited(child)) == 0
    finally:
        stop.set()
        busy.join()


def waited(child: int) -> int:
    """Status of a child, which is killed when it hangs."""
    killer = threading.Timer(60, os.kill, (child, 9))
    killer.start()
    status = os.waitpid(child, 0)[1]
    killer.cancel()
    return status
