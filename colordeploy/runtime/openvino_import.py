"""The one place that imports OpenVINO, with its telemetry off."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ..errors import BackendError

__all__ = ["import_openvino"]

_TELEMETRY = "openvino_telemetry"


def import_openvino() -> Any:
    """OpenVINO, which reports to nobody.

    Importing it reports that to Google Analytics, from a process of its own and with an identifier
    that it leaves in the user's home, unless its package ``openvino_telemetry`` cannot be imported:
    then it takes a stub in its place, for good. A host program that imported OpenVINO before has
    reported already.

    Raises
    ------
    BackendError
        When it is not installed.
    """
    known = _TELEMETRY in sys.modules
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        return importlib.import_module("openvino")
    except ImportError:
        raise BackendError(
            "OpenVINO was asked for (backend 'openvino', or bfloat16 on a CPU), but is not "
            "installed; pip install 'colordeploy[openvino]', or use backend='onnxruntime'"
        ) from None
    finally:
        if known and before is not None:
            sys.modules[_TELEMETRY] = before
        else:
            del sys.modules[_TELEMETRY]
