"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from .errors import InputError

__all__ = ["write_whole"]


def write_whole(target: Path, content: bytes) -> None:
    """Write a file whole or not at all: into a neighbour first, then moved into place.

    A symbolic link is followed; a file that is replaced keeps its permissions.
    """
    target = target.resolve()
    scratch = target.parent / f".colordeploy-{secrets.token_hex(8)}"
    try:
        with open(scratch, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, scratch)
        os.replace(scratch, target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            scratch.unlink()  # gone already when all went well
