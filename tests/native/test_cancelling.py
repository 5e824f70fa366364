"""Stopping a solve from another thread."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from colordeploy import CancelToken
from colordeploy.errors import Cancelled
from colordeploy.native import Affinities, CancelFlag, Propagator, propagate

from .test_propagation import random_problem

OPTIONS = {"sigma": 0.5, "alpha": 1.0}


def stopped(call, after, make=CancelFlag):
    """Processor seconds from the request to the end of a call; None: it was done before.

    Of all threads of the process, so that what else the machine does counts little.
    """
    cancel, asked = make(), []

    def ask():
        asked.append(time.process_time())
        (cancel.cancel if make is CancelToken else cancel.set)()

    timer = threading.Timer(after, ask)
    timer.start()
    try:
        call(cancel)
    except Cancelled:
        return time.process_time() - asked[0]
    finally:
        timer.join()
    return None


@pytest.fixture(scope="module")
def large():
    return random_problem(np.random.default_rng(1), 512, 512, 4, marked=0.001)


@pytest.mark.parametrize("make", [CancelFlag, CancelToken])
def test_what_is_cancelled_before_never_starts(make):
    features, mask, values = random_problem(np.random.default_rng(0), 6, 7, 2)
    cancel = make()
    system = Propagator(features, **OPTIONS)
    (cancel.cancel if make is CancelToken else cancel.set)()
    for call in (
        lambda: Propagator(features, **OPTIONS, cancel=cancel),
        lambda: system.solve(mask, values, cancel),
        lambda: system.adjoint(mask, values, cancel),
        lambda: propagate(features, mask, values, **OPTIONS, cancel=cancel),
        lambda: Affinities.from_features(features, sigma=1.0, cancel=cancel),
    ):
        with pytest.raises(Cancelled):
            call()
    assert np.array_equal(system.solve(mask, values), propagate(features, mask, values, **OPTIONS))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.15])
def test_a_cancelled_solve_changes_no_later_result(large, after, threads):
    """Whatever it was doing then: eliminating below or at the top, or substituting."""
    features, mask, values = large
    other = mask.copy()
    other[100:103, 200:280] ^= True
    system = Propagator(features, **OPTIONS, threads=threads)
    stopped(lambda cancel: system.solve(mask, values, cancel), after)
    first = system.solve(other, values)
    stopped(lambda cancel: system.solve(mask, values, cancel), after / 4)
    second = system.solve(mask, values)
    fresh = Propagator(features, **OPTIONS, threads=2)
    assert np.array_equal(fresh.solve(other, values), first)
    assert np.array_equal(fresh.solve(mask, values), second)


@pytest.mark.parametrize("make", [CancelFlag, CancelToken])
def test_it_stops_within_50_ms(large, make):
    features, mask, values = large
    propagate(features, mask, values, **OPTIONS, threads=1)  # plans the size
    found = [
        stopped(
            lambda c: propagate(features, mask, values, **OPTIONS, threads=1, cancel=c), after, make
        )
        for after in (0.01, 0.05, 0.1, 0.2)
    ]
    assert any(seconds is not None for seconds in found)
    assert min(seconds for seconds in found if seconds is not None) < 0.05


def test_planning_a_size_stops_too():
    found = []
    for i, delay in enumerate(
        (0.005, 0.02, 0.05, 0.1)
    ):  # planning takes a tenth of a second or more
        features = np.zeros((1500 + 7 * i, 1400, 1), np.float32)  # each size is planned anew

        def plan(cancel, features=features):
            return Propagator(features, **OPTIONS, global_step=0, cancel=cancel)

        found.append(stopped(plan, delay))
    assert any(seconds is not None for seconds in found)
    assert min(seconds for seconds in found if seconds is not None) < 0.05
