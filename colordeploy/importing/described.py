"""What is said of a network, held against its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BundleError, InputError
from ..methods.imported import INPUTS, InputForm, NetworkInterface, OutputForm
from .opening import NetworkFile, Tensor
from .presets import PRESETS, Preset

__all__ = ["Described", "interface_for"]


@dataclass(frozen=True)
class Described:
    """What its owner says of a network.

    Attributes
    ----------
    inputs : tuple of tuples of str
        See `NetworkInterface`; of several ways the one with as many inputs as the file has.
    output : str
    layout : str
    multiple, working_size : int
        Where the file leaves the sides free.
    name, licence, trained_on : str
    source : str
        Where the description is from.
    """

    inputs: tuple[tuple[str, ...], ...]
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
            "inputs": known.inputs, "output": known.output, "multiple": known.multiple,
            "working_size": known.working_size, "source": known.source,
        }  # fmt: skip
        return cls(**{**values, **others})

    def check(self) -> None:
        """InputError for kinds that are not known."""
        OutputForm.parse(self.output)
        for way in self.inputs:
            for text in way:
                InputForm.parse(text)


def interface_for(network: NetworkFile, described: Described) -> NetworkInterface:
    """The interface of a file by what is said of it.

    Raises
    ------
    BundleError
        When the file's inputs and outputs are others than what is said.
    """
    path, layout = network.path, described.layout
    if len(network.outputs) != 1:
        raise BundleError(
            f"{path} has {len(network.outputs)} outputs ({_listed(network.outputs)}); export it "
            "with the colours alone"
        )
    inputs = _way(network, described)
    forms = [InputForm.parse(text) for text in inputs]
    if all(INPUTS[name].hint for form in forms for name in form.planes):
        raise BundleError(
            f"{path}: the description cannot be right: {', '.join(inputs)} are hints alone; one "
            "input has to show the network the photo (l-100, rgb, ...)"
        )
    for tensor, form in zip(network.inputs, forms, strict=True):
        _check_input(path, tensor, form, layout)
    sides = _sides(path, [t for t, f in zip(network.inputs, forms, strict=True) if f.cell is None],
                   layout)  # fmt: skip
    output = OutputForm.parse(described.output)
    _check_output(path, network.outputs[0], output)
    multiple = 1 if sides is not None else described.multiple
    interface = NetworkInterface(inputs, described.output, layout, sides, multiple)
    _check_cells(path, interface, network.inputs, forms, output)
    return interface


def _listed(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(map(str, tensors))


def _way(network: NetworkFile, described: Described) -> tuple[str, ...]:
    """The description with as many inputs as the file."""
    count = len(network.inputs)
    for way in described.inputs:
        if len(way) == count:
            return way
    explained = " or ".join(f"{len(way)} ({', '.join(way)})" for way in described.inputs)
    raise BundleError(
        f"{network.path} has {count} inputs ({_listed(network.inputs)}), and the description "
        f"explains {explained}; give one --input for each, in the file's order"
    )


def _check_input(path: Path, tensor: Tensor, form: InputForm, layout: str) -> None:
    wrong = f"{path}: the description cannot be right: input {tensor}"
    axes = 2 if form.cell is not None else 4
    if len(tensor.shape) != axes:
        what = "a list of cells with two axes" if axes == 2 else "a picture with four axes"
        raise BundleError(f"{wrong} has {len(tensor.shape)} axes, and {str(form)!r} is {what}")
    if tensor.shape[0] not in (None, 1):
        raise BundleError(
            f"{path}: input {tensor} takes {tensor.shape[0]} pictures at a time; export it with a "
            "batch of one, or a free one"
        )
    if tensor.dtype == "bool" and form.planes not in (("marked",), ("unmarked",)):
        raise BundleError(f"{wrong} is bool, and {str(form)!r} is not a mask alone")
    if form.cell is None:
        channels = tensor.shape[1 if layout == "NCHW" else 3]
        if channels not in (None, form.channels):
            raise BundleError(
                f"{wrong} has {channels} channels in {layout}, and {str(form)!r} has "
                f"{form.channels}"
            )


def _check_output(path: Path, tensor: Tensor, form: OutputForm) -> None:
    axes = 3 if form.patch is not None else 4
    if len(tensor.shape) != axes:
        what = "is a list of patches with three" if axes == 3 else "is a picture with four"
        raise BundleError(
            f"{path}: the description cannot be right: output {tensor} has {len(tensor.shape)} "
            f"axes, and an output of pictures {what}: --output KIND, or KIND/SIDE for patches"
        )


def _sides(path: Path, pictures: list[Tensor], layout: str) -> tuple[int, int] | None:
    """The one height and width of the pictures; None when they are free."""
    if not pictures:
        raise BundleError(f"{path}: no input is a picture; one has to be")
    axes = (2, 3) if layout == "NCHW" else (1, 2)
    found = {tuple(tensor.shape[axis] for axis in axes) for tensor in pictures}
    if len(found) != 1:
        raise BundleError(f"{path}: its pictures ({_listed(tuple(pictures))}) are of several sizes")
    height, width = found.pop()
    if height is None and width is None:
        return None
    if height is None or width is None:
        raise BundleError(
            f"{path}: input {pictures[0]} has one free side and one that is not; export it with "
            "both free, or both fixed"
        )
    return height, width


def _check_cells(
    path: Path,
    interface: NetworkInterface,
    tensors: tuple[Tensor, ...],
    forms: list[InputForm],
    output: OutputForm,
) -> None:
    """Cells and patches have to fill the picture."""
    for what, side in (*((str(f), f.cell) for f in forms), (interface.output, output.patch)):
        if side is None:
            continue
        if interface.sides is None:
            raise BundleError(
                f"{path}: {what!r} is a list, which only a network of one size has; export it with "
                "fixed sides"
            )
        if any(length % side for length in interface.sides):
            height, width = interface.sides
            raise BundleError(
                f"{path}: the description cannot be right: {what!r} does not divide "
                f"{height}x{width} pixels"
            )
    for tensor, form in zip(tensors, forms, strict=True):
        if form.cell is not None and interface.sides is not None:
            height, width = (length // form.cell for length in interface.sides)
            if tensor.shape[1] not in (None, height * width):
                raise BundleError(
                    f"{path}: the description cannot be right: input {tensor} has "
                    f"{tensor.shape[1]} cells, and {str(form)!r} has {height}x{width}"
                )
