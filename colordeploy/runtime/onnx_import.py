"""The one place that imports ONNX Runtime, with its telemetry off."""

from __future__ import annotations

import importlib
import os
from typing import Any

from ..errors import BackendError

__all__ = ["import_onnxruntime"]

_TELEMETRY_OFF = "ORT_DISABLE_TELEMETRY"


def import_onnxruntime() -> Any:
    """ONNX Runtime, which reports to nobody.

    The official wheels of 1.32 write an identifier and a database into the user's cache folder as
    soon as they are imported, and call home after a minute. The environment variable keeps them
    from starting that; it is set for child processes, too. The call is for a host program that
    imported ONNX Runtime before.

    Raises
    ------
    BackendError
        When it is not installed, or only parts of it are.
    """
    os.environ[_TELEMETRY_OFF] = "1"
    try:
        module: Any = importlib.import_module("onnxruntime")
    except Exception as error:  # a broken installation raises whatever it likes
        if isinstance(error.__cause__, KeyboardInterrupt):  # compiled modules wrap a Ctrl-C
            raise error.__cause__ from None
        raise BackendError(
            f"ONNX Runtime does not load ({type(error).__name__}: {error}); "
            "pip install --force-reinstall onnxruntime (or onnxruntime-gpu)"
        ) from None
    if not hasattr(module, "InferenceSession"):
        # What is left when one of two packages that share this folder was removed.
        raise BackendError(
            "only parts of ONNX Runtime are installed; uninstall onnxruntime and onnxruntime-gpu, "
            "then pip install --force-reinstall the one that is wanted"
        )
    if hasattr(module, "disable_telemetry_events"):
        module.disable_telemetry_events()
    return module
