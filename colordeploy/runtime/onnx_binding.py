"""Runs of an ONNX Runtime session with inputs and outputs on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..device_array import Array, DeviceArray, DeviceView
from ..errors import BackendError
from .device_time import Laps
from .driver import CudaDriver, open_driver
from .inputs import Given, checked_inputs
from .loaded import require_finite
from .onnx_import import import_onnxruntime

__all__ = ["BoundSession"]

ort = import_onnxruntime()

_GRAPH_ID = "gpu_graph_id"
_NOT_CAPTURED = "-1"
_NO_WAIT = "disable_synchronize_execution_providers"
_MAXIMUM_CAPTURES = 4  # of one session; each keeps its own inputs and outputs on the GPU
_NAMES = "bool float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64"
_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in _NAMES.split()}
_TYPES.update(float=np.dtype("float32"), double=np.dtype("float64"))


@dataclass(frozen=True)
class _Captured:
    """What a captured graph was captured with: it reads and writes these addresses for ever."""

    inputs: Mapping[str, Any]
    outputs: list[Any]
    binding: Any
    graph_id: str


class BoundSession:
    """I/O binding: nothing is copied but what comes from the host or is wanted there.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    name : str
        What to call the graph in messages.
    index : int
        Number of the GPU.
    captures : bool
        The session was made with ``enable_cuda_graph``.
    driver : callable, optional
        Opens the CUDA driver, when the first array on the GPU is given.
    kind : str, optional
        What ONNX Runtime calls the device.
    stream : int, optional
        The stream that the session runs on, when it was given one: its work can be timed there.
        The session may outlive this object, so the stream stays.
    """

    def __init__(
        self,
        session: Any,
        name: str,
        index: int,
        *,
        captures: bool = False,
        driver: Callable[[], CudaDriver] = open_driver,
        kind: str = "cuda",
        stream: int | None = None,
    ) -> None:
        self._session, self._name, self._index, self._kind = session, name, index, kind
        self._captures, self._open, self._stream = captures, driver, stream
        self._opened: CudaDriver | None = None
        self._captured: dict[tuple[Any, ...], _Captured] = {}
        self._lock = threading.Lock()
        self._inputs = {i.name: _dtype(i.type) for i in session.get_inputs()}
        self._outputs = [o.name for o in session.get_outputs()]

    def run(
        self, inputs: Mapping[str, Array], on_device: bool, options: Any = None
    ) -> dict[str, Any]:
        """Outputs by name, as NumPy or as device arrays.

        Parameters
        ----------
        options : onnxruntime.RunOptions, optional
            By which another thread may end the run.

        Raises
        ------
        BackendError
            For wrong inputs. What ONNX Runtime raises passes through.
        """
        given = checked_inputs(
            inputs,
            self._inputs,
            self._name,
            self._index,
            lambda address: self._driver.place_of(address),
            self._from_context,
        )
        for array in given.values():
            if isinstance(array, DeviceView) and array.stream is not None:
                # ONNX Runtime has its own stream, and no way to let it wait for another one.
                with self._driver.current(self._index):
                    self._driver.synchronize(array.stream)
        if not self._captures and self._stream is None:
            return self._results(self._run_once(given, options), on_device)
        with self._lock:  # one stream or one capture cannot serve two threads at once
            if self._captures:
                return self._run_captured(given, on_device, options)
            return self._results(self._run_once(given, options), on_device)

    @property
    def _driver(self) -> CudaDriver:
        if self._opened is None:
            self._opened = self._open()  # a second thread may open it too, which does no harm
        return self._opened

    def _from_context(self, array: DeviceView, context: int) -> DeviceView:
        """The array, or a copy when it is in a context that ONNX Runtime does not use."""
        if context in (0, self._driver.context(self._index)):
            return array
        here = self._empty(array.shape, array.dtype)
        self._driver.copy_from_context(
            self._index, here.data_ptr(), array.address, array.nbytes, array.stream, context
        )
        return DeviceView(here.data_ptr(), array.shape, array.dtype, None, here)

    def _run_once(self, given: Given, options: Any, graph_id: str | None = None) -> list[Any]:
        """Bind what is given where it is; outputs are new."""
        binding = self._session.io_binding()
        for name, array in given.items():
            if isinstance(array, DeviceView):
                binding.bind_input(
                    name, self._kind, self._index, array.dtype.type, array.shape, array.address
                )
            else:
                binding.bind_ortvalue_input(name, self._upload(array))
        for name in self._outputs:
            binding.bind_output(name, self._kind, self._index)
        return self._run(binding, self._run_options(options, graph_id))

    def _run(self, binding: Any, options: Any) -> list[Any]:
        binding.synchronize_inputs()
        if self._stream is None:
            self._session.run_with_iobinding(binding, options)
        else:
            current = partial(self._driver.current, self._index)
            laps = Laps(self._driver, self._stream, f"graph {self._name}", current)
            self._session.run_with_iobinding(binding, options)
            laps.lap("computing")
            with current():
                self._driver.synchronize(self._stream)
        binding.synchronize_outputs()
        return list(binding.get_outputs())

    def _run_options(self, options: Any, graph_id: str | None) -> Any:
        if graph_id is None and self._stream is None:
            return options
        options = ort.RunOptions() if options is None else options
        if graph_id is not None:
            options.add_run_config_entry(_GRAPH_ID, graph_id)
        if self._stream is not None:  # the end is to be marked before anybody waits for it
            options.add_run_config_entry(_NO_WAIT, "1")
        return options

    def _run_captured(self, given: Given, on_device: bool, options: Any) -> dict[str, Any]:
        shapes = tuple(array.shape for array in given.values())
        captured = self._captured.get(shapes)
        if captured is None:
            # A run without a capture says how large the outputs are.
            outputs = self._run_once(given, options, _NOT_CAPTURED)
            if len(self._captured) < _MAXIMUM_CAPTURES:
                self._captured[shapes] = self._fixed(given, outputs, len(self._captured) + 1)
            return self._results(outputs, on_device)
        for name, array in given.items():
            target = captured.inputs[name]
            if isinstance(array, DeviceView):
                with self._driver.current(self._index):
                    self._driver.copy(target.data_ptr(), array.address, array.nbytes)
            else:
                target.update_inplace(array)
        self._run(captured.binding, self._run_options(options, captured.graph_id))
        outputs = captured.outputs  # the next run writes there again
        return self._results([self._copy(o) for o in outputs] if on_device else outputs, on_device)

    def _fixed(self, given: Given, outputs: list[Any], number: int) -> _Captured:
        binding = self._session.io_binding()
        inputs = {n: self._empty(array.shape, array.dtype) for n, array in given.items()}
        results = [self._empty(tuple(o.shape()), _dtype(o.data_type())) for o in outputs]
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name, value in zip(self._outputs, results, strict=True):
            binding.bind_ortvalue_output(name, value)
        return _Captured(inputs, results, binding, str(number))

    def _upload(self, array: NDArray[Any]) -> Any:
        return ort.OrtValue.ortvalue_from_numpy(array, self._kind, self._index)

    def _empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        kind = dtype.type
        return ort.OrtValue.ortvalue_from_shape_and_type(shape, kind, self._kind, self._index)

    def _copy(self, value: Any) -> Any:
        made = self._empty(tuple(value.shape()), _dtype(value.data_type()))
        if size := value.tensor_size_in_bytes():
            with self._driver.current(self._index):
                self._driver.copy(made.data_ptr(), value.data_ptr(), size)
        return made

    def _results(self, values: list[Any], on_device: bool) -> dict[str, Any]:
        named = zip(self._outputs, values, strict=True)
        if on_device:
            return {name: self._device_array(name, value) for name, value in named}
        return {name: value.numpy() for name, value in named}

    def _device_array(self, name: str, value: Any) -> DeviceArray:
        kept = (value, self._session)  # by the array: the memory, and what it was allocated by

        def fetch(array: NDArray[Any]) -> None:
            np.copyto(array, kept[0].numpy())
            require_finite(array, self._name, name)

        return DeviceArray(
            value.data_ptr(),
            tuple(value.shape()),
            _dtype(value.data_type()),
            device=f"{self._kind}:{self._index}",
            stream=None,  # ONNX Runtime has waited
            fetch=fetch,
        )


def _dtype(kind: str) -> np.dtype[Any]:
    """Of "tensor(float)" and the like."""
    name = kind.removeprefix("tensor(").removesuffix(")")
    if name not in _TYPES:
        raise BackendError(f"tensors of type {kind!r} cannot be bound; use device='cpu'")
    return _TYPES[name]
