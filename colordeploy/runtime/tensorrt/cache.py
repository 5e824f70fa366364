"""Engines on disk: found again by everything that they depend on, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout
from platformdirs import user_cache_path

from ...errors import BackendError

__all__ = ["CachedEngine", "EngineCache", "engine_key"]

_MAGIC = b"colordeploy engine 1\n"
_SUFFIX = ".engine"
_FOLDER = "COLORDEPLOY_ENGINES"


def engine_key(parts: Mapping[str, Any]) -> str:
    """SHA-256 of all that an engine depends on: graph, profiles, options, versions, architecture.

    Parameters
    ----------
    parts : mapping
        Of what JSON can say; the order does not matter.
    """
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class CachedEngine:
    """An engine file.

    Attributes
    ----------
    path : Path
    parts : mapping
        What its key was made of; empty when the file is damaged.
    size : int
        In bytes.
    """

    path: Path
    parts: Mapping[str, Any]
    size: int


class EngineCache:
    """A folder of engines; safe for several processes at once.

    Parameters
    ----------
    folder : path, optional
        By default the environment's ``COLORDEPLOY_ENGINES``, or ``colordeploy/engines`` in the
        user's cache folder (``XDG_CACHE_HOME`` on Linux).
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        chosen = folder or os.environ.get(_FOLDER)
        self.folder = Path(chosen) if chosen else user_cache_path("colordeploy") / "engines"

    def get(self, parts: Mapping[str, Any]) -> bytes | None:
        """The plan, or None when there is none or its file is damaged."""
        found = _read(self._path(parts))
        return None if found is None or found[0] != dict(parts) else found[1]

    def put(self, parts: Mapping[str, Any], plan: bytes) -> Path:
        """Keep a plan; another of the same key is replaced.

        Raises
        ------
        BackendError
            When the folder cannot be written.
        """
        path = self._path(parts)
        header = json.dumps(dict(parts), sort_keys=True).encode()
        digest = hashlib.sha256(plan).hexdigest().encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines((_MAGIC, header, b"\n", digest, b"\n", plan))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)  # a reader sees the old file or the new one
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unwritable(error) from None
        return path

    def get_or_build(
        self,
        parts: Mapping[str, Any],
        build: Callable[[], bytes],
        *,
        waiting: Callable[[], None] | None = None,
    ) -> tuple[bytes, bool]:
        """The plan, and whether it was built now; of several processes only one builds.

        Parameters
        ----------
        build : callable
            Makes the plan.
        waiting : callable, optional
            Called once when another process is building the same engine.
        """
        plan = self.get(parts)
        if plan is not None:
            return plan, False
        lock = self._locked(parts, waiting)
        try:
            plan = self.get(parts)  # the other process may have built it meanwhile
            if plan is not None:
                return plan, False
            plan = build()
            self.put(parts, plan)
            return plan, True
        finally:
            lock.release()

    def _locked(self, parts: Mapping[str, Any], waiting: Callable[[], None] | None) -> BaseFileLock:
        lock = FileLock(self._path(parts).with_suffix(".lock"))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if waiting is not None:
                    waiting()
                lock.acquire()
        except OSError as error:
            raise self._unwritable(error) from None
        return lock

    def _unwritable(self, error: OSError) -> BackendError:
        return BackendError(
            f"no engine can be kept in {self.folder} ({error}); name another folder with {_FOLDER}"
        )

    def drop(self, parts: Mapping[str, Any]) -> None:
        """Forget a plan, one that does not load for instance."""
        self._path(parts).unlink(missing_ok=True)

    def find(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Parts of the engines that agree with what is wanted, the newest first."""
        paths = sorted(self.folder.glob(f"*{_SUFFIX}"), key=lambda path: -path.stat().st_mtime)
        found = [parts for path in paths if (parts := _read_parts(path)) is not None]
        return [parts for parts in found if wanted.items() <= parts.items()]

    def engines(self) -> list[CachedEngine]:
        """All files, the oldest first."""
        paths = sorted(self.folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        result = []
        for path in paths:
            found = _read(path)
            result.append(CachedEngine(path, found[0] if found else {}, path.stat().st_size))
        return result

    def clear(self, model: str | None = None) -> tuple[int, int]:
        """Remove engines, those of one model or all, and what a killed process left.

        Returns
        -------
        (int, int)
            Files and bytes removed.
        """
        count = size = 0
        for engine in self.engines():
            if model is None or engine.parts.get("model") == model or not engine.parts:
                engine.path.unlink(missing_ok=True)
                count, size = count + 1, size + engine.size
        for pattern in ("*.part", "*.lock"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)
        return count, size

    def _path(self, parts: Mapping[str, Any]) -> Path:
        return self.folder / f"{engine_key(parts)[:32]}{_SUFFIX}"


def _read_parts(path: Path) -> dict[str, Any] | None:
    """What an engine file says of itself, without a look at the plan."""
    try:
        with path.open("rb") as file:
            if file.readline() != _MAGIC:
                return None
            parts = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    return parts if isinstance(parts, dict) else None


def _read(path: Path) -> tuple[dict[str, Any], bytes] | None:
    """Parts and plan of an engine file; None when there is none or it is damaged."""
    try:
        content = path.read_bytes()
        magic, rest = content[: len(_MAGIC)], content[len(_MAGIC) :]
        header, digest, plan = rest.split(b"\n", 2)
        parts = json.loads(header)
    except (OSError, ValueError):
        return None
    sound = magic == _MAGIC and hashlib.sha256(plan).hexdigest().encode() == digest
    return (parts, plan) if sound and isinstance(parts, dict) else None
