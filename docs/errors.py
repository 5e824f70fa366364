"""Make docs/errors.md from the code: every message that the package raises on purpose.

python docs/errors.py
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "colordeploy"
CORE = HERE.parent / "csrc"
THROWN = re.compile(r"throw (\w+Error)\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CLASSES = {
    "InputError": "A picture, strokes or an argument cannot be used as given.",
    "BundleError": "A model bundle is missing, damaged or of an unknown kind.",
    "BackendError": "A runtime, a device or a graph on it cannot be used.",
    "SolverError": "The sparse system cannot be solved, or does not fit into memory.",
}
HEAD = """# Errors

Every message that the package raises on purpose, by class and file, made from the code by
`python docs/errors.py`. A part in braces is filled in. What `csrc/` says, the C library says, too.
All are below `colordeploy.errors.ColorDeployError`; `InputError` is a `ValueError`, too. The
command line shows the message in one line and exits with 1. `Cancelled` says that a caller's own
token was cancelled.
"""


def text_of(node: ast.expr) -> str | None:
    """A message as it is written, values in braces; None when it is put together elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append(str(value.value))
            elif isinstance(value, ast.FormattedValue):
                parts.append("{" + ast.unparse(value.value) + "}")
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None or right is None else left + right
    return None


def thrown(source: str) -> list[tuple[str, str]]:
    """Class and message of what C++ throws; what is not written there is in braces."""
    found = []
    for match in THROWN.finditer(source):
        depth, end = 1, match.end()
        quoted = False
        while depth:
            character = source[end]
            if character == '"' and source[end - 1] != "\\":
                quoted = not quoted
            depth += 0 if quoted else {"(": 1, ")": -1}.get(character, 0)
            end += 1
        given = source[match.end() : end - 1]
        text = re.sub(r'"\s*"', "", given)
        parts = LITERAL.split(text)
        # Between literals stand values; what follows a format are its values.
        joined = parts[0].strip(" +\n") and "{}"
        for literal, between in zip(parts[1::2], parts[2::2], strict=True):
            joined += literal + ("{}" if between.strip(" +)\n") and literal != parts[-2] else "")
        if parts[0].strip().startswith("text("):
            joined = re.sub(r"%[-.\w]*?(?:td|zu|lld|[dgsf])", "{}", parts[1])
        if len(parts) > 1:
            found.append((match[1], joined.replace('\\"', '"')))
    return found


def messages() -> dict[str, dict[str, list[str]]]:
    """Messages by class and by file."""
    found: dict[str, dict[str, list[str]]] = {name: {} for name in CLASSES}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        calls = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        ]
        for call in sorted(calls, key=lambda node: node.lineno):
            kind = getattr(call.func, "id", getattr(call.func, "attr", None))
            if kind in found and call.args and (text := text_of(call.args[0])):
                listed = found[kind].setdefault(name, [])
                if text not in listed:
                    listed.append(text)
    for path in sorted(CORE.rglob("*.[ch]pp")):
        for kind, text in thrown(path.read_text()):
            if kind in found:
                listed = found[kind].setdefault(f"csrc/{path.relative_to(CORE)}", [])
                if text not in listed:
                    listed.append(text)
    return found


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for kind, files in messages().items():
        lines.append(f"## {kind}\n\n{CLASSES[kind]}\n")
        for name, listed in files.items():
            lines.append(f"`{name}`\n")
            lines += [f"* {' '.join(text.split()).replace('|', chr(92) + '|')}" for text in listed]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (HERE / "errors.md").write_text(page())
