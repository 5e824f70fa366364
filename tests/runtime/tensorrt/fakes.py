"""A made-up TensorRT and GPU: engines that double their input, in memory that is counted."""

from __future__ import annotations

import threading
from types import ModuleType, SimpleNamespace

import numpy as np


class FakeDevice:
    """Device memory as arrays by address."""

    def __init__(self, index=0, architecture="sm_89", room=1 << 30):
        self.index, self.architecture, self.room = index, architecture, room
        self.memory: dict[int, np.ndarray] = {}
        self.streams = self.allocated = 0
        self.threads: set[int] = set()
        self._next = 4096
        self._lock = threading.Lock()

    def activate(self):
        self.threads.add(threading.get_ident())

    def allocate(self, size):
        assert threading.get_ident() in self.threads
        with self._lock:
            if sum(a.nbytes for a in self.memory.values()) + size > self.room:
                raise MemoryError("out of memory")
            self._next += 1 << 32
            self.allocated += 1
            self.memory[self._next] = np.zeros(size, np.uint8)
            return self._next

    def free(self, address):
        with self._lock:
            del self.memory[address]

    def stream(self):
        with self._lock:
            self.streams += 1
            return self.streams

    def upload(self, address, array, stream):
        self.memory[address][: array.nbytes] = array.reshape(-1).view(np.uint8)

    def download(self, array, address, stream):
        array.reshape(-1).view(np.uint8)[:] = self.memory[address][: array.nbytes]

    def synchronize(self, stream):
        pass


class FakeContext:
    def __init__(self, engine):
        self.engine, self.profile = engine, 0
        self.shape, self.addresses = None, {}

    def set_optimization_profile_async(self, profile, stream):
        self.profile = profile

    def set_input_shape(self, name, shape):
        least, _, most = self.engine.profiles[self.profile]
        self.shape = tuple(shape)
        return all(a <= n <= b for a, n, b in zip(least, shape, most, strict=True))

    def get_tensor_shape(self, name):
        return self.shape

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def execute_async_v3(self, stream):
        if self.engine.fails:
            return False
        memory = self.engine.device.memory
        size = 4 * int(np.prod(self.shape))
        values = memory[self.addresses["x"]][:size].view(np.float32)
        memory[self.addresses["y"]][:size] = (2 * values).view(np.uint8)
        return True


class FakeEngine:
    num_io_tensors = 2

    def __init__(self, device, profiles):
        self.device, self.profiles = device, profiles
        self.num_optimization_profiles = len(profiles)
        self.contexts, self.fails, self.most_contexts = 0, False, 99

    def get_tensor_name(self, i):
        return "xy"[i]

    def get_tensor_mode(self, name):
        return "in" if name == "x" else "out"

    def get_tensor_dtype(self, name):
        return "float"

    def get_tensor_profile_shape(self, name, profile):
        return self.profiles[profile]

    def create_execution_context(self):
        if self.contexts >= self.most_contexts:
            return None
        self.contexts += 1
        return FakeContext(self)


def fake_tensorrt(device, name="tensorrt", version="11.0"):
    """A module whose engines load from plans b"plan MIN MAX[ MIN MAX...]"."""
    module = ModuleType(name)
    module.__version__ = version
    module.engines = []

    class ILogger:
        Severity = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)

    class Runtime:
        def __init__(self, logger):
            self.logger = logger

        def deserialize_cuda_engine(self, plan):
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

    module.ILogger, module.Runtime = ILogger, Runtime
    module.TensorIOMode = SimpleNamespace(INPUT="in", OUTPUT="out")
    module.nptype = lambda kind: np.float32
    return module
