"""The CUDA solver, emulated on the host, against the CPU's."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from colordeploy.errors import BackendError, InputError, SolverError
from colordeploy.native import Affinities, Propagator, propagate, solves_on_gpu
from colordeploy.trace import recording

from .conftest import OnDevice

SIZES = [(1, 1), (1, 13), (13, 1), (5, 7), (40, 33), (64, 96), (20, 300)]


def both(features, sigma=0.3, alpha=0.7, phi=1e-8, step=12):
    same = {"sigma": sigma, "alpha": alpha, "phi": phi, "global_step": step}
    return Propagator(features, **same, device="cuda"), Propagator(features, **same)


@pytest.mark.parametrize("step", [0, 2, 5, 12])
@pytest.mark.parametrize("size", SIZES)
def test_like_the_cpu_then_after_edits(emulated, problem, size, step):
    features, mask, values = problem(*size)
    ours, cpu = both(features, step=step)
    rng = np.random.default_rng(1)
    for _ in range(3):
        np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-12)
        mask = mask.copy()
        mask.ravel()[rng.choice(mask.size, max(1, mask.size // 200))] ^= True
        mask.ravel()[0] = True
    np.testing.assert_allclose(ours.affinities.local, cpu.affinities.local, atol=1e-15)
    np.testing.assert_allclose(ours.affinities.global_, cpu.affinities.global_, atol=1e-15)


@pytest.mark.parametrize("sigma", [1e-3, 0.03, 1, 100])
@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("phi", [1e-8, 1e-100])
def test_every_contrast(emulated, problem, sigma, alpha, phi):
    features, mask, values = problem(24, 31, 4)
    ours, cpu = both(features, sigma, alpha, phi)
    np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-9)


@pytest.mark.parametrize("threads", [2, 5])
def test_any_number_of_threads_of_a_block(emulated, problem, monkeypatch, threads):
    features, mask, values = problem(17, 22)
    expected = propagate(features, mask, values, sigma=0.3, alpha=1.0, global_step=4)
    monkeypatch.setenv("COLORDEPLOY_EMULATED_THREADS", str(threads))
    found = propagate(features, mask, values, sigma=0.3, alpha=1.0, global_step=4, device="cuda")
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
def test_other_channels_doubles_and_the_adjoint(emulated, problem, outputs):
    features, mask, values = problem(30, 21, outputs=outputs)
    ours, cpu = both(features.astype(np.float64))
    np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-12)
    np.testing.assert_allclose(ours.adjoint(mask, values), cpu.adjoint(mask, values), rtol=1e-8)
    again = cpu.solve(mask, 2 * values)
    np.testing.assert_allclose(ours.solve(mask, 2 * values), again, atol=1e-12)
    matrix = ours.matrix(mask)
    assert abs(matrix - cpu.matrix(mask)).max() < 1e-14


def test_ready_made_affinities(emulated, problem):
    features, mask, values = problem(26, 26)
    made = Affinities.from_features(features, sigma=0.2, global_step=6)
    found = Propagator(made, alpha=1.0, device="cuda:0").solve(mask, values)
    expected = Propagator(made, alpha=1.0).solve(mask, values)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("marks", [np.bool_, np.uint8])
def test_device_memory_in_and_out(emulated, problem, kind, marks):
    features, mask, values = problem(33, 28)
    values = values.astype(kind)
    ours = Propagator(
        OnDevice(features.astype(kind)), sigma=0.3, alpha=1.0, global_step=7, device="cuda"
    )
    cpu = Propagator(features, sigma=0.3, alpha=1.0, global_step=7)
    given = OnDevice(mask.astype(marks)), OnDevice(values)
    found = ours.solve(*given)
    described = found.__cuda_array_interface__
    assert described["shape"] == found.shape == values.shape
    assert described["typestr"] == "<f8"
    assert described["version"] == 3
    assert described["stream"] is None  # ready
    assert found.device == "cuda:0"
    np.testing.assert_allclose(found.numpy(), cpu.solve(mask, values), atol=1e-7)
    again = ours.solve(mask, found)  # what comes out goes in; a mask of the host beside it
    np.testing.assert_allclose(again.numpy(), cpu.solve(mask, found.numpy()), atol=1e-7)
    assert isinstance(ours.solve(given[0], values), np.ndarray)


def test_features_may_be_strided(emulated, problem):
    """A graph's (1, C, H, W), cropped: what `lga` has in device memory."""
    features, mask, values = problem(20, 27, 5)
    planes = np.full((1, 5, 24, 28), np.nan, np.float32)
    planes[0, :, :20, :27] = features.transpose(2, 0, 1)
    view = planes[0, :, :20, :27].transpose(1, 2, 0)
    ours = Propagator(OnDevice(view), sigma=0.3, alpha=1.0, device="cuda")
    cpu = Propagator(features, sigma=0.3, alpha=1.0)
    np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-12)
    odd = OnDevice(view, strides=(113, 4, 2688))
    with pytest.raises(InputError, match="strides"):
        Propagator(odd, sigma=0.3, alpha=1.0, device="cuda")


def test_streams_are_waited_for(emulated, problem):
    features, mask, values = problem(9, 9)
    before = emulated.waits()
    ours = Propagator(OnDevice(features, stream=7), sigma=1.0, alpha=1.0, device="cuda")
    assert emulated.waits() == before + 1
    kept = [ours.solve(OnDevice(mask, stream=1), OnDevice(values, stream=2))]
    assert emulated.waits() == before + 3
    kept.append(ours.solve(OnDevice(mask), OnDevice(values)))  # no stream: ready
    assert emulated.waits() == before + 3
    described = OnDevice(values, version=2).__cuda_array_interface__
    described.pop("stream")

    class Version2:  # has no stream: the legacy default one is waited for
        __cuda_array_interface__ = described

    kept.append(ours.solve(mask, Version2()))
    assert emulated.waits() == before + 4
    kept.clear()  # what may still be read on the default stream is waited for before it is freed
    assert emulated.waits() == before + 7


def test_memory_does_not_grow_and_all_of_it_is_freed(emulated, problem):
    features, mask, values = problem(24, 18)
    ours = Propagator(features, sigma=0.3, alpha=1.0, device="cuda")
    ours.solve(mask, values)
    ours.solve(mask, values)  # room for what a captured edit writes
    before = emulated.blocks()
    for i in range(100):
        mask.ravel()[i] ^= True
        ours.solve(mask, values)
    assert emulated.blocks() == before
    kept = ours.solve(OnDevice(mask), OnDevice(values))
    assert emulated.blocks() == before + 1
    del ours
    assert np.isfinite(kept.numpy()).all()  # it keeps what it needs
    del kept
    # Index lists stay for the next picture of this size; nothing else does.
    assert emulated.blocks() <= before - 10


def test_edits_are_captured_once_they_come_again(emulated, problem, monkeypatch):
    features, mask, values = problem(30, 26)
    ours, cpu = both(features)
    before = emulated.replays()

    def edit(i, solve="solve", channels=2):
        mask.ravel()[3 * i] ^= True
        mask.ravel()[0] = True
        given = values[..., :channels]
        found, expected = (getattr(s, solve)(mask, given) for s in (ours, cpu))
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
        return emulated.replays() - before

    assert [edit(i) for i in range(5)] == [0, 0, 1, 2, 3]  # from scratch, as it is, captured
    assert [edit(i, "adjoint") for i in range(5, 8)] == [3, 4, 5]  # another kind of request
    assert [edit(i, channels=1) for i in range(8, 11)] == [5, 6, 7]
    assert [edit(i) for i in range(11, 14)] == [8, 9, 10]  # the first kind is still known
    for _ in range(3):  # the same strokes in other colours: no elimination at all
        values = values + 1
        np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-11)
    assert emulated.replays() - before == 12
    monkeypatch.setenv("COLORDEPLOY_EMULATED_CAPTURES", "0")
    ours, _ = both(features)
    assert [edit(i) for i in range(14, 19)] == [12] * 5  # a driver that cannot: the plain way


def test_a_mask_that_failed_is_not_taken_for_the_factorized_one(emulated, problem, monkeypatch):
    features, mask, values = problem(20, 18)
    ours, cpu = both(features)
    ours.solve(mask, values)
    other = np.roll(mask, 5, axis=1)
    monkeypatch.setenv("COLORDEPLOY_EMULATED_PLACE", "3")
    with pytest.raises(InputError, match="is on cuda:3"):
        ours.solve(other, OnDevice(values))
    monkeypatch.delenv("COLORDEPLOY_EMULATED_PLACE")
    for given in (other, other, mask, mask):
        np.testing.assert_allclose(ours.solve(given, values), cpu.solve(given, values), atol=1e-12)
    with pytest.raises(InputError, match="values hold NaN"):
        ours.solve(other, OnDevice(np.full_like(values, np.nan)))
    np.testing.assert_allclose(ours.solve(other, values), cpu.solve(other, values), atol=1e-12)
    with pytest.raises(InputError, match="marks no pixel"):
        ours.solve(OnDevice(np.zeros_like(mask)), values)
    np.testing.assert_allclose(ours.solve(other, values), cpu.solve(other, values), atol=1e-12)


def test_an_edit_is_what_a_new_solver_finds_to_the_last_bit(emulated, problem):
    features, mask, values = problem(45, 38)
    ours, _ = both(features)
    for i in range(4):
        mask.ravel()[[7 * i, 900 + i]] ^= True
        mask.ravel()[3] = True
        fresh, _ = both(features)
        assert np.array_equal(ours.solve(mask, values), fresh.solve(mask, values))


def test_the_devices_time_is_told(emulated, problem):
    features, mask, values = problem(12, 10)
    with recording() as spans:
        ours, _ = both(features)
        ours.solve(mask, values)
    assert spans.device.keys() == {"affinities", "propagation"}
    assert min(spans.device.values()) > 0
    first = spans.device["propagation"]
    with recording() as spans:
        for _ in range(3):
            ours.solve(mask, values)
    assert "affinities" not in spans.device
    assert 0 < spans.device["propagation"] < 300 * first


def test_several_threads_take_turns(emulated, problem):
    features, mask, values = problem(20, 25)
    ours, cpu = both(features)
    masks = [np.roll(mask, i, axis=1) for i in range(4)]
    expected = [cpu.solve(m, values) for m in masks]
    found: list[np.ndarray | None] = [None] * 4

    def work(i: int) -> None:
        for _ in range(5):
            found[i] = ours.solve(masks[i], values)

    crew = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_singular_systems_name_a_pixel_and_the_next_solve_works(emulated, problem):
    features, mask, values = problem(8, 9)
    features[:, 4:] += 1e6
    ours = Propagator(features, sigma=1.0, alpha=1.0, phi=0.0, global_step=0, device="cuda")
    mask[:] = False
    mask[2, 2] = True
    with pytest.raises(SolverError, match="is not tied to any marked pixel"):
        ours.solve(mask, values)
    mask[2, 7] = True
    cpu = Propagator(features, sigma=1.0, alpha=1.0, phi=0.0, global_step=0)
    np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-12)


def test_bad_device_arrays(emulated, problem):
    features, mask, values = problem(6, 8)
    ours = Propagator(features, sigma=1.0, alpha=1.0, device="cuda")
    for given, word in (
        ((mask, OnDevice(values[:, :, 0].copy())), "3 axes"),
        ((mask, OnDevice(values[:5].copy())), "6x8"),
        ((mask, OnDevice(values.astype(np.int32))), "not int32"),
        ((mask, OnDevice(values[..., :1])), "contiguous"),
        ((mask, OnDevice(values, stream=0)), "names stream 0"),
        ((mask, OnDevice(np.full_like(values, np.nan))), "values hold NaN"),
        ((mask, OnDevice(values[:0].copy())), "empty"),
        ((OnDevice(mask.astype(np.float32)), values), "not float32"),
        ((OnDevice(mask[:3].copy()), values), "6x8"),
        ((OnDevice(np.zeros_like(mask)), values), "marks no pixel"),
    ):
        with pytest.raises(InputError, match=word):
            ours.solve(*given)
    assert np.isfinite(ours.solve(mask, values)).all()
    features[1, 1, 1] = np.inf
    with pytest.raises(InputError, match="features hold NaN"):
        Propagator(OnDevice(features), sigma=1.0, alpha=1.0, device="cuda")


def test_device_arrays_are_not_the_cpus(emulated, problem):
    features, mask, values = problem(6, 8)
    with pytest.raises(InputError, match="use device='cuda'"):
        Propagator(OnDevice(features), sigma=1.0, alpha=1.0)
    cpu = Propagator(features, sigma=1.0, alpha=1.0)
    for given in ((OnDevice(mask), values), (mask, OnDevice(values))):
        with pytest.raises(InputError, match="use device='cuda'"):
            cpu.solve(*given)


def test_a_small_gpu(emulated, problem, monkeypatch):
    features, mask, values = problem(50, 50)
    monkeypatch.setenv("COLORDEPLOY_EMULATED_MEMORY", "100000")
    with pytest.raises(SolverError, match="GPU's memory does not suffice for 50x50"):
        propagate(features, mask, values, sigma=1.0, alpha=1.0, device="cuda")


def test_a_gpu_without_code_and_arrays_elsewhere(emulated, problem, monkeypatch):
    features, mask, values = problem(6, 8)
    ours = Propagator(features, sigma=1.0, alpha=1.0, device="cuda")
    monkeypatch.setenv("COLORDEPLOY_EMULATED_PLACE", "3")
    with pytest.raises(InputError, match="is on cuda:3, the system on cuda:0"):
        ours.solve(mask, OnDevice(values))
    monkeypatch.setenv("COLORDEPLOY_EMULATED_PLACE", "-1")  # managed memory is everywhere
    assert np.isfinite(ours.solve(mask, OnDevice(values)).numpy()).all()
    monkeypatch.setenv("COLORDEPLOY_EMULATED_CODE", "0")
    assert not solves_on_gpu("cuda:0")
    with pytest.raises(BackendError, match="no code for GPU 0"):
        Propagator(features, sigma=1.0, alpha=1.0, device="cuda")


def test_numbers_of_gpus(emulated, problem, monkeypatch):
    features, _, _ = problem(6, 8)
    with pytest.raises(BackendError, match=r"'cuda:3' was asked for, but there are 1 GPUs"):
        Propagator(features, sigma=1.0, alpha=1.0, device="cuda:3")
    with pytest.raises(BackendError, match="unknown device 'gpu'"):
        Propagator(features, sigma=1.0, alpha=1.0, device="gpu")
    monkeypatch.setenv("COLORDEPLOY_EMULATED_DEVICES", "0")
    with pytest.raises(BackendError, match="no GPU to solve on"):
        Propagator(features, sigma=1.0, alpha=1.0, device="cuda")
