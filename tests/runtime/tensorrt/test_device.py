"""Opening a GPU, with a made-up pycuda."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt import device as module
from colordeploy.runtime.tensorrt.device import open_device


class NoRoom(Exception):  # noqa: N818 - named as pycuda does
    pass


def fake_pycuda(monkeypatch, gpus=1, init=lambda: None):
    pushed = []
    context = SimpleNamespace(handle=1, push=lambda: pushed.append(context))
    current = SimpleNamespace(get_current=lambda: pushed[-1] if pushed else None)

    class Device:
        def __init__(self, index):
            self.index = index

        @staticmethod
        def count():
            return gpus

        def compute_capability(self):
            return (8, 9)

        def retain_primary_context(self):
            return context

    class Memory(int):
        def free(self):
            freed.append(int(self))

    freed = []

    def allocate(size):
        if size > 1000:
            raise NoRoom("cuMemAlloc failed")
        return Memory(size + 64)

    driver = ModuleType("pycuda.driver")
    driver.init, driver.Device, driver.Context = init, Device, current
    driver.mem_alloc, driver.MemoryError = allocate, NoRoom
    flags = []

    def stream(flag=0):
        flags.append(flag)
        return SimpleNamespace(handle=77, synchronize=lambda: None)

    driver.Stream = stream
    copies = []
    driver.memcpy_htod_async = lambda *a: copies.append(("up", *a))
    driver.memcpy_dtoh_async = lambda *a: copies.append(("down", *a))
    driver.memcpy_dtod_async = lambda *a: copies.append(("across", *a))
    package = ModuleType("pycuda")
    package.driver = driver
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.setitem(sys.modules, "pycuda.driver", driver)
    calls = []

    class Driver:
        def __getattr__(self, name):
            return lambda *a: calls.append((name, *a))

    monkeypatch.setattr(module, "open_driver", Driver)
    return SimpleNamespace(pushed=pushed, freed=freed, copies=copies, flags=flags, calls=calls)


def test_memory_and_streams(monkeypatch):
    seen = fake_pycuda(monkeypatch)
    device = open_device(0)
    assert device.architecture == "sm_89"
    for _ in range(3):
        device.activate()
    assert len(seen.pushed) == 1
    address = device.allocate(100)
    stream = device.stream()
    device.upload(address, np.zeros((4, 4), np.float32).T, stream)
    device.download(np.zeros(4, np.float32), address, stream)
    device.synchronize(stream)
    device.copy(address, 4096, 100, stream)
    assert [copy[0] for copy in seen.copies] == ["up", "down", "across"]
    assert seen.copies[2][1:4] == (address, 4096, 100)
    assert seen.flags == [1]  # does not wait for the default stream
    assert seen.copies[0][2].flags.c_contiguous
    device.free(address)
    assert seen.freed == [164]
    with pytest.raises(MemoryError, match="cuMemAlloc"):
        device.allocate(2000)


def test_events_and_captures_go_to_the_driver(monkeypatch):
    seen = fake_pycuda(monkeypatch)
    device = open_device(0)
    device.wait(77, 1)
    device.begin_capture(77)
    device.end_capture(77)
    device.launch(5, 77)
    device.drop_graph(5)
    device.owner(4096)
    assert seen.calls == [
        ("wait", 77, 1),
        ("begin_capture", 77),
        ("end_capture", 77),
        ("launch", 5, 77),
        ("drop_graph", 5),
        ("device_of", 4096),
    ]


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycuda", None)
    with pytest.raises(BackendError, match="pip install pycuda"):
        open_device(0)

    def fail():
        raise RuntimeError("cuInit failed: no device")

    fake_pycuda(monkeypatch, init=fail)
    with pytest.raises(BackendError, match=r"no NVIDIA driver.*cuInit failed"):
        open_device(0)
    fake_pycuda(monkeypatch, gpus=2)
    with pytest.raises(BackendError, match="'cuda:2' was asked for, but there are 2"):
        open_device(2)
