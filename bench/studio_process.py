"""A running studio, as ``colordeploy studio`` starts it: for benches of its page and service."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

EXAMPLE = Path(__file__).parent.parent / "examples" / "colosseum.jpg"
MEGAPIXEL = (1180, 868)
_MAIN = "from colordeploy.cli import main; main()"


def photo(size: tuple[int, int] = MEGAPIXEL) -> bytes:
    """The example photo at another size, a PNG file."""
    file = io.BytesIO()
    Image.open(EXAMPLE).resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@contextmanager
def studio(picture: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address with its token, and the process."""
    arguments = [sys.executable, "-c", _MAIN, "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*arguments, *([] if picture is None else [str(picture)])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = next((line for line in process.stdout if "http://" in line), None)
        if line is None:
            raise RuntimeError("the studio did not start")
        yield "http://" + line.strip().rpartition("http://")[2], process
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
