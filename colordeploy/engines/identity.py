"""What engines depend on, as the cache's key, and whether engines of the cache fit here."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..bundle import Bundle
from ..errors import BackendError
from ..runtime.gpu import Device, open_device
from ..runtime.precision import HALVES, RECIPE
from ..runtime.tensorrt.build import BuildOptions, Profile
from ..runtime.tensorrt.flavor import RTX, Flavor
from .shapes import Sizes

__all__ = ["GpuKind", "engine_parts", "gpu_kind", "misfit"]

_AMPERE = 80


@dataclass(frozen=True)
class GpuKind:
    """What engines are built for.

    Attributes
    ----------
    architectures : tuple of str
        "sm_89" and the like, from the oldest to the newest.
    name : str or None
        The one kind of GPU that full TensorRT chose its kernels on; None where any of the
        architectures will do.
    """

    architectures: tuple[str, ...]
    name: str | None


def gpu_kind(flavor: Flavor, options: BuildOptions, device: Device | None = None) -> GpuKind:
    """Kind of GPU that a build is for: what is named, or the GPU of this machine.

    Parameters
    ----------
    options : BuildOptions
        Checked, see `BuildOptions.checked`.
    device : Device, optional
        By default the first GPU.

    Raises
    ------
    BackendError
        When no architecture is named and there is no GPU.
    """
    if options.architectures:
        return GpuKind(options.architectures, None)
    try:
        device = device or open_device(0)
    except BackendError as error:
        raise BackendError(
            f"{error}; or name the GPU's architecture, for which tensorrt_rtx builds without one: "
            "--arch sm_89"
        ) from None
    any_name = flavor.name == RTX or options.hardware_compatible
    return GpuKind((device.architecture,), None if any_name else device.name)


def engine_parts(
    bundle: Bundle,
    flavor: Flavor,
    sizes: Sequence[Sizes],
    profiles: Mapping[str, list[Profile]],
    options: BuildOptions,
    gpu: GpuKind,
    precision: str,
) -> dict[str, Any]:
    """All that a model's engines depend on, for `EngineCache`."""
    return {
        "model": bundle.manifest.name,
        "model_version": bundle.manifest.version,
        "graphs": _graphs_of(bundle),
        "precision": precision,
        "recipe": RECIPE if precision in HALVES else None,
        "profiles": {
            graph: [
                {
                    name: [list(p.minimum[name]), list(p.optimum[name]), list(p.maximum[name])]
                    for name in sorted(p.optimum)
                }
                for p in given
            ]
            for graph, given in profiles.items()
        },
        "sizes": [[list(s.minimum), list(s.optimum), list(s.maximum)] for s in sizes],
        "options": options.to_dict(),
        "gpu": {**asdict(gpu), "architectures": list(gpu.architectures)},
        "flavor": flavor.name,
        "flavor_version": flavor.version,
        "platform": _platform(),
    }


def misfit(
    parts: Mapping[str, Any], bundle: Bundle, flavor: Flavor, device: Device, precision: str
) -> str | None:
    """Why engines cannot run here; None when they can, as far as their description tells."""
    try:
        return _misfit(parts, bundle, flavor, device, precision)
    except (KeyError, TypeError, ValueError):
        return "they are described in another way than this version does"


def _misfit(
    parts: Mapping[str, Any], bundle: Bundle, flavor: Flavor, device: Device, precision: str
) -> str | None:
    options, gpu = parts["options"], parts["gpu"]
    if parts["graphs"] != _graphs_of(bundle):
        return f"they are of version {parts['model_version']} of the model"
    if parts["precision"] != precision:
        return f"they are in {parts['precision']}, not {precision}"
    if precision in HALVES and parts["recipe"] != RECIPE:
        return f"their {precision} was made by another version of colordeploy"
    if parts["flavor"] != flavor.name:
        return f"they are for {parts['flavor']}, not {flavor.name}"
    built, here = parts["flavor_version"], flavor.version
    later = options["version_compatible"] and _numbers(built)[:1] == _numbers(here)[:1]
    if built != here and not (later and _numbers(built) <= _numbers(here)):
        return f"they are for {flavor.name} {built}, not {here}"
    if parts["platform"] != _platform():
        return f"they are for {parts['platform']}, not {_platform()}"
    return _gpu_misfit(options, gpu, device)


def _gpu_misfit(options: Mapping[str, Any], gpu: Mapping[str, Any], device: Device) -> str | None:
    built_for = gpu["architectures"]
    if device.architecture not in built_for and not (
        options["hardware_compatible"]
        and min(_numbers(name)[0] for name in (device.architecture, *built_for)) >= _AMPERE
    ):
        return f"they are for {', '.join(built_for)}, not {device.architecture}"
    if gpu["name"] not in (None, device.name):
        return f"they were built on a {gpu['name']}, not a {device.name}"
    return None


def _graphs_of(bundle: Bundle) -> dict[str, Any]:
    """A bundle's graphs, and what stays in float32 in each."""
    return {
        name: {"sha256": entry.sha256, "kept": list(bundle.kept_layers(name))}
        for name, entry in bundle.manifest.graphs.items()
    }


def _platform() -> str:
    return f"{platform.system()}-{platform.machine()}".lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
