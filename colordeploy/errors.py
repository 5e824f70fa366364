"""The exceptions colordeploy raises on purpose.

Every message says what was wrong, with which file or argument, and what to do about it.
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "BundleError",
    "Cancelled",
    "ColorDeployError",
    "InputError",
    "SolverError",
]


class ColorDeployError(Exception):
    """Base class of all errors raised on purpose by colordeploy."""


class InputError(ColorDeployError, ValueError):
    """A picture, a scribble or an argument cannot be used as given."""


class BundleError(ColorDeployError):
    """A model bundle is missing, damaged or of an unknown kind."""


class BackendError(ColorDeployError):
    """A runtime, a device or a graph on it cannot be used."""


class SolverError(ColorDeployError):
    """The sparse system cannot be solved: it is singular or does not fit into memory."""


class Cancelled(ColorDeployError):  # noqa: N818 - what the caller asked for is no error
    """The call was stopped by its `colordeploy.CancelToken`; the model stays usable."""
