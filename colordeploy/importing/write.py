"""An ONNX file as a bundle: checked, described, probed, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..accuracy.tolerances import HALF_ON_DEVICE
from ..errors import BundleError, InputError
from ..manifest import GraphEntry, Manifest, TensorEntry
from ..methods.imported import InputForm, NetworkInterface
from ..pictures.geometry import resize
from .described import Described, interface_for
from .hint_probes import hint_faults
from .opening import NetworkFile, Tensor, open_network
from .probes import Probe, Runner, faults, probes

__all__ = ["import_network"]

_PROBED = 256  # side of the probes where the network is free


def import_network(path: Path, out: Path, described: Described) -> list[str]:
    """Write a bundle for a network.

    Parameters
    ----------
    path : Path
        The ONNX file.
    out : Path
        A folder that is not there yet.
    described : Described

    Returns
    -------
    list of str
        What was found, a line each, for the log.

    Raises
    ------
    BundleError
        When the file is none that can be imported, or the description cannot be right.
    InputError
        For kinds that are not known, and an `out` that is there or cannot be written.
    """
    if os.path.lexists(out):
        raise InputError(f"{out} is there already; give --out a new folder")
    described.check()
    network = open_network(path)
    interface = interface_for(network, described)
    size = interface.padded_size((_PROBED, _PROBED))
    run = _runner(network, size)
    made = probes(interface, size, run)
    reason = faults(interface, made, lambda: hint_faults(interface, made, run))
    if reason is not None:
        raise BundleError(f"{path}: the description cannot be right: {reason}")
    _check_multiple(network, interface, made[0])
    try:
        _write(network, out, described, interface, made)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from None
    chroma = np.abs(interface.chroma(made[1].found, size))
    inputs = ", ".join(map(str, network.inputs))
    return [
        f"{inputs} -> {network.outputs[0]}: {', '.join(interface.inputs)} to {interface.output}, "
        f"{interface.layout}, {_extent(interface)}",
        f"chroma of the test photo: mean {chroma.mean():.3g}, largest {chroma.max():.3g}",
    ]


def _extent(interface: NetworkInterface) -> str:
    if interface.sides is not None:
        return f"{interface.sides[0]}x{interface.sides[1]} alone"
    return f"any size of multiples of {interface.multiple}"


def _runner(network: NetworkFile, size: tuple[int, int]) -> Runner:
    def run(given: list[NDArray[Any]]) -> NDArray[Any]:
        inputs = {
            tensor.name: values.astype(tensor.dtype)
            for tensor, values in zip(network.inputs, given, strict=True)
        }
        try:
            (found,) = network.session.run([network.outputs[0].name], inputs)
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            said = str(error).strip().splitlines()[0][:300]
            raise BundleError(
                f"{network.path} does not run on a picture of {size[0]}x{size[1]} pixels ({said}); "
                "give --multiple the number that its sides must be multiples of"
            ) from None
        return np.asarray(found)

    return run


def _check_multiple(network: NetworkFile, interface: NetworkInterface, probe: Probe) -> None:
    """Where sides are free: whether sides that are multiples of nothing more than is said go.

    The probes' own sides of 256 are right for most networks, whatever they need.
    """
    if interface.sides is not None:
        return
    step = interface.multiple
    height, width = (side + (1 + side // step % 2) * step for side in probe.size)
    size = height + 2 * step, width
    found = _runner(network, size)(interface.encoded(resize(probe.lightness, size)))
    fits = interface.output_form.holds(found.shape, interface.layout, size)
    trims = probe.size[0] % interface.planes(probe.found, probe.size).shape[0]  # whatever the size
    if fits and not trims:
        share = _share(interface, probe)
        wanted = tuple(-(-side // share) for side in size)
        fits = interface.planes(found, size).shape[:2] == wanted
    if not fits:
        raise BundleError(
            f"{network.path} gives an output of shape {found.shape} for a picture of "
            f"{size[0]}x{size[1]} pixels; give --multiple the number that its sides must be "
            "multiples of"
        )


def _share(interface: NetworkInterface, probe: Probe) -> int:
    """How many times smaller the output is than the input."""
    height = int(interface.planes(probe.found, probe.size).shape[0])
    return max(1, round(probe.size[0] / height))


def _entry(tensor: Tensor, layout: str, share: int = 1) -> TensorEntry:
    smaller = f"/{share}" if share > 1 else ""
    height, width = f"height{smaller}", f"width{smaller}"
    free: tuple[str | None, ...] = ("batch", None, None)[: len(tensor.shape)]
    if len(tensor.shape) == 4:
        free = ("batch", None, height, width) if layout == "NCHW" else (
            "batch", height, width, None,
        )  # fmt: skip
    shape = tuple(
        size if size is not None else (name or "channels")
        for size, name in zip(tensor.shape, free, strict=True)
    )
    return TensorEntry(tensor.name, tensor.dtype, shape)


def _inputs(network: NetworkFile, interface: NetworkInterface) -> tuple[TensorEntry, ...]:
    """The inputs with all sizes that the description knows."""
    entries = []
    for tensor, text in zip(network.inputs, interface.inputs, strict=True):
        form = InputForm.parse(text)
        shape = list(tensor.shape)
        if form.cell is None:
            shape[1 if interface.layout == "NCHW" else 3] = form.channels
        elif interface.sides is not None:
            shape[1] = int(np.prod([side // form.cell for side in interface.sides]))
        entries.append(_entry(Tensor(tensor.name, tensor.dtype, tuple(shape)), interface.layout))
    return tuple(entries)


def _tolerance(network: NetworkFile, made: list[Probe]) -> float:
    """In float32 a thousandth of the largest value; in float16 as for half precision."""
    largest = max(float(np.abs(probe.found).max()) for probe in made)
    half = "float16" in {tensor.dtype for tensor in (*network.inputs, *network.outputs)}
    return HALF_ON_DEVICE["fp16"] * largest if half else 1e-3 * max(largest, 1.0)


def _write(
    network: NetworkFile,
    out: Path,
    described: Described,
    interface: NetworkInterface,
    made: list[Probe],
) -> None:
    output = network.outputs[0]
    golden = {}
    for probe in made[1:]:
        for tensor, given in zip(network.inputs, probe.given, strict=True):
            golden[f"network/{probe.name}/input/{tensor.name}"] = given.astype(tensor.dtype)
        golden[f"network/{probe.name}/output/{output.name}"] = probe.found
    vectors = _npz(golden)
    inputs = _inputs(network, interface)
    result = _entry(output, interface.layout, _share(interface, made[0]))
    manifest = Manifest(
        name=described.name,
        method="imported-hints" if interface.hints else "imported",
        version="1.0.0",
        licence=described.licence,
        trained_on=described.trained_on,
        quality={},
        graphs={
            "network": GraphEntry(
                "network.onnx", network.sha256, inputs, (result,), _tolerance(network, made)
            )
        },
        golden_sha256=hashlib.sha256(vectors).hexdigest(),
        parameters={
            "interface": interface.to_dict(),
            "output": output.name,
            "working_size": max(interface.sides or (described.working_size,)),
            "multiple": interface.multiple,
            "description": described.source,
        },
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        fresh = Path(scratch) / "bundle"
        fresh.mkdir(mode=0o755)
        shutil.copyfile(network.path, fresh / "network.onnx")
        (fresh / "golden.npz").write_bytes(vectors)
        (fresh / "manifest.json").write_text(manifest.to_json())
        fresh.replace(out)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))  # type: ignore[arg-type]
    return buffer.getvalue()
