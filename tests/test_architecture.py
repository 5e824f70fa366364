"""The house: which room may know of which, and that no import leads up or around."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import colordeploy

PACKAGE = Path(colordeploy.__file__).parent
# From the ground up; a room may import what stands in its own line or in one before it.
FLOORS = (
    ("errors", "files", "manifest", "_version"),
    ("cancellation", "trace", "device_array", "dlpack"),
    ("background", "abandoning"),
    ("native",),
    ("memory", "pictures", "runtime"),
    ("bundle",),
    ("engines",),
    ("loading",),
    ("methods",),
    ("models",),
    ("accuracy", "importing"),
    ("bench", "batch", "pyinstaller", "studio"),
    ("cli",),
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# Imports at call time that lead up, each with its reason.
ALLOWED = {
    # Precision is checked on golden vectors while an engine is built.
    ("engines", "accuracy"),
    ("engines", "methods"),
}


def room_of(module):
    """The room of a dotted module below the package; "" for the package itself."""
    return module.partition(".")[0]


def imports(path):
    """Yield (module below the package, at the top of the file, for types only)."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    package = list(parts[:-1])
    tree = ast.parse(path.read_text())
    typed = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                names = [".".join([*base, node.module])] if node.module else [
                    ".".join([*base, alias.name]) for alias in node.names
                ]  # fmt: skip
            elif (node.module or "").startswith("colordeploy"):
                names = [(node.module or "").partition(".")[2]]
            else:
                continue
            for name in names:
                yield name, id(node) in top, id(node) in typed


def sources():
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    own = room_of(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    assert own in LEVEL, f"{own} is a room that the map does not have"
    for module, _, typed in imports(path):
        other = room_of(module)
        if typed or other in ("", own) or (own, other) in ALLOWED:
            continue
        assert LEVEL[other] <= LEVEL[own], f"{own} imports {other}, which stands above it"


def test_modules_import_no_circle():
    graph = {}
    for path in sources():
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        graph[name] = {m for m, top, typed in imports(path) if top and not typed}
    visiting, done = [], set()

    def visit(name):
        if name in done or name not in graph:
            return
        assert name not in visiting, " -> ".join([*visiting[visiting.index(name) :], name])
        visiting.append(name)
        for other in graph[name]:
            visit(other)
        visiting.pop()
        done.add(name)

    for name in graph:
        visit(name)


def test_only_the_facade_touches_the_compiled_core():
    for path in sources():
        if path.is_relative_to(PACKAGE / "native") or path == PACKAGE / "cli" / "doctor.py":
            continue  # doctor reports on the compiled parts themselves
        assert "native._c" not in path.read_text(), path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("native"):
                assert not {"_core", "_cuda"} & {alias.name for alias in node.names}, path


def test_the_runtime_imports_nothing_of_training():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert not {"torch", "export"} & {name.partition(".")[0] for name in names}, path


def test_records_that_hold_arrays_are_compared_by_identity():
    """`==` of two arrays is an array: a generated comparison would raise, and a hash too."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef):
                continue
            fields = [ast.dump(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign)]
            if not any("NDArray" in field or "_F64" in field for field in fields):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and "dataclass" in ast.dump(decorator.func):
                    keywords = {k.arg: ast.literal_eval(k.value) for k in decorator.keywords}
                    assert keywords.get("eq", True) is False, f"{path}: {node.name}"
