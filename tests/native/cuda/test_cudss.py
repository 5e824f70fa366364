"""cuDSS in place of our own factorization: with a synthetic library, whose calls are checked."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from colordeploy.errors import BackendError, SolverError
from colordeploy.native import Affinities, Propagator, propagate
from colordeploy.native import cudss as module
from colordeploy.native.device import _device_plan
from colordeploy.trace import recording

from .conftest import OnDevice

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ANALYSIS, FACTORIZATION, REFACTORIZATION, SOLVE = range(4)


@pytest.fixture(scope="session")
def fake_library(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp().parent / "cuda_on_the_host"
    folder.mkdir(exist_ok=True)
    library = folder / "libfake_cudss.so"
    with FileLock(f"{library}.lock"):
        if not library.exists():
            part = folder / "fake_part.so"
            subprocess.run(
                ["g++", "-std=c++20", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror",
                 str(HERE / "fake_cudss.cpp"), "-o", str(part)],
                check=True,
            )  # fmt: skip
            part.rename(library)
    return library


@pytest.fixture
def cudss(emulated, fake_library, monkeypatch):
    """The synthetic library is what is found; with counts of its phases and its living objects."""
    monkeypatch.setenv("COLORDEPLOY_CUDSS", str(fake_library))
    _device_plan.cache_clear()  # analyses of other tests
    library = ctypes.CDLL(str(fake_library))

    class Counts:
        @staticmethod
        def phases():
            return [library.fake_count(phase) for phase in range(4)]

        @staticmethod
        def living():
            return library.fake_living()

    yield Counts
    _device_plan.cache_clear()


def counted(cudss, work):
    before = cudss.phases()
    result = work()
    return result, [b - a for a, b in zip(before, cudss.phases(), strict=True)]


@pytest.mark.parametrize("step", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("size", [(1, 1), (1, 13), (13, 1), (2, 2), (5, 7), (14, 11)])
def test_like_the_cpu_then_after_edits(cudss, problem, size, step):
    features, mask, values = problem(*size)
    same = {"sigma": 0.3, "alpha": 0.7, "global_step": step}
    ours = Propagator(features, **same, device="cuda", solver="cudss")
    cpu = Propagator(features, **same)
    rng = np.random.default_rng(1)
    for _ in range(3):
        np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-8)
        mask = mask.copy()
        mask.ravel()[rng.choice(mask.size, max(1, mask.size // 20))] ^= True
        mask.ravel()[0] = True
    found = ours.adjoint(mask, values)
    np.testing.assert_allclose(found, cpu.adjoint(mask, values), rtol=1e-6, atol=1e-8)


def test_arrays_of_the_device_and_ready_made_affinities(cudss, problem):
    features, mask, values = problem(9, 12)
    made = Affinities.from_features(features, sigma=0.2, global_step=4)
    ours = Propagator(made, alpha=1.0, device="cuda", solver="cudss")
    expected = Propagator(made, alpha=1.0).solve(mask, values)
    found = ours.solve(OnDevice(mask), OnDevice(values.astype(np.float32)))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    given = {"sigma": 0.2, "alpha": 1.0, "global_step": 4}
    again = propagate(features, mask, values, **given, device="cuda", solver="cudss")
    np.testing.assert_allclose(again, expected, atol=1e-8)


def test_no_more_is_done_than_is_due(cudss, problem):
    features, mask, values = problem(8, 9)

    def make():
        return Propagator(features, sigma=0.3, alpha=1.0, device="cuda", solver="cudss")

    systems, phases = counted(cudss, lambda: [make()])
    assert phases == [0, 0, 0, 0]
    _, phases = counted(cudss, lambda: systems[0].solve(mask, values))
    assert phases == [1, 1, 0, 1]
    _, phases = counted(cudss, lambda: systems[0].solve(mask, 2 * values))  # other colours
    assert phases == [0, 0, 0, 1]
    other = mask.copy()
    other[0, 0] ^= True
    _, phases = counted(cudss, lambda: systems[0].solve(other, values))  # an edit
    assert phases == [0, 0, 1, 1]
    systems.append(make())
    _, phases = counted(cudss, lambda: systems[1].solve(mask, values))  # beside the first
    assert phases == [1, 1, 0, 1]
    systems.clear()
    systems.append(make())
    _, phases = counted(cudss, lambda: systems[0].solve(mask, values))  # takes over an analysis
    assert phases == [0, 1, 0, 1]


def test_nothing_is_left(cudss, problem):
    features, mask, values = problem(8, 9)
    before = cudss.living()
    ours = Propagator(features, sigma=0.3, alpha=1.0, device="cuda", solver="cudss")
    ours.solve(mask, values)
    held = cudss.living()
    for i in range(5):
        mask.ravel()[i] ^= True
        ours.solve(mask, values)
    assert cudss.living() == held
    del ours
    _device_plan.cache_clear()
    assert cudss.living() == before


def test_the_devices_time_is_told(cudss, problem):
    features, mask, values = problem(8, 9)
    with recording() as spans:
        propagate(features, mask, values, sigma=1, alpha=1, device="cuda", solver="cudss")
    assert spans.device.keys() == {"affinities", "propagation"}
    assert min(spans.device.values()) > 0


def test_singular_systems_and_the_next_solve(cudss, problem):
    features, mask, values = problem(8, 9)
    features[:, 4:] += 1e6
    given = {"sigma": 1.0, "alpha": 1.0, "phi": 0.0, "global_step": 0}
    ours = Propagator(features, **given, device="cuda", solver="cudss")
    mask[:] = False
    mask[2, 2] = True
    with pytest.raises(SolverError, match=r"singular to cuDSS .*\(solver='multifrontal'\)"):
        ours.solve(mask, values)
    mask[2, 7] = True
    expected = Propagator(features, **given).solve(mask, values)
    np.testing.assert_allclose(ours.solve(mask, values), expected, atol=1e-8)
    mask[2, 7] = False
    with pytest.raises(SolverError, match="singular to cuDSS"):
        ours.solve(mask, values)
    del ours  # what failed is not handed on
    mask[2, 7] = True
    again = Propagator(features, **given, device="cuda", solver="cudss")
    np.testing.assert_allclose(again.solve(mask, values), expected, atol=1e-8)


def test_failures_of_the_library(cudss, problem, monkeypatch):
    features, mask, values = problem(6, 5)
    ours = Propagator(features, sigma=1.0, alpha=1.0, device="cuda", solver="cudss")
    monkeypatch.setenv("FAKE_CUDSS_FAILS", "4")
    with pytest.raises(BackendError, match="cuDSS: cudssExecute returned status 5"):
        ours.solve(mask, values)
    monkeypatch.delenv("FAKE_CUDSS_FAILS")
    assert np.isfinite(ours.solve(mask, values)).all()
    monkeypatch.setenv("FAKE_CUDSS_FULL", "1")
    with pytest.raises(SolverError, match="GPU's memory does not suffice for 6x5"):
        Propagator(features, sigma=1.0, alpha=1.0, device="cuda", solver="cudss")


def test_what_can_be_asked_for(cudss, problem, monkeypatch, tmp_path, fake_library):
    features, _, _ = problem(6, 5)

    def make(**options):
        return Propagator(features, sigma=1.0, alpha=1.0, **options)

    with pytest.raises(BackendError, match="cuDSS solves on GPUs only"):
        make(solver="cudss")
    with pytest.raises(BackendError, match="unknown solver 'klu'; use one of multifrontal, cudss"):
        make(solver="klu", device="cuda")
    monkeypatch.setenv("COLORDEPLOY_CUDSS", str(tmp_path / "libcudss.so.1"))
    with pytest.raises(BackendError, match=r"cuDSS cannot be loaded: .*libcudss\.so\.1"):
        make(solver="cudss", device="cuda")
    old = tmp_path / "old.so"
    old.write_bytes(fake_library.read_bytes())
    monkeypatch.setenv("COLORDEPLOY_CUDSS", str(old))
    monkeypatch.setenv("FAKE_CUDSS_MAJOR", "2")
    with pytest.raises(BackendError, match=r"cuDSS 2\.2\.3 was found, version 1 is needed"):
        make(solver="cudss", device="cuda")
    other = tmp_path / "other.so"
    other.write_bytes(Path(importlib.util.find_spec("_ctypes").origin).read_bytes())
    monkeypatch.setenv("COLORDEPLOY_CUDSS", str(other))
    with pytest.raises(BackendError, match="this cuDSS has no cudssGetProperty"):
        make(solver="cudss", device="cuda")
    monkeypatch.delenv("COLORDEPLOY_CUDSS")
    monkeypatch.setattr(module, "_of_the_wheel", lambda: None)
    with pytest.raises(BackendError, match=r"pip install 'colordeploy\[cuda\]'"):
        make(solver="cudss", device="cuda")


def test_the_wheels_library_is_found(monkeypatch, tmp_path):
    monkeypatch.delenv("COLORDEPLOY_CUDSS", raising=False)
    library = tmp_path / "cu13" / "lib" / "libcudss.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    module._of_the_wheel.cache_clear()
    assert module.cudss_library() == library
    module._of_the_wheel.cache_clear()


def header_folder():
    """Where cuDSS's header is, when it is installed."""
    spec = importlib.util.find_spec("nvidia")
    folders = [os.environ.get("CUDSS_INCLUDE", "")]
    for place in spec.submodule_search_locations or () if spec else ():
        folders += map(str, Path(place).glob("*/include"))
    return next((folder for folder in folders if folder and Path(folder, "cudss.h").exists()), None)


@pytest.mark.skipif(not shutil.which("nvcc") or not header_folder(), reason="no cuDSS or no nvcc")
def test_what_is_declared_is_the_headers(tmp_path):
    """Numbers of arguments and their sizes, and the values of the constants."""
    source = tmp_path / "compare.cu"
    source.write_text(COMPARE)
    api = f"-I{ROOT / 'csrc/propagation/cuda'}"
    subprocess.run(
        ["nvcc", "-std=c++20", api, f"-isystem={header_folder()}", "-c", str(source),
         "-o", str(tmp_path / "compare.o")],
        check=True,
    )  # fmt: skip


COMPARE = """
#include <cudss.h>
#include <type_traits>
#include "cudss_api.hpp"

using namespace colordeploy::propagation::cuda;

template <typename A, typename B>
struct Alike : std::false_type {};
template <typename A, typename B>
constexpr bool same_kind = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;
template <typename... A, typename... B>
    requires(sizeof...(A) == sizeof...(B))
struct Alike<cudssStatus_t (*)(A...), int (*)(B...)>
    : std::bool_constant<(same_kind<A, B> && ...)> {};

#define CHECK(name) static_assert(Alike<decltype(&::name), decltype(cudss::Calls::name)>::value)
COLORDEPLOY_CUDSS_CALLS(CHECK);
static_assert(sizeof(cudssStatus_t) == sizeof(int));
static_assert(cudss::kMajor == CUDSS_VERSION_MAJOR);
static_assert(cudss::kSuccess == CUDSS_STATUS_SUCCESS);
static_assert(cudss::kAllocFailed == CUDSS_STATUS_ALLOC_FAILED);
static_assert(cudss::kAnalysis == CUDSS_PHASE_ANALYSIS);
static_assert(cudss::kFactorization == CUDSS_PHASE_FACTORIZATION);
static_assert(cudss::kRefactorization == CUDSS_PHASE_REFACTORIZATION);
static_assert(cudss::kSolve == CUDSS_PHASE_SOLVE);
static_assert(cudss::kInfo == CUDSS_DATA_INFO);
static_assert(cudss::kPositiveDefinite == CUDSS_MTYPE_SPD);
static_assert(cudss::kUpper == CUDSS_MVIEW_UPPER);
static_assert(cudss::kZeroBased == CUDSS_BASE_ZERO);
static_assert(cudss::kColumns == CUDSS_LAYOUT_COL_MAJOR);
static_assert(cudss::kDouble == CUDA_R_64F);
static_assert(cudss::kInt32 == CUDA_R_32I);
"""
