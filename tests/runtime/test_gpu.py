"""Opening a GPU by the driver, with a synthetic library."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime import driver, gpu
from colordeploy.runtime.gpu import open_device
from tests.runtime.libcuda import FakeLibrary


@pytest.fixture
def library(monkeypatch):
    made = FakeLibrary()
    monkeypatch.setattr(driver.ctypes, "CDLL", lambda name: made)
    return made


def test_memory_and_streams(library):
    device = open_device(0)
    assert (device.index, device.architecture, device.context) == (0, "sm_7777", 77)
    given, found = np.zeros((4, 4), np.float32), np.zeros(4, np.float32)
    library.calls.clear()
    with device.current():
        address, stream = device.allocate(100), device.stream()
        device.upload(address, given, stream)
        device.copy(4096, address, 16, stream)
        device.download(found, 4096, stream)
        device.synchronize(stream)
        device.drop_stream(stream)
        device.free(address)
    assert library.calls == [
        ("cuCtxPushCurrent_v2", 77),
        ("cuMemAlloc_v2", 100),
        ("cuStreamCreate", 1),  # does not wait for the default stream
        ("cuMemcpyHtoDAsync_v2", 77, given.ctypes.data, 64, 77),
        ("cuMemcpyDtoDAsync_v2", 4096, 77, 16, 77),
        ("cuMemcpyDtoHAsync_v2", found.ctypes.data, 4096, 16, 77),
        ("cuStreamSynchronize", 77),
        ("cuStreamDestroy_v2", 77),
        ("cuMemFree_v2", 77),
        ("cuCtxPopCurrent_v2",),
    ]


def test_other_contexts(library):
    device = open_device(3)
    assert device.place_of(1 << 46) == (77, 77)
    library.calls.clear()
    device.copy_from_context(4096, 8192, 100, 9, 500)
    assert library.calls == [
        ("cuCtxPushCurrent_v2", 500),
        ("cuStreamSynchronize", 9),
        ("cuCtxPopCurrent_v2",),
        ("cuMemcpyPeer", 4096, 77, 8192, 500, 100),
        ("cuCtxPushCurrent_v2", 77),
        ("cuStreamSynchronize", 1),
        ("cuCtxPopCurrent_v2",),
    ]


def test_contexts_are_popped_after_errors(library):
    device = open_device(0)
    library.codes["cuMemAlloc_v2"] = 2
    library.calls.clear()
    with pytest.raises(MemoryError, match="no 100 bytes left"), device.current():
        device.allocate(100)
    assert library.calls[-1] == ("cuCtxPopCurrent_v2",)
    library.codes["cuMemAlloc_v2"] = 700
    with pytest.raises(BackendError, match="cuMemAlloc_v2 failed: CUDA_ERROR"), device.current():
        device.allocate(100)


def test_no_gpu_of_that_number(library):
    with pytest.raises(BackendError, match="'cuda:99' was asked for, but there are 77 GPUs"):
        open_device(99)


def test_running_engines_needs_no_pycuda(library, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycuda", None)
    assert open_device(1).name == "M"  # 77
    assert gpu.CudaDevice is type(open_device(1))
    gc.collect()
