"""DLPack in and out, against NumPy and torch on the CPU, and a synthetic GPU."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from colordeploy import dlpack
from colordeploy.device_array import LEGACY_STREAM, DeviceArray, is_device_array, view_of
from colordeploy.errors import InputError

KINDS = ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"]


class Owner:
    """Holds host memory that is handed out by our own capsules."""

    def __init__(self, array):
        self.array = array

    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, **wanted):
        a = self.array
        tensor = dlpack.Tensor(a.ctypes.data, a.shape, a.dtype, None, (1, 0))
        return dlpack.to_capsule(tensor, self)


class OnGpu:
    """Host memory that says it is on a GPU, by DLPack alone, as JAX does."""

    def __init__(self, array, device=(2, 0)):
        self.array, self.device, self.streams = array, device, []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        return self.array.__dlpack__()


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_reads_what_we_hand_out(kind):
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    owner = Owner(values.copy())
    seen = weakref.ref(owner)
    found = np.from_dlpack(owner)
    assert found.dtype == values.dtype
    del owner
    gc.collect()
    assert seen() is not None  # the array is still in use
    np.testing.assert_array_equal(found, values)
    del found
    gc.collect()
    assert seen() is None


def test_a_capsule_that_nobody_takes_lets_go():
    owner = Owner(np.zeros(3))
    seen, capsule = weakref.ref(owner), owner.__dlpack__()
    del owner
    gc.collect()
    assert seen() is not None
    del capsule
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("kind", KINDS)
def test_we_read_what_numpy_and_torch_hand_out(kind):
    torch = pytest.importorskip("torch")
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    for source in (values, torch.from_numpy(values.copy())):
        view = view_of(OnGpu(source), "x")
        assert (view.shape, view.dtype, view.strides) == ((2, 3, 4), values.dtype, None)
        assert view.stream == LEGACY_STREAM
        found = (np.ctypeslib.as_array((np.ctypeslib.ctypes.c_ubyte * view.nbytes).from_address(
            view.address))).view(kind)  # fmt: skip
        np.testing.assert_array_equal(found, values.ravel())


def test_parts_and_other_orders_are_strided():
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    given = OnGpu(values[1:, ::2])
    view = view_of(given, "x", strided=True)
    assert (view.shape, view.strides) == ((3, 3), (24, 8))
    assert view.address == values.ctypes.data + 24
    assert given.streams == [LEGACY_STREAM]
    with pytest.raises(InputError, match=r"strides \(24, 8\); make it contiguous"):
        view_of(given, "x")


def test_who_is_on_a_gpu():
    torch = pytest.importorskip("torch")
    values = np.zeros(3)
    assert is_device_array(OnGpu(values))
    assert is_device_array(OnGpu(values, (13, 0)))  # managed memory
    assert not is_device_array(OnGpu(values, (1, 0)))
    assert not is_device_array(values)
    assert not is_device_array(torch.zeros(3))
    assert not is_device_array([1, 2])


def test_types_that_numpy_does_not_have():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"'x'.*DLPack type 4 with 16 bits"):
        view_of(OnGpu(torch.zeros(3, dtype=torch.bfloat16)), "'x'")


def test_device_arrays_are_handed_out_when_they_are_ready():
    values, order = np.arange(6, dtype=np.float32).reshape(2, 3), []
    array = DeviceArray(
        values.ctypes.data, values.shape, values.dtype, device="cuda:1", stream=7,
        fetch=lambda target: None, wait=lambda: order.append("waited"),
    )  # fmt: skip
    assert array.__dlpack_device__() == (2, 1)
    tensor = dlpack.from_capsule(array.__dlpack__(stream=9))
    assert order == ["waited"]
    assert (tensor.address, tensor.shape) == (values.ctypes.data, (2, 3))
    assert (tensor.strides, tensor.device) == ((12, 4), (2, 1))
    with pytest.raises(BufferError, match="cuda:1"):
        array.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="cuda:1"):
        array.__dlpack__(dl_device=(1, 0))
