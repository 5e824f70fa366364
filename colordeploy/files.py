"""Files are written whole or not at all: the one place of the project that writes any."""

from __future__ import annotations

import errno
import io
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import InputError

__all__ = ["check_writable", "write_whole", "writing"]

_LOG = logging.getLogger("colordeploy")
_NO_NEIGHBOUR = {errno.EACCES, errno.EPERM, errno.EROFS}  # the folder takes no new file
_NO_MOVE = {errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.ETXTBSY}  # bind mounts


def write_whole(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; see `writing`."""
    with writing(target) as file:
        file.write(content)


@contextmanager
def writing(target: Path) -> Iterator[BinaryIO]:
    """Write a file whole or not at all: into a neighbour first, then moved into place.

    A link is followed; a file that is replaced keeps its permissions. Pipes and devices are written
    to, never replaced. Where the folder takes no neighbour, or the file cannot be moved over (a
    bind mount), the file itself is written, with a warning in the log, because that may be left
    half-done.

    Yields
    ------
    binary file
        It can be sought in, but for pipes and devices.

    Raises
    ------
    InputError
        When the place cannot be written.
    """
    place = _resolved(target)
    try:
        if place.exists() and not place.is_file():
            with _through(place, target) as file:
                yield file
            return
        with _beside(place, target) as file:
            yield file
    except OSError as error:
        raise _refused(target, error) from None


def check_writable(target: Path) -> None:
    """Find out before the work that a file cannot be written; leaves no trace.

    Raises
    ------
    InputError
    """
    place = _resolved(target)
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if place.exists() and not place.is_file():
            return
        if not place.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no folder {place.parent}")
        scratch = _scratch(place)
        try:
            scratch.touch(exist_ok=False)
            scratch.unlink()
        except OSError as error:
            if error.errno not in _NO_NEIGHBOUR or not os.access(place, os.W_OK):
                raise
    except OSError as error:
        raise _refused(target, error) from None


def _resolved(target: Path) -> Path:
    place = Path(os.path.realpath(target))
    if os.path.islink(place):
        raise InputError(f"cannot write {target}: it is a link that leads to itself; remove it")
    return place


def _refused(target: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {target}: {error.strerror or error}")


def _scratch(place: Path) -> Path:
    return place.parent / f".colordeploy-{secrets.token_hex(8)}"


@contextmanager
def _beside(place: Path, target: Path) -> Iterator[BinaryIO]:
    scratch = _scratch(place)
    try:
        file = scratch.open("x+b")
    except OSError as error:
        if error.errno not in _NO_NEIGHBOUR or not place.is_file():
            raise
        with _through(place, target) as direct:
            yield direct
        return
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, scratch)
        try:
            os.replace(scratch, place)
        except OSError as error:
            if error.errno not in _NO_MOVE or not place.is_file():
                raise
            _warn(target)
            with scratch.open("rb") as whole, place.open("r+b") as direct:
                shutil.copyfileobj(whole, direct, 1 << 20)
                direct.truncate()
    finally:
        with suppress(OSError):
            scratch.unlink()  # gone already when all went well


@contextmanager
def _through(place: Path, target: Path) -> Iterator[BinaryIO]:
    """Into a pipe, a device, or a file whose folder is closed: whole in memory first."""
    content = io.BytesIO()
    yield content
    if place.is_file():
        _warn(target)
        with place.open("r+b") as file:
            file.write(content.getbuffer())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        return
    with place.open("wb", buffering=0) as pipe:
        left = content.getbuffer()
        while left:
            left = left[pipe.write(left) :]


def _warn(target: Path) -> None:
    _LOG.warning("%s cannot be moved into place and is written directly", target)
