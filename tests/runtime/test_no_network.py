"""Nothing is sent anywhere: no socket is opened while the command line colours a picture."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PHOTO, STROKES = ROOT / "examples" / "colosseum.jpg", ROOT / "examples" / "colosseum-strokes.png"
NETWORK = "socket,connect,sendto,sendmsg,sendmmsg"
# Python's own sockets by its audit hook; those of libraries by what the process holds open.
WATCHED = """
import os, sys, time
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith("socket.") else None)
seconds, code, *sys.argv = sys.argv[1:]
try:
    exec(code)
except SystemExit as ended:
    assert not ended.code, ended.code
until = time.monotonic() + float(seconds)
while True:
    for name in os.listdir("/proc/self/fd"):
        try:
            seen.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            pass
    if time.monotonic() >= until:
        break
    time.sleep(0.5)
print(*[what for what in seen if what.startswith("socket")], sep="\\n")
"""


def watched(code, arguments, home, seconds):
    """What code does to the network, a line each, until some seconds after it has ended."""
    told = ("ORT_", "XDG_", "CI", "TF_BUILD", "JENKINS_URL")  # by which libraries are silenced
    environment = {k: v for k, v in os.environ.items() if not k.startswith(told)}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WATCHED, str(seconds), code, *map(str, arguments)]
    log = home.parent / "strace.txt"
    if traceable():
        command = ["strace", "-f", "-qq", "-e", f"trace={NETWORK}", "-o", str(log), *command]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120 + seconds, check=True
    )
    calls = log.read_text().splitlines() if log.exists() else []
    return [line for line in calls if "(" in line] + done.stdout.split()


def traceable():
    """Whether there is an strace that may trace here: it sees the sockets of every thread."""
    found = shutil.which("strace")
    if found is None:
        return False
    return subprocess.run([found, "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize(
    ("backend", "seconds"),
    [
        ("onnxruntime", 0),
        pytest.param("openvino", 5, marks=pytest.mark.openvino),
        pytest.param("onnxruntime", 75, marks=pytest.mark.slow),
    ],
)
def test_colouring_a_picture_opens_no_socket(tmp_path, backend, seconds):
    """ONNX Runtime 1.32 looks its collector up a minute after it was imported, OpenVINO at once."""
    home, out = tmp_path / "home", tmp_path / "out.png"
    home.mkdir()
    arguments = ["colordeploy", "scribble", PHOTO, STROKES, "-o", out, "--device", "cpu", "-q"]
    arguments += ["--backend", backend]
    assert watched("from colordeploy.cli import main; main()", arguments, home, seconds) == []
    assert out.is_file()
    assert not (home / "intel").exists()  # OpenVINO's identifier


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_spy_sees_a_socket(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = "import socket; kept = socket.socket(socket.AF_UNIX)"
    assert watched(code, [], home, 0) != []
