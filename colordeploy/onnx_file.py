"""A look into an ONNX file without the onnx package: whether its weights lie in other files."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["MalformedGraphError", "has_external_data"]

# Numbers of fields in onnx.proto, by message: those that lead to tensors.
_MODEL = {7: "graph", 25: "function"}
_GRAPH = {1: "node", 5: "tensor", 15: "sparse"}
_NODE = {5: "attribute"}
_ATTRIBUTE = {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"}
_FUNCTION = {7: "node", 11: "attribute"}
_SPARSE = {1: "tensor", 2: "tensor"}
_INSIDE = {
    "model": _MODEL,
    "graph": _GRAPH,
    "node": _NODE,
    "attribute": _ATTRIBUTE,
    "function": _FUNCTION,
    "sparse": _SPARSE,
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_MAXIMUM_DEPTH = 64


class MalformedGraphError(ValueError):
    """The file is no ONNX model."""


def has_external_data(content: bytes | memoryview) -> bool:
    """Whether a tensor of a model is read from another file.

    Parameters
    ----------
    content : bytes or memoryview
        The ONNX file; weights inside of it are passed over, not read.

    Raises
    ------
    MalformedGraphError
        When it is no ONNX model.
    """
    return _external(memoryview(content), "model", 0)


def _external(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _MAXIMUM_DEPTH:
        raise MalformedGraphError("its parts are nested too deeply")
    if kind == "tensor":
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1)
            for number, value in _fields(message)
        )
    inside = _INSIDE[kind]
    return any(
        _external(value, inside[number], depth + 1)
        for number, value in _fields(message)
        if number in inside and isinstance(value, memoryview)
    )


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field of a protocol buffer's message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise MalformedGraphError("a field has the number 0")
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise MalformedGraphError(f"a field has the unknown wire type {wire}")
        if at + size > len(message):
            raise MalformedGraphError("it ends too early")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise MalformedGraphError("it ends too early")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedGraphError("a number has too many bytes")
