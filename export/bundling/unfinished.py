"""What an interrupted search has measured, kept beside its result so that it can go on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from colordeploy import __version__
from colordeploy.bundle import Bundle
from colordeploy.files import write_whole
from colordeploy.pictures.decoding import ImageLike, read_picture

__all__ = ["Unfinished", "digest"]


class Unfinished:
    """A folder ``OUT.unfinished`` with the quantized graphs and the numbers measured so far.

    As a context: it is gone after success and after a `ValueError`, which is an answer, too, and
    stays when anything else ends the search.

    Parameters
    ----------
    out : Path
        What the search is to write.
    of : str
        Digest of all that the numbers depend on; what was left of another search is dropped.
    """

    def __init__(self, out: Path, of: str) -> None:
        self._folder = out.with_name(f"{out.name}.unfinished")
        self._of, self._numbers = of, dict[str, float]()
        self._graphs = False

    def __enter__(self) -> Unfinished:
        try:
            state = json.loads((self._folder / "state.json").read_text())
            if state["of"] == self._of:
                self._numbers, self._graphs = dict(state["numbers"]), True
        except (OSError, ValueError, KeyError):
            pass  # nothing was left, or not enough to go on
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, ValueError):
            shutil.rmtree(self._folder, ignore_errors=True)

    def graphs(self, names: Iterable[str]) -> dict[str, bytes] | None:
        """The quantized graphs, if they were left."""
        if not self._graphs:
            return None
        return {name: (self._folder / f"{name}.onnx").read_bytes() for name in names}

    def keep(self, graphs: Mapping[str, bytes]) -> None:
        """Keep the quantized graphs, and from now on every number."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for name, content in graphs.items():
            write_whole(self._folder / f"{name}.onnx", content)
        self._graphs = True
        self._write()

    def number(self, name: str, measured: Callable[[], float]) -> float:
        """A number of that name: as it was left, or measured now."""
        if name not in self._numbers:
            self._numbers[name] = measured()
            self._write()
        return self._numbers[name]

    def _write(self) -> None:
        state = {"of": self._of, "numbers": self._numbers}
        write_whole(self._folder / "state.json", json.dumps(state, indent=1).encode())


def digest(bundle: Bundle, pictures: Sequence[ImageLike], keep: Iterable[str]) -> str:
    """Of everything that the numbers of a search depend on."""
    found = hashlib.sha256(repr((__version__, tuple(keep), len(pictures))).encode())
    for entry in bundle.manifest.graphs.values():
        found.update(entry.sha256.encode())
    for picture in pictures:
        values = np.ascontiguousarray(read_picture(picture))
        found.update(repr(values.shape).encode() + values.tobytes())
    return found.hexdigest()
