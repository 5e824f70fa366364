"""Inputs that people's files and folders brought, each of which once failed, and who tests it.

A test says by ``@pytest.mark.fault(NUMBER)`` which of these it shows: ``grep -rn 'fault(.*26'
tests`` finds all of one. The marks are read from the sources, so that no test is left out because
something it needs is missing here.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_FAULTS: dict[int | str, str] = {
    1: "line art on grey, yellowed or unevenly lit paper",
    2: "light lines on dark ground",
    3: "pale pencil",
    4: "empty pages, noise alone, black pages",
    "5a": "strips of many pages",
    "5b": "hatching and screentone",
    "5c": "contact sheets of many styles",
    "5d": "a coloured page among line art",
    5: "soft strokes with premultiplied rims",
    6: "a faint veil over a layer of strokes",
    7: "pale brushes",
    8: "strokes with a colour profile",
    9: "pictures with fewer places than anchors, down to one pixel",
    10: "TIFF of which white is zero, in both byte orders",
    11: "12 bits in words of 16",
    12: "floats that leave [0, 1]",
    13: "grey profiles in every mode",
    14: "TIFF whose first directory is a thumbnail",
    15: "several pages or frames",
    16: "pictures beyond the limit of pixels",
    17: "other programs' formats under a picture's name",
    18: "truncated files, formats without a decoder",
    19: "orientation in XMP and in PNG's eXIf",
    20: "a broken picture in a job",
    21: "what lies beside pictures in folders",
    22: "results that would meet, or replace originals",
    23: "output folders that cannot be written",
    24: "names with brackets, dashes, emoji, 250 bytes",
    25: "a second or interrupted run",
    26: "FIFOs, devices, the standard output",
    27: "links, bind mounts, closed folders",
    28: "EXIF, resolution and alpha of the input",
    29: "limits of control groups and ulimit",
    30: "one processor of several",
    31: "broken installations of ONNX Runtime",
    32: "noise when ONNX Runtime is imported",
    33: "fork after loading",
    34: "ONNX Runtime's telemetry",
    35: "no metadata, no bundles, frozen programs",
    36: "fork while another thread prepares",
    37: "pickling models and canvases",
    38: "memory that stays",
    39: "Ctrl-C",
    40: "no terminal",
    41: "devices and backends that a method cannot heed",
    42: "empty output names, - as input, the same picture twice",
    43: "colour photos given to auto",
    44: "options behind --",
    45: "white borders and black ground",
    46: "which lightness is kept",
    47: "region searches of several threads",
    48: "odd modes, JPEG without its end, strokes outside",
}


@cache
def marked() -> dict[int | str, list[str]]:
    """Tests by the number of the fault that they show."""
    found = defaultdict(list)
    for path in sorted(_TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    for argument in mark.args:
                        name = f"{path.relative_to(_TESTS)}::{node.name}"
                        found[ast.literal_eval(argument)].append(name)
    return found


@pytest.mark.parametrize("number", _FAULTS, ids=str)
def test_every_fault_has_a_test(number):
    assert marked().get(number), f"no test of fault {number}: {_FAULTS[number]}"


def test_no_mark_is_unknown():
    assert set(marked()) <= set(_FAULTS)
