"""A synthetic TensorRT and GPU: engines that double their input, in memory that is counted.

The GPU is as lazy as it may be: what is put on a stream happens when somebody waits for that
stream, so that a missing wait shows as a wrong result.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np

from colordeploy.errors import BackendError
from colordeploy.runtime.driver import Place


class FakeDevice:
    """Device memory as arrays by address, streams as lists of what is still to be done."""

    def __init__(self, index=0, architecture="sm_89", room=1 << 30):
        self.index, self.architecture, self.room = index, architecture, room
        self.name, self.context = "synthetic GPU", 500 + index
        self.others: dict[int, int] = {}  # allocations of other contexts
        self.memory: dict[int, np.ndarray] = {}
        self.streams = self.streams_dropped = self.allocated = 0
        self.depth: Counter[int] = Counter()  # contexts that each thread has pushed
        self.copies: Counter[str] = Counter()  # "up", "down", "across"
        self.waits: list[tuple[int, int]] = []
        self.begun = self.captures = self.launches = self.waited = self.dropped = 0
        self._mark_streams: dict[int, int] = {}
        self.graphs: dict[int, list] = {}
        self.clock = 0  # ns: what has been done so far
        self.marks: dict[int, int | None] = {}
        self._queues: dict[int, list] = {1: [], 2: []}  # the default streams
        self._done: Counter[int] = Counter()
        self._capturing: dict[int, list | None] = {}
        self._next = 4096
        self._lock = threading.RLock()

    @contextmanager
    def current(self):
        thread = threading.get_ident()
        self.depth[thread] += 1
        try:
            yield
        finally:
            self.depth[thread] -= 1

    def _require_context(self):
        assert self.depth[threading.get_ident()]

    def allocate(self, size):
        self._require_context()
        with self._lock:
            if sum(a.nbytes for a in self.memory.values()) + size > self.room:
                raise MemoryError("out of memory")
            self._next += 1 << 32
            self.allocated += 1
            self.memory[self._next] = np.zeros(size, np.uint8)
            return self._next

    def free(self, address):
        self._require_context()
        with self._lock:
            for stream in self._queues:
                self._advance(stream, len(self._queues[stream]))
            del self.memory[address]

    def place_of(self, address):
        for start, memory in self.memory.items():
            if start <= address < start + memory.nbytes:
                return Place(self.index, self.others.get(start, self.context))
        if address >> 62:
            return Place(7, 507)
        raise BackendError(
            "the CUDA driver's cuPointerGetAttribute failed: CUDA_ERROR_INVALID_VALUE"
        )

    def copy_from_context(self, target, source, size, stream, context):
        assert context == self.others[source]
        if stream is not None:
            self.synchronize(stream)
        self.copies["between contexts"] += 1
        self._write(target, self.read(source, size))

    def drop_stream(self, stream):
        self._require_context()
        with self._lock:
            self._advance(stream, len(self._queues[stream]))
            del self._queues[stream]
            self.streams_dropped += 1

    def stream(self):
        self._require_context()
        with self._lock:
            self.streams += 1
            self._queues[99 + self.streams] = []
            return 99 + self.streams

    def put(self, stream, work):
        """Do something when the stream gets there."""
        with self._lock:
            if stream in self._capturing:
                noted = self._capturing[stream]
                if noted is not None:
                    noted.append(work)
            else:
                self._queues[stream].append(work)

    def upload(self, address, array, stream):
        self._require_context()
        assert array.flags.c_contiguous
        self.copies["up"] += 1

        # Read late, as page-locked memory is.
        def work():
            self.clock += 10
            self._write(address, array)

        self.put(stream, work)

    def download(self, array, address, stream):
        self._require_context()
        self.copies["down"] += 1

        def work():
            self.clock += 1000
            array.reshape(-1).view(np.uint8)[:] = self.read(address, array.nbytes)

        self.put(stream, work)

    def copy(self, target, source, size, stream):
        self.copies["across"] += 1
        self.put(stream, lambda: self._write(target, self.read(source, size)))

    def synchronize(self, stream):
        self._require_context()
        with self._lock:
            assert stream not in self._capturing
            self.waited += 1
            self._advance(stream, len(self._queues[stream]))

    def wait(self, stream, other):
        self._require_context()
        with self._lock:
            assert not {stream, other} & set(self._capturing)
            self.waits.append((stream, other))
            upto = len(self._queues[other])
            self.put(stream, lambda: other in self._queues and self._advance(other, upto))

    def mark(self, stream):
        self._require_context()
        with self._lock:
            event = 7000 + len(self.marks)
            self.marks[event] = None

            def work():
                self.marks[event] = self.clock

            self.put(stream, work)
            self._mark_streams[event] = stream
            return event

    def elapsed(self, begin, end):
        for event in (begin, end):
            self.synchronize(self._mark_streams[event])
        return self.marks[end] - self.marks[begin]

    def drop_mark(self, event):
        assert self.marks[event] is not None
        self.dropped += 1

    def begin_capture(self, stream):
        with self._lock:
            self.begun += 1
            self._capturing[stream] = []

    def end_capture(self, stream):
        with self._lock:
            noted = self._capturing.pop(stream)
            if noted is None:
                raise BackendError(
                    "the CUDA driver's cuStreamEndCapture failed: "
                    "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
                )
            self.captures += 1
            self.graphs[self.captures] = noted
            return self.captures

    def spoil_capture(self, stream):
        """What a call that must not be captured does; whether there was a capture."""
        with self._lock:
            if stream in self._capturing:
                self._capturing[stream] = None
            return stream in self._capturing

    def capturing(self, stream):
        return stream in self._capturing

    def launch(self, graph, stream):
        self.launches += 1
        for work in self.graphs[graph]:
            self.put(stream, work)

    def drop_graph(self, graph):
        del self.graphs[graph]

    def read(self, address, size):
        """Bytes of device memory; an address may lie inside of an allocation."""
        for start, memory in self.memory.items():
            if start <= address <= address + size <= start + memory.nbytes:
                return memory[address - start : address - start + size].copy()
        raise AssertionError(f"{address} is nobody's memory")

    def _write(self, address, values):
        content = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        for start, memory in self.memory.items():
            if start <= address <= address + content.nbytes <= start + memory.nbytes:
                memory[address - start : address - start + content.nbytes] = content
                return
        raise AssertionError(f"{address} is nobody's memory")

    def _advance(self, stream, upto):
        while self._done[stream] < upto:
            work = self._queues[stream][self._done[stream]]
            self._queues[stream][self._done[stream]] = None
            self._done[stream] += 1
            if work is not None:
                work()


class ForeignArray:
    """Somebody else's array on the GPU; its values come when its stream gets there."""

    def __init__(self, gpu, values, stream=None, offset=0, late=True, version=3):
        self.gpu, self.values, self.stream, self.version = gpu, values, stream, version
        with gpu.current():
            self.memory = gpu.allocate(values.nbytes + offset)
        self.address = self.memory + offset
        self.write(values, late)

    def write(self, values, late=True):
        owner = self.stream if self.stream is not None else 1

        def work():
            self.gpu._write(self.address, values)

        if late and (self.stream is not None or self.version < 3):
            self.gpu.put(owner, work)
        else:
            work()

    @property
    def __cuda_array_interface__(self):
        made = {
            "shape": self.values.shape,
            "typestr": self.values.dtype.str,
            "data": (self.address, False),
            "strides": self.values.strides,
            "version": self.version,
        }
        return made | ({"stream": self.stream} if self.version >= 3 else {})


class FakeContext:
    """Asserts what TensorRT does not define: a capture outlives no change of its context."""

    def __init__(self, engine, config):
        self.engine, self.profile, self.config = engine, 0, config
        self.shape, self.addresses = None, {}
        self.changes, self.ran_at = 0, None

    def set_optimization_profile_async(self, profile, stream):
        self.changes += 1
        self.profile = profile
        return not self.engine.refuses

    def set_input_shape(self, name, shape):
        self.changes += 1
        least, _, most = self.engine.profiles[self.profile]
        self.shape = tuple(shape)
        return all(a <= n <= b for a, n, b in zip(least, shape, most, strict=True))

    def get_tensor_shape(self, name):
        return self.shape

    def set_tensor_address(self, name, address):
        assert address % 256 == 0
        self.changes += 1
        self.addresses[name] = address
        return not self.engine.refuses

    def execute_async_v3(self, stream):
        gpu, changes = self.engine.device, self.changes
        gpu._require_context()
        capturing = gpu.capturing(stream)
        if capturing and (self.engine.uncapturable or self.ran_at != changes):
            gpu.spoil_capture(stream)
            return self.engine.uncapturable != "refused"
        if self.engine.fails:
            return False
        self.ran_at = changes
        size = 4 * int(np.prod(self.shape))
        source, target = self.addresses["x"], self.addresses["y"]

        def work():
            assert not capturing or self.changes == changes
            gpu.clock += 100
            values = gpu.read(source, size).view(np.float32)
            gpu._write(target, 2 * values)

        self.engine.runs += not capturing
        gpu.put(stream, work)
        return True


class FakeEngine:
    num_io_tensors = 2

    def __init__(self, device, profiles):
        self.device, self.profiles = device, profiles
        self.num_optimization_profiles = len(profiles)
        self.contexts, self.fails, self.most_contexts = 0, False, 99
        self.uncapturable, self.runs, self.refuses = False, 0, False

    def get_tensor_name(self, i):
        return "xy"[i]

    def get_tensor_mode(self, name):
        return "in" if name == "x" else "out"

    def get_tensor_dtype(self, name):
        return "float"

    def get_tensor_profile_shape(self, name, profile):
        return self.profiles[profile]

    def create_runtime_config(self):
        self.config = FakeConfig(self)
        return self.config

    def create_execution_context(self, config=None):
        if self.contexts >= self.most_contexts:
            return None
        self.contexts += 1
        self.context = FakeContext(self, config)
        return self.context


class FakeConfig:
    """Of TensorRT for RTX."""

    def __init__(self, engine):
        self.cuda_graph_strategy, self.cache, self._engine = "disabled", None, engine

    def create_runtime_cache(self):
        engine = self._engine
        found = SimpleNamespace(given=b"")
        found.deserialize = lambda content: bool(setattr(found, "given", content)) or True
        found.serialize = lambda: b"kernels after %d runs" % engine.runs
        return found

    def set_runtime_cache(self, cache):
        self.cache = cache

    def get_runtime_cache(self):
        return self.cache


def fake_tensorrt(device, name="tensorrt", version="11.0"):
    """A module whose engines load from plans b"plan MIN MAX[ MIN MAX...]"."""
    module = ModuleType(name)
    module.__version__ = version
    module.engines, module.runtimes = [], []
    module.refitted, module.refits = [], True

    class ILogger:
        Severity = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)

    class Runtime:
        def __init__(self, logger):
            self.logger, self.engine_host_code_allowed = logger, False
            module.runtimes.append(self)

        def deserialize_cuda_engine(self, plan):
            device._require_context()
            words = plan.split()
            if not words or words[0] != b"plan":
                self.logger.log(1, "the magic number is wrong")
                return None
            ends = [int(word) for word in words[1:]]
            profiles = [
                ((low, 3), (low, 3), (high, 3))
                for low, high in zip(ends[::2], ends[1::2], strict=True)
            ]
            module.engines.append(FakeEngine(device, profiles))
            return module.engines[-1]

    class OnnxParserRefitter:
        def __init__(self, refitter, logger):
            pass

        def refit_from_bytes(self, content):
            module.refitted.append(content)
            return True

    module.Refitter = lambda engine, logger: SimpleNamespace(
        refit_cuda_engine=lambda: module.refits
    )
    module.OnnxParserRefitter = OnnxParserRefitter
    module.ILogger, module.Runtime = ILogger, Runtime
    module.TensorIOMode = SimpleNamespace(INPUT="in", OUTPUT="out")
    module.nptype = lambda kind: np.float32
    if name == "tensorrt_rtx":
        module.CudaGraphStrategy = SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole")
    return module
