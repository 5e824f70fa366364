"""Engines on disk: all of a model's graphs in one file, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from ...cancellation import CancelToken
from ...errors import BackendError, InputError
from ...files import write_whole
from .kernels import SUFFIX as KERNELS

__all__ = ["TIMINGS", "CachedEngines", "EngineCache", "NewPlan", "PlanEntry", "engine_key"]

logger = logging.getLogger("colordeploy")

_MAGIC = b"colordeploy engines 2\n"
_SUFFIX = ".engines"
TIMINGS = ".timing"  # of full TensorRT, for every build of a kind of GPU
_FOLDER = "COLORDEPLOY_ENGINES"
_DAMAGED = "damaged, or of another version of colordeploy"
_UNREADABLE = "not readable by this user; its owner may change that (chmod a+r)"
_SCRATCH = ".colordeploy-*"  # of `write_whole`
_SCRATCH_AGE = 86400.0  # seconds after which a scratch file is nobody's
_POLL = 0.2  # seconds between looks at a lock and at a token
_LOCK_TIMEOUT = 3600.0


def engine_key(parts: Mapping[str, Any]) -> str:
    """SHA-256 of all that a model's engines depend on: graphs, profiles, options, GPU, versions.

    Parameters
    ----------
    parts : mapping
        Of what JSON can say. The order of mappings does not matter, that of lists does.
    """
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


class NewPlan(NamedTuple):
    """A plan that was just built; see `PlanEntry`."""

    plan: bytes
    error: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class PlanEntry:
    """One graph's plan in an engine file.

    Attributes
    ----------
    graph : str
    size : int
        In bytes.
    sha256 : str
    error : float or None
        Of reduced precision against float32, as a share of the output's largest value.
    seconds : float
        What building it took.
    """

    graph: str
    size: int
    sha256: str
    error: float | None
    seconds: float


@dataclass(frozen=True)
class CachedEngines:
    """An engine file; its plans are read on demand.

    Attributes
    ----------
    path : Path
    parts : mapping
        What its key was made of; empty when the file is damaged.
    plans : tuple of PlanEntry
    size : int
        Of the file, in bytes.
    built : float
        Time of its last change, in seconds since the epoch.
    begin : int
        Where the first plan begins, in bytes.
    fault : str
        Why its description cannot be told, in words; empty when it can.
    """

    path: Path
    parts: Mapping[str, Any]
    plans: tuple[PlanEntry, ...]
    size: int
    built: float
    begin: int = 0
    fault: str = ""

    @property
    def whole(self) -> bool:
        """Whether all plans are as they were written; reads all of them."""
        try:
            for plan in self.plans:
                self.read(plan.graph)
        except BackendError:
            return False
        return True

    def read(self, graph: str) -> bytes:
        """A graph's plan, checked against its hash.

        Raises
        ------
        BackendError
            When the file is damaged or gone, or has no such graph.
        """
        begin = self.begin
        for plan in self.plans:
            if plan.graph != graph:
                begin += plan.size
                continue
            try:
                with self.path.open("rb") as file:
                    file.seek(begin)
                    content = file.read(plan.size)
            except OSError as error:
                raise BackendError(f"{self.path} cannot be read ({error.strerror})") from None
            if hashlib.sha256(content).hexdigest() == plan.sha256:
                return content
        raise BackendError(
            f"{self.path} is damaged: its engine of graph {graph!r} is not there or not whole; "
            "build it again (colordeploy engine build)"
        )


class EngineCache:
    """A folder of engine files; safe for several processes at once.

    Reading takes no lock and needs no right to write. A good file is never removed but by `clear`.

    Parameters
    ----------
    folder : path, optional
        By default the environment's ``COLORDEPLOY_ENGINES``, or ``colordeploy/engines`` in the
        user's cache folder (``XDG_CACHE_HOME`` on Linux).
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        chosen = folder or os.environ.get(_FOLDER)
        self.folder = Path(chosen) if chosen else user_cache_path("colordeploy") / "engines"

    def get(self, parts: Mapping[str, Any]) -> CachedEngines | None:
        """The engines of exactly these parts, or None when there are none or they are damaged."""
        found = _read(self._path(parts))
        return found if found is not None and found.parts == _plain(parts) else None

    def put(self, parts: Mapping[str, Any], plans: Mapping[str, NewPlan]) -> CachedEngines:
        """Keep the plans of all graphs; others of the same key are replaced.

        Raises
        ------
        BackendError
            When the folder cannot be written.
        """
        path = self._path(parts)
        entries = [
            PlanEntry(
                graph, len(new.plan), hashlib.sha256(new.plan).hexdigest(), new.error, new.seconds
            )
            for graph, new in plans.items()
        ]
        header = json.dumps({"parts": dict(parts), "plans": [asdict(e) for e in entries]})
        content = [_MAGIC, header.encode(), b"\n", *(new.plan for new in plans.values())]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, b"".join(content))
        except (OSError, InputError) as error:
            raise self._unwritable(error) from None
        found = _read(path)
        if found is None:
            raise self._unwritable(OSError(f"{path.name} was removed or changed meanwhile"))
        return found

    def get_or_build(
        self,
        parts: Mapping[str, Any],
        build: Callable[[], Mapping[str, NewPlan]],
        *,
        waiting: Callable[[float], None] | None = None,
        timeout: float = _LOCK_TIMEOUT,
        cancel: CancelToken | None = None,
        anew: bool = False,
    ) -> tuple[CachedEngines, bool]:
        """The engines, and whether they were built now; of several processes only one builds.

        Parameters
        ----------
        build : callable
            Makes the plans of all graphs, see `put`. When it raises nothing is kept.
        waiting : callable, optional
            Called again and again, with the seconds so far, while another process builds them.
        timeout : float
            Seconds to wait for that.
        anew : bool
            Build although they are there.

        Raises
        ------
        BackendError
            When the folder cannot be written, and after the timeout.
        Cancelled
            When the token was cancelled while waiting.
        """
        found = None if anew else self._whole(parts)
        if found is not None:
            return found, False
        with self._building(parts, waiting, timeout, cancel):
            found = None if anew else self._whole(parts)  # built by the other process meanwhile
            if found is not None:
                return found, False
            return self.put(parts, build()), True

    def _whole(self, parts: Mapping[str, Any]) -> CachedEngines | None:
        found = self.get(parts)
        if found is not None and not found.whole:
            logger.warning("%s is damaged, and its engines are built again", found.path)
            return None
        return found

    @contextmanager
    def _building(
        self,
        parts: Mapping[str, Any],
        waiting: Callable[[float], None] | None,
        timeout: float,
        cancel: CancelToken | None,
    ) -> Iterator[None]:
        path = self._path(parts).with_suffix(".lock")
        lock = FileLock(path)
        began = time.monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    lock.acquire(timeout=_POLL if time.monotonic() > began else 0)
                    break
                except Timeout:
                    passed = time.monotonic() - began
                    if passed > timeout:
                        raise BackendError(
                            f"another process has been building {path.stem} in {self.folder} for "
                            f"more than {timeout:.0f} s; end it, or remove {path.name} when none "
                            "runs (a network folder may have lost its lock)"
                        ) from None
                    if waiting is not None:
                        waiting(passed)
                    if cancel is not None:
                        cancel.raise_if_cancelled()
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            # Another process may get a lock on this very file before it is gone, and a third one
            # on a new file: then both build, and one result replaces the other.
            with suppress(OSError):
                path.unlink()
            lock.release()

    def entries(self) -> list[CachedEngines]:
        """All files, the oldest first, without a look at their plans."""
        return sorted(self._files(), key=lambda file: file.built)

    def clear(
        self,
        keep: Callable[[CachedEngines], bool] = lambda file: False,
        *,
        dry_run: bool = False,
    ) -> list[CachedEngines]:
        """Remove engines, and what processes left that were killed.

        What a process builds right now is left alone.

        Parameters
        ----------
        keep : callable
            Which files stay.
        dry_run : bool
            Only say what would be removed.

        Returns
        -------
        list of CachedEngines
            What was removed.

        Raises
        ------
        BackendError
            When a file cannot be removed.
        """
        removed = []
        for file in self.entries():
            if keep(file) or self._is_building(file.path.with_suffix(".lock")):
                continue
            if not dry_run:
                try:
                    file.path.unlink(missing_ok=True)
                except OSError as error:
                    raise BackendError(
                        f"{file.path} cannot be removed ({error.strerror}); change the folder's "
                        "permissions, or be another user"
                    ) from None
            removed.append(file)
        if not dry_run:
            self._sweep()
        return removed

    def _sweep(self) -> None:
        """Remove old scratch files, what belongs to no engines, and locks that nobody holds."""
        with suppress(OSError):
            for path in self.folder.glob(_SCRATCH):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > _SCRATCH_AGE:
                        path.unlink()
            stems = {path.stem for path in self.folder.glob(f"*{_SUFFIX}")}
            for path in (*self.folder.glob(f"*{KERNELS}"), *self.folder.glob(f"*{TIMINGS}")):
                used = path.suffix == TIMINGS and stems
                if not used and not any(path.name.startswith(f"{stem}-") for stem in stems):
                    with suppress(OSError):
                        path.unlink()
            for path in self.folder.glob("*.lock"):
                if not self._is_building(path):
                    with suppress(OSError):
                        path.unlink()

    def _is_building(self, lock: Path) -> bool:
        if not lock.exists():
            return False
        probe = FileLock(lock)
        try:
            probe.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        probe.release()
        return False

    def _files(self) -> Iterator[CachedEngines]:
        try:
            paths = list(self.folder.glob(f"*{_SUFFIX}"))
        except OSError as error:
            logger.warning("engines in %s cannot be listed: %s", self.folder, error)
            return
        for path in paths:
            found = _read(path)
            if found is not None:
                yield found
                continue
            with suppress(OSError):  # it may have gone meanwhile
                state = path.stat()
                readable = os.access(path, os.R_OK)
                fault = _DAMAGED if readable else _UNREADABLE
                yield CachedEngines(path, {}, (), state.st_size, state.st_mtime, fault=fault)

    def _unwritable(self, error: Exception) -> BackendError:
        return BackendError(
            f"no engine can be kept in {self.folder} ({error}); name another folder with {_FOLDER}"
        )

    def _path(self, parts: Mapping[str, Any]) -> Path:
        shown = re.sub(r"[^\w.-]", "_", f"{parts.get('model')}-{parts.get('precision')}")
        return self.folder / f"{shown[:80]}-{engine_key(parts)[:20]}{_SUFFIX}"


def _plain(parts: Mapping[str, Any]) -> Any:
    """As JSON gives them back."""
    return json.loads(json.dumps(dict(parts)))


def _read(path: Path) -> CachedEngines | None:
    """An engine file without its plans; None when there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            if file.readline() != _MAGIC:
                return None
            header = json.loads(file.readline())
            begin, state = file.tell(), os.fstat(file.fileno())
        plans = tuple(PlanEntry(**plan) for plan in header["plans"])
        parts = dict(header["parts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if begin + sum(plan.size for plan in plans) != state.st_size:
        return None
    return CachedEngines(path, parts, plans, state.st_size, state.st_mtime, begin)
