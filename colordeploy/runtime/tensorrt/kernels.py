"""What TensorRT for RTX compiled on a GPU, kept beside its engines for the next start."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from pathlib import Path

from ...errors import InputError
from ...files import write_whole
from ..gpu import Device

__all__ = ["SUFFIX", "KernelCache"]

logger = logging.getLogger("colordeploy")

SUFFIX = ".kernels"


class KernelCache:
    """A file of one graph's kernels for one kind of GPU; nothing depends on it but time.

    Parameters
    ----------
    engines : Path
        The engine file.
    graph : str
    device : Device
    """

    def __init__(self, engines: Path, graph: str, device: Device) -> None:
        kind = f"{graph} {device.architecture} {device.name}"
        digest = hashlib.sha256(kind.encode()).hexdigest()[:12]
        self.path = engines.with_name(f"{engines.stem}-{digest}{SUFFIX}")

    def load(self) -> bytes:
        """The kernels; empty when there are none."""
        try:
            return self.path.read_bytes()
        except OSError:
            return b""

    def save(self, content: bytes) -> None:
        """Keep the kernels, where the folder may be written."""
        with suppress(OSError, InputError):
            write_whole(self.path, content)
            logger.debug("kernels kept in %s", self.path)
