"""What the core keeps for the next piece of work."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from colordeploy.errors import InputError
from colordeploy.native import (
    Propagator,
    idle_bytes,
    idle_limit,
    propagate,
    set_idle_limit,
    trim,
)

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
