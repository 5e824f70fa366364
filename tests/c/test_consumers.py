"""Programs in C11 and C++17, compiled against the installed package, colour as Python does."""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
from PIL import Image

import colordeploy
from colordeploy import Stroke

from .building import SOURCE, consumers, onnxruntime_library, run, tool


@pytest.fixture(scope="module")
def programs(package, tmp_path_factory):
    """The programs, built by CMake's package."""
    return consumers(package, tmp_path_factory.mktemp("consumer"))


@pytest.fixture(scope="module")
def pictures(photo, tmp_path_factory):
    """The photo as a file, and what Python makes of it by each model."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(photo).save(folder / "photo.ppm")
    height, width = photo.shape[:2]
    strokes = [
        Stroke([(height * y, width * 0.2), (height * y, width * 0.8)], color, 9)
        for y, color in ((0.25, (180, 40, 30)), (0.75, (30, 60, 170)))
    ]
    expected = {}
    for name in ("levin", "lga"):
        backend = "auto" if name == "levin" else "onnxruntime"
        with colordeploy.load(name, backend=backend, device="cpu") as model:
            expected[name] = model.prepare(photo).render(strokes)
    return folder, expected


def colour(program, words, prefix, out):
    """Run a program with nothing but where ONNX Runtime is; returns the picture."""
    environment = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": str(prefix / "lib"),
        "COLORDEPLOY_ONNXRUNTIME": str(onnxruntime_library()),
    }
    run([program, *words], env=environment)
    return np.asarray(Image.open(out))


@pytest.mark.parametrize("name", ["levin", "lga"])
def test_a_program_in_c(programs, pictures, package, tmp_path, name):
    folder, expected = pictures
    out = tmp_path / "out.ppm"
    made = colour(programs / "strokes", [folder / "photo.ppm", out, name], package, out)
    np.testing.assert_array_equal(made, expected[name])


@pytest.mark.parametrize("name", ["levin", "lga"])
def test_a_program_in_cpp_with_two_threads(programs, pictures, package, tmp_path, name):
    folder, expected = pictures
    out = tmp_path / "out.ppm"
    made = colour(programs / "consumer", [name, folder / "photo.ppm", out], package, out)
    np.testing.assert_array_equal(made, expected[name])


def test_by_pkg_config(pictures, package, tmp_path):
    config, compiler = tool("pkg-config"), tool("cc", "gcc", "clang")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(package / "lib" / "pkgconfig")}
    flags = run([config, "--cflags", "--libs", "colordeploy"], env=environment).stdout.split()
    assert run([config, "--modversion", "colordeploy"], env=environment).stdout.strip()
    run([
        compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", SOURCE, "-o",
        tmp_path / "strokes", *flags,
    ])  # fmt: skip
    folder, expected = pictures
    out = tmp_path / "out.ppm"
    for name, picture in expected.items():
        made = colour(tmp_path / "strokes", [folder / "photo.ppm", out, name], package, out)
        np.testing.assert_array_equal(made, picture)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("standard", ["c11", "c17", "c++11", "c++17", "c++20"])
def test_the_header_compiles_everywhere(prefix, tmp_path, compiler, standard):
    language = "c++" if standard.startswith("c++") else "c"
    program = tmp_path / "program"
    program.write_text(
        "#include <colordeploy.h>\n"
        "int main(void) { cd_load_options a = CD_LOAD_OPTIONS_INIT; cd_style b = CD_STYLE_INIT;\n"
        "cd_render_options c = CD_RENDER_OPTIONS_INIT; cd_mending d = CD_MENDING_INIT;\n"
        "cd_prepare_options e = CD_PREPARE_OPTIONS_INIT; cd_strokes f = CD_STROKES_INIT;\n"
        "cd_system_options g = CD_SYSTEM_OPTIONS_INIT; cd_selection h = CD_SELECTION_INIT;\n"
        "cd_runtime i = CD_RUNTIME_INIT; return (int)(a.size + b.size + c.size + d.size +\n"
        "e.size + f.size + g.size + h.size + i.size) == 0; }\n"
    )
    run([
        tool(compiler), "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic",
        "-Werror", "-fsyntax-only", f"-I{prefix / 'include'}", program,
    ])  # fmt: skip


def test_only_the_interface_is_seen(prefix):
    said = run([tool("nm"), "-D", "--defined-only", prefix / "lib" / "libcolordeploy.so"]).stdout
    names = {line.split()[-1].partition("@")[0] for line in said.splitlines()}
    assert {name for name in names if not name.startswith("cd_")} == {"COLORDEPLOY_1"}
    said = run([tool("objdump"), "-p", prefix / "lib" / "libcolordeploy.so"]).stdout
    assert "SONAME" in said
    needed = {line.split()[1] for line in said.splitlines() if "NEEDED" in line}
    assert "libcolordeploy.so.1" in said
    assert not {name for name in needed if "stdc++" in name or "onnx" in name or "python" in name}


def test_valgrind_finds_nothing(programs, pictures, package, tmp_path):
    valgrind = tool("valgrind")
    folder, _ = pictures
    out = tmp_path / "out.ppm"
    small = tmp_path / "small.ppm"
    Image.open(folder / "photo.ppm").resize((96, 72)).save(small)
    done = subprocess.run(
        [
            valgrind, "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite",
            str(programs / "strokes"), str(small), str(out), "levin",
        ],
        env={
            **os.environ, "LD_LIBRARY_PATH": str(package / "lib"),
            "COLORDEPLOY_ISA": "avx2",  # valgrind knows no AVX-512
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert out.exists()
