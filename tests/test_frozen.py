"""Programs without the package's metadata, or without its models (fault 35)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import colordeploy
from colordeploy.pyinstaller import hook_dirs

_PACKAGE = Path(colordeploy.__file__).parent


def copied(folder: Path, *, bundles: bool) -> None:
    """The package as a folder that somebody copied: no metadata."""
    ignored = shutil.ignore_patterns("__pycache__", *(() if bundles else ("bundles",)))
    shutil.copytree(_PACKAGE, folder / "colordeploy", ignore=ignored)
    core = Path(importlib.util.find_spec("colordeploy.native._core").origin)
    shutil.copy(core, folder / "colordeploy" / "native" / core.name)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With the copied package, and all others as they are."""
    code = (
        "import sys\n"
        "finders = [f for f in sys.meta_path if 'editable' not in type(f).__module__]\n"
        "sys.meta_path = finders\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "import importlib.metadata as m\n"
        "def missing(name): raise m.PackageNotFoundError(name)\n"
        "m.version = missing\n"
        "from colordeploy.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.fault(35)
def test_the_version_needs_no_metadata(tmp_path):
    copied(tmp_path, bundles=False)
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout.split()[-1]) == (0, colordeploy.__version__)
    assert colordeploy.__version__ == importlib.metadata.version("colordeploy")


@pytest.mark.fault(35)
def test_models_that_were_left_behind_are_said(tmp_path):
    copied(tmp_path, bundles=False)
    done = run(tmp_path, "models", "info", "lga")
    assert done.returncode == 1
    assert "models are missing" in done.stderr
    assert "PyInstaller" in done.stderr


@pytest.mark.fault(35)
@pytest.mark.slow
def test_a_frozen_program(tmp_path, photo_like):
    """PyInstaller with our hook alone: the command line colours a photo."""
    pytest.importorskip("PyInstaller")
    from PIL import Image

    copied(tmp_path, bundles=True)
    (tmp_path / "app.py").write_text("from colordeploy.cli import main\nmain()\n")
    Image.fromarray(photo_like).convert("L").save(tmp_path / "photo.png")
    build = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    for module in ("torch", "onnx", "openvino", "scipy"):  # beside us in the test environment
        build += ["--exclude-module", module]
    for folder in hook_dirs():
        build += ["--additional-hooks-dir", folder]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run([*build, "app.py"], cwd=tmp_path, env=environment, check=True, timeout=900)
    app = str(tmp_path / "dist" / "app" / "app")
    out = tmp_path / "out.png"
    subprocess.run([app, "auto", str(tmp_path / "photo.png"), "-o", str(out)], check=True)
    with Image.open(out) as picture:
        assert picture.size == (160, 120)
