"""Where cuDSS is: NVIDIA's sparse direct solver, as the extra ``[cuda]`` installs it."""

from __future__ import annotations

import importlib.util
import os
from functools import lru_cache
from pathlib import Path

from ..errors import BackendError

__all__ = ["cudss_library"]

_NAMES = ("libcudss.so.1", "cudss64_1.dll")
_OVERRIDE = "COLORDEPLOY_CUDSS"  # for a library that did not come as a wheel


def cudss_library() -> Path:
    """Path of the library.

    Raises
    ------
    BackendError
        When there is none.
    """
    if given := os.environ.get(_OVERRIDE):
        return Path(given)
    if found := _of_the_wheel():
        return found
    raise BackendError(
        "solver='cudss' needs NVIDIA's cuDSS (version 1); pip install 'colordeploy[cuda]', name "
        f"the library by {_OVERRIDE}, or use solver='multifrontal'"
    )


@lru_cache(maxsize=1)
def _of_the_wheel() -> Path | None:
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations or () if found else ():
        for name in _NAMES:
            for path in sorted(Path(folder).glob(f"*/lib/{name}")):
                return path
    return None
