"""A cancelled call comes back soon, whatever a graph's kernel is at."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from .building import consumers, onnxruntime_library, run, tool
from .library import Cancel, Failure
from .slow import slow_bundle

SOON = 0.05  # seconds, on a machine that has nothing else to do
LATE = 0.4  # on one that is busy


@pytest.fixture(scope="module")
def slow(library, tmp_path_factory):
    """A model whose graph is one kernel of a second or more."""
    path = slow_bundle(tmp_path_factory.mktemp("slow") / "bundle", 4000)
    with library.load(str(path), threads=1) as model:
        yield model


@pytest.fixture(scope="module")
def programs(prefix, tmp_path_factory):
    return consumers(prefix, tmp_path_factory.mktemp("consumer"))


def cancelled_after(library, seconds, call):
    """How long a call took to come back after it was cancelled so late."""
    with Cancel(library) as cancel:
        asked = []

        def ask():
            asked.append(time.perf_counter())
            cancel.set()

        timer = threading.Timer(seconds, ask)
        timer.start()
        with pytest.raises(Failure, match="cancelled") as failure:
            call(cancel.handle)
        returned = time.perf_counter()
        timer.join()
        assert failure.value.kind == "cancelled"
        return returned - asked[0]


def test_within_a_kernel(library, slow):
    """The kernel goes on without the caller; the next call is not disturbed by it."""
    picture = np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))
    begin = time.perf_counter()
    with slow.prepare(picture) as canvas:
        whole = time.perf_counter() - begin
        expected = canvas.lines([([(20, 30)], 9, (10, 200, 30))])
    assert whole > 2 * LATE, "the kernel is no slow one here: a larger side is needed"
    times = []
    for share in (0.3, 0.6):
        taken = cancelled_after(
            library, share * whole, lambda cancel: slow.prepare(picture, cancel=cancel)
        )
        times.append(taken)
        time.sleep(whole)  # what was left behind ends
    assert min(times) < SOON
    assert max(times) < LATE
    with slow.prepare(picture) as canvas:
        assert np.array_equal(canvas.lines([([(20, 30)], 9, (10, 200, 30))]), expected)


def test_what_was_left_behind_ends_before_the_process(prefix, tmp_path):
    """A program that returns right after a cancelled call ends well."""
    path = slow_bundle(tmp_path / "bundle", 2500)
    program = tmp_path / "program.cpp"
    program.write_text(
        "#include <colordeploy.h>\n#include <chrono>\n#include <thread>\n#include <vector>\n"
        "int main(int, char** words) {\n"
        "    cd_load_options options = CD_LOAD_OPTIONS_INIT;\n    options.threads = 1;\n"
        "    cd_model* model = nullptr;\n    cd_cancel* cancel = nullptr;\n"
        "    if (cd_load(words[1], &options, &model) || cd_cancel_new(&cancel)) return 2;\n"
        "    std::vector<unsigned char> pixels(64 * 64, 90);\n"
        "    const cd_image image{pixels.data(), 64, 64, 64, 0, CD_GRAY8};\n"
        "    cd_prepare_options preparing = CD_PREPARE_OPTIONS_INIT;\n"
        "    preparing.cancel = cancel;\n    cd_canvas* canvas = nullptr;\n"
        "    std::thread other([&] {\n"
        "        std::this_thread::sleep_for(std::chrono::milliseconds(100));\n"
        "        cd_cancel_set(cancel);\n    });\n"
        "    const cd_status status = cd_prepare(model, &image, &preparing, &canvas);\n"
        "    other.join();\n    cd_cancel_free(cancel);\n    cd_model_free(model);\n"
        "    return status == CD_CANCELLED ? 0 : 3;\n}\n"
    )
    run([
        tool("c++", "g++", "clang++"), "-std=c++17", "-pthread", program, f"-I{prefix}/include",
        f"-L{prefix}/lib", "-lcolordeploy", f"-Wl,-rpath,{prefix}/lib", "-o", tmp_path / "program",
    ])  # fmt: skip
    for _ in range(3):
        run(
            [tmp_path / "program", path],
            env={"COLORDEPLOY_ONNXRUNTIME": str(onnxruntime_library())},
        )


@pytest.mark.parametrize("name", ["levin", "lga", "disco", "sscn", "rasc"])
def test_of_all_methods(programs, prefix, name, record_property):
    """At moments all over preparing and rendering; `cancelling NAME 1024 20` is the measurement."""
    said = run(
        [programs / "cancelling", name, "384", "5"],
        env={
            "LD_LIBRARY_PATH": str(prefix / "lib"),
            "COLORDEPLOY_ONNXRUNTIME": str(onnxruntime_library()),
        },
    ).stdout
    for line in said.splitlines():
        what, _, count, median, longest = line.split()
        record_property(f"{name} {what}", line)
        assert int(count) <= 5
        assert float(median) < 1000 * SOON * 2, said
        assert float(longest) < 1000 * LATE, said
