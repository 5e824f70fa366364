"""An ONNX file as a bundle: checked, described, probed, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError, InputError
from ..manifest import GraphEntry, Manifest, TensorEntry
from ..methods.imported import INPUTS, OUTPUTS, NetworkInterface
from .opening import NetworkFile, Tensor, open_network
from .presets import PRESETS, Preset
from .probes import Probe, faults, probes

__all__ = ["Described", "import_network"]

_PROBED = 256  # side of the probes where the network is free
_CHANNELS = {name: 1 if name[0] in "ly" else 3 for name in INPUTS}


@dataclass(frozen=True)
class Described:
    """What its owner says of a network.

    Attributes
    ----------
    input, output : str
        See `NetworkInterface`.
    layout : str
    multiple, working_size : int
        Where the file leaves the sides free.
    name, licence, trained_on : str
    source : str
        Where the description is from.
    """

    input: str
    output: str
    name: str
    licence: str
    trained_on: str
    layout: str = "NCHW"
    multiple: int = 1
    working_size: int = 256
    source: str = "given by hand"

    @classmethod
    def by_preset(cls, preset: str, **others: Any) -> Described:
        """A description of a known network; `others` take the place of its own."""
        if preset not in PRESETS:
            raise InputError(f"unknown preset {preset!r}; use one of {', '.join(PRESETS)}")
        known: Preset = PRESETS[preset]
        values = {
            "input": known.input, "output": known.output, "multiple": known.multiple,
            "working_size": known.working_size, "source": known.source,
        }  # fmt: skip
        return cls(**{**values, **others})


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
        For kinds that are not known, and an `out` that is there.
    """
    if out.exists():
        raise InputError(f"{out} is there already; give --out a new folder")
    for kind, given, allowed in (
        ("input", described.input, INPUTS),
        ("output", described.output, OUTPUTS),
    ):
        if given not in allowed:
            raise InputError(f"unknown {kind} {given!r}; use one of {', '.join(allowed)}")
    network = open_network(path)
    output = _output(network)
    interface = _interface(network, described)
    side = (
        interface.side or _PROBED // interface.multiple * interface.multiple or interface.multiple
    )
    made = _probed(network, interface, side, output)
    reason = faults(interface, made)
    if reason is not None:
        raise BundleError(f"{path}: the description cannot be right: {reason}")
    _write(network, out, described, interface, output, made)
    chroma = np.abs(interface.chroma(made[1].found))
    return [
        f"{network.inputs[0]} -> {output}: {interface.input} to {interface.output}, "
        f"{interface.layout}, {_sides(interface)}",
        f"chroma of the test photo: mean {chroma.mean():.3g}, largest {chroma.max():.3g}",
    ]


def _sides(interface: NetworkInterface) -> str:
    if interface.side is not None:
        return f"{interface.side}x{interface.side} alone"
    return f"any size of multiples of {interface.multiple}"


def _output(network: NetworkFile) -> Tensor:
    if len(network.inputs) != 1:
        raise BundleError(
            f"{network.path} has {len(network.inputs)} inputs "
            f"({', '.join(map(str, network.inputs))}); an imported network has one, the picture: "
            "export it without hints"
        )
    if len(network.outputs) != 1:
        raise BundleError(
            f"{network.path} has {len(network.outputs)} outputs "
            f"({', '.join(map(str, network.outputs))}); export it with the colours alone"
        )
    for tensor in (network.inputs[0], network.outputs[0]):
        if len(tensor.shape) != 4:
            raise BundleError(f"{network.path}: {tensor} is no batch of pictures with four axes")
    return network.outputs[0]


def _interface(network: NetworkFile, described: Described) -> NetworkInterface:
    given = network.inputs[0]
    axes = (2, 3) if described.layout == "NCHW" else (1, 2)
    channels = given.shape[1 if described.layout == "NCHW" else 3]
    wanted = _CHANNELS[described.input]
    if channels is not None and channels != wanted:
        raise BundleError(
            f"{network.path}: the description cannot be right: input {given} has {channels} "
            f"channels in {described.layout}, and {described.input!r} has {wanted}"
        )
    if given.shape[0] not in (None, 1):
        raise BundleError(
            f"{network.path}: input {given} takes {given.shape[0]} pictures at a time; export it "
            "with a batch of one, or a free one"
        )
    height, width = (given.shape[axis] for axis in axes)
    if height != width:
        raise BundleError(
            f"{network.path}: input {given} has one size that is no square; export it with free "
            "sides, or square ones"
        )
    return NetworkInterface(
        described.input, described.output, described.layout, height,
        1 if height is not None else described.multiple,
    )  # fmt: skip


def _probed(
    network: NetworkFile, interface: NetworkInterface, side: int, output: Tensor
) -> list[Probe]:
    name = network.inputs[0].name

    def run(given: NDArray[Any]) -> NDArray[Any]:
        try:
            (found,) = network.session.run([output.name], {name: given})
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            said = str(error).strip().splitlines()[0][:300]
            raise BundleError(
                f"{network.path} does not run on a picture of {side}x{side} pixels ({said}); give "
                "--multiple the number that its sides must be multiples of"
            ) from None
        return np.asarray(found)

    return probes(interface, side, run)


def _share(interface: NetworkInterface, probe: Probe) -> int:
    """How many times smaller the output is than the input."""
    planes = interface.planes(probe.found)
    return max(1, round(int(interface.planes(probe.given).shape[0]) / int(planes.shape[0])))


def _entry(tensor: Tensor, layout: str, share: int = 1) -> TensorEntry:
    smaller = f"/{share}" if share > 1 else ""
    height, width = f"height{smaller}", f"width{smaller}"
    names = ("batch", None, height, width) if layout == "NCHW" else (
        "batch", height, width, None,
    )  # fmt: skip
    shape = tuple(
        size if size is not None else (name or "channels")
        for size, name in zip(tensor.shape, names, strict=True)
    )
    return TensorEntry(tensor.name, tensor.dtype, shape)


def _write(
    network: NetworkFile,
    out: Path,
    described: Described,
    interface: NetworkInterface,
    output: Tensor,
    made: list[Probe],
) -> None:
    golden = {}
    for probe in made[1:]:
        golden[f"network/{probe.name}/input/{network.inputs[0].name}"] = probe.given
        golden[f"network/{probe.name}/output/{output.name}"] = probe.found
    vectors = _npz(golden)
    largest = max(float(np.abs(probe.found).max()) for probe in made)
    source = _entry(network.inputs[0], interface.layout)
    result = _entry(output, interface.layout, _share(interface, made[0]))
    manifest = Manifest(
        name=described.name,
        method="imported",
        version="1.0.0",
        licence=described.licence,
        trained_on=described.trained_on,
        quality={},
        graphs={
            "network": GraphEntry(
                "network.onnx", network.sha256, (source,), (result,), 1e-3 * max(largest, 1.0)
            )
        },
        golden_sha256=hashlib.sha256(vectors).hexdigest(),
        parameters={
            "interface": interface.to_dict(),
            "output": output.name,
            "working_size": interface.side or described.working_size,
            "multiple": interface.side or interface.multiple,
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
