from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

_F64 = NDArray[np.float64]
_Features = NDArray[np.float32] | NDArray[np.float64]

class SingularSystem(ArithmeticError): ...  # noqa: N818 - the C++ name
class Cancelled(Exception): ...  # noqa: N818 - the C++ name

class CancelFlag:
    """Set once, from any thread; the core looks at it without the interpreter."""

    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

def idle_bytes() -> int: ...
def idle_limit() -> int: ...
def set_idle_limit(bytes: int) -> None: ...
def trim() -> int: ...
def processors(root: str) -> int: ...
def cores(numbers: list[int], topology: str) -> int: ...
def free_memory(root: str) -> int | None: ...

class MalformedGraph(ValueError): ...  # noqa: N818 - the C++ name

def has_external_data(content: bytes | memoryview) -> bool: ...

class Bundle:
    """A bundle: its manifest is read and checked, other files on demand."""

    def __init__(self, path: bytes) -> None: ...
    @property
    def manifest(self) -> str: ...
    def graph(self, name: str) -> bytes: ...
    def file(self, name: str, sha256: str) -> bytes: ...

class Plan:
    def __init__(
        self, height: int, width: int, global_step: int, cancel: CancelFlag | None = None
    ) -> None: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def factor_size(self) -> int: ...
    @property
    def counts(self) -> dict[str, Any]: ...
    @property
    def global_pixels(self) -> NDArray[np.int32]: ...

class Solver:
    def __init__(
        self,
        plan: Plan,
        local: _F64,
        global_: _F64,
        alpha: float,
        phi: float,
        screening: float,
        single: bool,
    ) -> None: ...
    def solve(
        self,
        mask: NDArray[np.uint8],
        b: _F64,
        masked: bool,
        threads: int,
        cancel: CancelFlag | None,
    ) -> _F64: ...
    @property
    def nbytes(self) -> int: ...

def instruction_set() -> str: ...
def plan_of(height: int, width: int, global_step: int, cancel: CancelFlag | None) -> Plan: ...
def drop_plans() -> int: ...
def require_memory(height: int, width: int, global_step: int, single: bool) -> None: ...
def out_of_memory(what: str) -> NoReturn: ...
def affinity_map(
    features: NDArray[np.float32], sigma: float, y: int, x: int
) -> NDArray[np.float32]: ...
def estimated_bytes(height: int, width: int, global_step: int, single: bool) -> float: ...
def local_affinities(
    plan: Plan, features: _Features, sigma: float, threads: int, cancel: CancelFlag | None
) -> _F64: ...
def global_affinities(
    plan: Plan, features: _Features, sigma: float, threads: int, cancel: CancelFlag | None
) -> _F64: ...
def affinity_gradient(
    plan: Plan,
    features: _F64,
    sigma: float,
    alpha: float,
    local: _F64,
    global_: _F64,
    x: _F64,
    adjoint: _F64,
) -> tuple[_F64, float, float]: ...
def choose(n: int, k: int, seed: int) -> NDArray[np.int64]: ...
def kmeans(
    points: _F64, centres: _F64, rounds: int, tolerance: float
) -> tuple[NDArray[np.int32], _F64]: ...
def trapped_ball(line: NDArray[np.uint8], radii: list[int], smallest: int) -> NDArray[np.int32]: ...

LUMA: _F64
CHROMA_SCALES: tuple[float, float]
CHROMA_TO_RGB: _F64
LINEAR_RGB_TO_XYZ: _F64
XYZ_TO_LINEAR_RGB: _F64
AB_SCALE: float

class GuidedChroma:
    def __init__(
        self,
        chroma: NDArray[np.float32],
        lightness: NDArray[np.float32],
        lab: bool,
        slopes: tuple[float, float, float] | None,
    ) -> None: ...
    def compose(
        self,
        lightness: NDArray[np.float32],
        part: tuple[int, int, int, int],
        saturation: float,
        out: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32],
        threads: int,
        base: NDArray[np.float32] | None,
        cancel: CancelFlag | None,
    ) -> None: ...
    @property
    def slopes(self) -> NDArray[np.float32]: ...
    @property
    def nbytes(self) -> int: ...

def compose_lab(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.uint8]: ...
def lightness_of(
    rgb: NDArray[np.float32] | NDArray[np.uint8], threads: int
) -> NDArray[np.float32]: ...
def lightness_of_gray(
    gray: NDArray[np.float32] | NDArray[np.uint8], threads: int
) -> NDArray[np.float32]: ...
def lab_of(rgb: NDArray[np.float32], threads: int) -> NDArray[np.float32]: ...
def luma_of(rgb: NDArray[Any], threads: int) -> NDArray[np.float32]: ...
def chroma_of(rgb: NDArray[np.float32], threads: int) -> NDArray[np.float32]: ...
def luma_plane(samples: NDArray[Any], threads: int) -> NDArray[np.float32]: ...
def lightness_plane(samples: NDArray[Any], threads: int) -> NDArray[np.float32]: ...
def resample(
    plane: NDArray[Any], rows: int, columns: int, threads: int, cancel: CancelFlag | None
) -> NDArray[Any]: ...
def resize(
    plane: NDArray[Any], rows: int, columns: int, threads: int, cancel: CancelFlag | None
) -> NDArray[np.float32]: ...
def working_size(
    rows: int, columns: int, short_side: int, bounded: bool, enlarged: bool
) -> tuple[int, int]: ...
def chroma_at_working_size(
    ab: NDArray[np.float32],
    gray: NDArray[np.float32],
    rows: int,
    columns: int,
    threads: int,
    cancel: CancelFlag | None,
) -> NDArray[np.float32]: ...

AB_BINS: NDArray[np.int64]
CANDIDATES: int

def nearest_bins(ab: _F64) -> NDArray[np.int64]: ...
def most_probable(probabilities: NDArray[np.float32]) -> list[int]: ...
def expected_chroma(probabilities: NDArray[np.float32]) -> tuple[float, float]: ...
def diverse_order(candidates: Any) -> list[int]: ...
def pooled(
    values: NDArray[np.float32], association: NDArray[np.float32] | None, cell: int
) -> NDArray[np.float32]: ...
def located(
    features: NDArray[np.float32], sizes: NDArray[np.float32] | None, count: int, seed: int
) -> list[int]: ...
def middle_of(
    size: tuple[int, int], working: tuple[int, int], cell: int, row: int, column: int
) -> tuple[float, float]: ...
def anchor_hints(
    anchors: list[tuple[float, float, float, float]],
    size: tuple[int, int],
    working: tuple[int, int],
    cell: int,
    grid: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
def with_residues(
    ab: NDArray[np.float32],
    tokens: NDArray[np.float32],
    gray: NDArray[np.float32],
    mask: NDArray[np.float32],
    colors: NDArray[np.float32],
) -> NDArray[np.float32]: ...
def aggregate_max(
    features: NDArray[np.float32], labels: NDArray[np.int32], count: int
) -> NDArray[np.float32]: ...
def merge_tones(
    labels: NDArray[np.int32], thin: int, bridge: int, pieces: int
) -> NDArray[np.int32]: ...
def open_screens(line: NDArray[np.uint8], dot: int) -> NDArray[np.uint8]: ...

MAXIMUM_REGIONS: int
MOST_HINTS: int
TOKEN_STRIDE: int
TOKEN_GEOMETRY: int

def find_regions(
    line: NDArray[np.uint8], scale: float, radii: list[int]
) -> tuple[NDArray[np.int32], int, int]: ...
def nearest_labels(labels: NDArray[np.int32], rows: int, columns: int) -> NDArray[np.int32]: ...
def inside_labels(labels: NDArray[np.int32]) -> NDArray[np.int32]: ...
def region_tokens(
    labels: NDArray[Any],
    covered: NDArray[Any],
    luma: NDArray[Any],
    places: NDArray[np.int64],
    count: int,
    rows: int,
    columns: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]: ...
def region_places(full: NDArray[Any], labels: NDArray[Any], count: int) -> NDArray[np.int64]: ...
def region_hints(
    pixels: NDArray[np.int64],
    rgb: NDArray[np.uint8],
    dabs: NDArray[np.int32],
    labels: NDArray[np.int32],
    covered: NDArray[np.int32],
    areas: NDArray[np.int64],
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.uint8],
    int,
]: ...

class RegionDivider:
    def __init__(
        self, labels: NDArray[np.int32], covered: NDArray[np.int32], count: int
    ) -> None: ...
    def divide(
        self,
        counts: NDArray[np.int32],
        pixels: NDArray[np.int64],
        owners: NDArray[np.int32],
        threads: int,
        cancel: CancelFlag | None,
    ) -> NDArray[np.int32]: ...
    @property
    def nbytes(self) -> int: ...

LEAST_CHROMA: float

def working_reference(
    samples: NDArray[Any],
    rows: int,
    columns: int,
    multiple: int,
    threads: int,
    cancel: CancelFlag | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]: ...
def selected(
    activation: NDArray[np.float32],
    k: int | None,
    r: int | None,
    seed: int,
    default_k: int,
    default_r: int,
) -> NDArray[np.int64]: ...
def normal_numbers(seed: list[int], n: int) -> NDArray[np.float32]: ...
def cover_lines(labels: NDArray[np.int32]) -> NDArray[np.int32]: ...
def region_means(
    values: NDArray[np.float32],
    labels: NDArray[np.int32],
    wanted: NDArray[np.uint8],
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]: ...
def separate_lines(
    values: NDArray[np.float32] | NDArray[np.uint8], threads: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]: ...
def resample_lines(
    opacity: NDArray[np.uint8],
    ink: NDArray[np.uint8] | None,
    rows: int,
    columns: int,
    threads: int,
    cancel: CancelFlag | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]: ...
def compose_drawing(
    palette: NDArray[np.float32],
    labels: NDArray[np.int32],
    values: NDArray[np.float32] | None,
    ground: NDArray[np.int32] | None,
    reference: NDArray[np.float32] | None,
    limits: NDArray[np.float32] | None,
    opacity: NDArray[np.uint8] | None,
    ink: NDArray[np.uint8] | None,
    part: tuple[int, int, int, int],
    saturation: float,
    out: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32],
    threads: int,
    cancel: CancelFlag | None,
) -> None: ...

_Line = tuple[list[float], tuple[int, int, int], float]
_Constrained = tuple[NDArray[np.bool_], _F64, int]

def constrain_layer(
    layer: NDArray[np.uint8], rows: int, columns: int, threads: int, cancel: CancelFlag | None
) -> _Constrained: ...
def constrain_lines(
    lines: list[_Line],
    height: int,
    width: int,
    rows: int,
    columns: int,
    threads: int,
    cancel: CancelFlag | None,
) -> _Constrained: ...
def draw_lines(lines: list[_Line], height: int, width: int) -> NDArray[np.uint8]: ...
def marked_pixels(
    layer: NDArray[np.uint8], threads: int, cancel: CancelFlag | None
) -> NDArray[np.bool_]: ...
def separate_page(
    luma: NDArray[np.float32], threads: int, cancel: CancelFlag | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_], bool, bool, float, float]: ...
def is_long(height: int, width: int) -> bool: ...
def pages_of(inked: NDArray[np.bool_], width: int) -> list[list[int]]: ...
def dabs_of_layer(
    layer: NDArray[np.uint8], threads: int, cancel: CancelFlag | None
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]: ...
def dabs_of_lines(
    lines: Any, height: int, width: int, cancel: CancelFlag | None
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]: ...
