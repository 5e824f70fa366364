from __future__ import annotations

import gc
from types import SimpleNamespace

import numpy as np
import pytest

from colordeploy.device_array import DeviceArray, is_device_array, view_of
from colordeploy.errors import InputError


def foreign(**changes):
    said = {
        "shape": (2, 3),
        "typestr": "<f4",
        "data": (4096, False),
        "strides": None,
        "stream": None,
        "version": 3,
    }
    said.update(changes)
    return SimpleNamespace(__cuda_array_interface__=said)


def array(shape=(2, 3), stream=9, **callbacks):
    callbacks.setdefault("fetch", lambda out: out.fill(7))
    return DeviceArray(4096, shape, np.float32, device="cuda:0", stream=stream, **callbacks)


class NeedsGradient:
    @property
    def __cuda_array_interface__(self):
        raise RuntimeError("use var.detach()")


def test_what_it_says_of_itself():
    waited = []
    made = array(wait=lambda: waited.append(1))
    assert made.nbytes == 24
    assert is_device_array(made)
    assert view_of(made, "x").stream == 9
    assert waited == []
    assert made.__cuda_array_interface__ == {
        "shape": (2, 3),
        "typestr": "<f4",
        "data": (4096, False),
        "strides": None,
        "stream": 9,
        "version": 3,
    }
    assert waited == [1]
    assert np.array_equal(made.numpy(), np.full((2, 3), 7, np.float32))
    assert repr(made) == "DeviceArray(shape=(2, 3), dtype=float32, device='cuda:0')"


def test_it_is_freed_once():
    freed = []
    made = array(release=lambda: freed.append(1))
    view = view_of(made, "x")
    del made
    gc.collect()
    assert freed == []  # the view keeps it
    del view
    gc.collect()
    assert freed == [1]


def test_without_elements():
    made = array((0, 3), fetch=lambda out: pytest.fail("there is nothing to fetch"))
    assert made.numpy().shape == (0, 3)
    assert made.__cuda_array_interface__["data"] == (0, False)
    assert view_of(foreign(shape=(0, 3), data=(0, False), strides=(5, 5)), "x").nbytes == 0


def test_what_is_one():
    for yes in (array(), foreign(), NeedsGradient()):
        assert is_device_array(yes)
    for no in (np.zeros(3), 3, "x", None, [1.0]):
        assert not is_device_array(no)


def test_views():
    view = view_of(foreign(), "x")
    assert (view.address, view.shape, view.dtype, view.stream) == (4096, (2, 3), "<f4", None)
    assert view.nbytes == 24
    for strides in ((12, 4), [12, 4]):
        assert view_of(foreign(strides=strides), "x").shape == (2, 3)
    # Where there is one element its stride does not matter.
    assert view_of(foreign(shape=(1, 3, 1), strides=(999, 4, 999)), "x").shape == (1, 3, 1)
    for stream in (1, 2, 140000000000000):
        assert view_of(foreign(stream=stream), "x").stream == stream
    old = foreign(version=2)
    del old.__cuda_array_interface__["stream"]
    assert view_of(old, "x").stream == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strides": (4, 8)}, r"has strides \(4, 8\); make it contiguous"),
        ({"strides": (24, 4)}, "make it contiguous"),
        ({"strides": (-12, 4)}, "make it contiguous"),
        ({"mask": foreign()}, "masked"),
        ({"stream": 0}, "names stream 0"),
        ({"stream": -1}, "names stream -1"),
        ({"stream": True}, "names stream True"),
        ({"stream": "1"}, "names stream '1'"),
        ({"data": (0, False)}, "no memory"),
        ({"data": None}, "cannot be read"),
        ({"typestr": "?what"}, "cannot be read"),
        ({"shape": None}, "cannot be read"),
    ],
)
def test_odd_interfaces(changes, message):
    with pytest.raises(InputError, match=f"'x'.*{message}"):
        view_of(foreign(**changes), "graph 'g': 'x'")


def test_tensors_that_require_a_gradient():
    with pytest.raises(InputError, match=r"give x\.detach\(\)"):
        view_of(NeedsGradient(), "x")
