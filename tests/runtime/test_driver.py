"""The CUDA driver's calls, with a synthetic library that checks the arguments as ctypes would."""

from __future__ import annotations

import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime import driver as module
from colordeploy.runtime.driver import CudaDriver, open_driver
from tests.runtime.libcuda import FakeLibrary


def make(**codes):
    library = FakeLibrary(**codes)
    driver = CudaDriver(library)
    assert library.calls == [("cuInit", 0)]
    library.calls.clear()
    return driver, library


def test_waiting():
    driver, library = make()
    driver.wait(100, 1)
    assert library.calls == [
        ("cuEventCreate", 2),
        ("cuEventRecord", 77, 1),
        ("cuStreamWaitEvent", 100, 77, 0),
        ("cuEventDestroy_v2", 77),
    ]


def test_the_devices_time():
    driver, library = make()
    assert [driver.mark(100), driver.mark(100)] == [77, 77]
    assert driver.elapsed(77, 78) == 77_000_000  # the library says 77 ms
    driver.drop_mark(77)
    assert library.calls == [
        ("cuEventCreate", 0),
        ("cuEventRecord", 77, 100),
        ("cuEventCreate", 0),
        ("cuEventRecord", 77, 100),
        ("cuEventSynchronize", 78),
        ("cuEventElapsedTime", 77, 78),
        ("cuEventDestroy_v2", 77),
    ]


def test_streams_of_our_own():
    driver, library = make()
    assert driver.make_stream() == 77
    assert library.calls == [("cuStreamCreate", 1)]


def test_what_gpus_there_are():
    driver, library = make()
    assert driver.free_memory(0) == 77
    assert library.calls[-2][0] == "cuMemGetInfo_v2"
    described = driver.describe()
    assert len(described) == 77
    assert described[0].keys() == {"name", "architecture", "memory_mib", "driver_cuda"}
    assert described[0]["driver_cuda"] == "0.7"  # the library says version 77


def test_capturing():
    driver, library = make()
    driver.begin_capture(100)
    assert driver.end_capture(100) == 77
    driver.launch(77, 100)
    driver.drop_graph(77)
    assert library.calls == [
        ("cuStreamBeginCapture_v2", 100, 1),
        ("cuStreamEndCapture", 100),
        ("cuGraphInstantiateWithFlags", 77, 0),
        ("cuGraphDestroy", 77),
        ("cuGraphLaunch", 77, 100),
        ("cuGraphExecDestroy", 77),
    ]


def test_memory_and_contexts():
    driver, library = make()
    assert driver.place_of(1 << 46) == (77, 77)
    for _ in range(2):
        with driver.current(3):
            driver.copy(1 << 46, 1 << 45, 100)
            driver.synchronize(9)
    assert library.calls == [
        ("cuPointerGetAttribute", 9, 1 << 46),
        ("cuPointerGetAttribute", 1, 1 << 46),
        ("cuDeviceGet", 3),
        ("cuDevicePrimaryCtxRetain", 77),
        *(
            [
                ("cuCtxPushCurrent_v2", 77),
                ("cuMemcpyDtoD_v2", 1 << 46, 1 << 45, 100),
                ("cuStreamSynchronize", 1),
                ("cuStreamSynchronize", 9),
                ("cuCtxPopCurrent_v2",),
            ]
            * 2
        ),
    ]


def test_errors_have_the_drivers_names():
    driver, library = make(cuStreamEndCapture=901)
    with pytest.raises(BackendError, match="cuStreamEndCapture failed: CUDA_ERROR_OF_SOME_KIND"):
        driver.end_capture(100)
    driver, library = make(cuGraphInstantiateWithFlags=999)
    with pytest.raises(BackendError, match="cuGraphInstantiateWithFlags failed"):
        driver.end_capture(100)
    assert ("cuGraphDestroy", 77) in library.calls
    driver, library = make(cuEventRecord=900)
    with pytest.raises(BackendError, match="cuEventRecord failed"):
        driver.wait(100, 1)
    assert ("cuEventDestroy_v2", 77) in library.calls
    with pytest.raises(BackendError, match="cuInit failed"):
        CudaDriver(FakeLibrary(cuInit=100))


def test_drivers_that_are_too_old_or_missing(monkeypatch):
    with pytest.raises(BackendError, match=r"no cuGraphInstantiateWithFlags.*CUDA 11\.4"):
        CudaDriver(FakeLibrary(cuGraphInstantiateWithFlags="missing"))

    def fail(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(module.ctypes, "CDLL", fail)
    with pytest.raises(BackendError, match="no NVIDIA driver"):
        open_driver()
