"""The CUDA solver on a GPU. Skipped, visibly, where there is none."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from colordeploy.errors import BackendError
from colordeploy.native import Propagator
from colordeploy.native.cudss import cudss_library
from colordeploy.native.device import cuda_module
from colordeploy.trace import recording


def reason_to_skip() -> str:
    try:
        cuda_module()
    except BackendError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip() or "there is a GPU")


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (64, 96), (128, 128), (256, 256), (300, 417)])
@pytest.mark.parametrize("step", [0, 5, 12])
@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_like_the_cpu_then_after_edits(problem, size, step, sigma):
    if step == 5 and size[0] > 128:
        pytest.skip("the clique alone would take gigabytes")
    features, mask, values = problem(*size, channels=16)
    same = {"sigma": sigma, "alpha": 0.01, "global_step": step}
    ours, cpu = Propagator(features, **same, device="cuda"), Propagator(features, **same)
    rng = np.random.default_rng(1)
    for _ in range(3):
        np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-9)
        mask = mask.copy()
        mask.ravel()[rng.choice(mask.size, max(1, mask.size // 500))] ^= True
        mask.ravel()[0] = True


def test_edits_that_are_captured(problem):
    features, mask, values = problem(128, 96, channels=16)
    same = {"sigma": 0.1, "alpha": 0.01}
    ours, cpu = Propagator(features, **same, device="cuda"), Propagator(features, **same)
    for i in range(20):
        mask.ravel()[[31 * i, 5000 + i]] ^= True
        mask.ravel()[0] = True
        given = values[..., : 1 + i // 10]
        np.testing.assert_allclose(ours.solve(mask, given), cpu.solve(mask, given), atol=1e-9)


def test_the_devices_time_is_told(problem):
    features, mask, values = problem(128, 96, channels=16)
    with recording() as spans:
        begin = time.perf_counter_ns()
        Propagator(features, sigma=0.1, alpha=0.01, device="cuda").solve(mask, values)
        passed = time.perf_counter_ns() - begin
    assert spans.device.keys() == {"affinities", "propagation"}
    assert 0 < sum(spans.device.values()) < passed


@pytest.mark.parametrize("size", [(5, 7), (64, 96), (200, 190)])
@pytest.mark.parametrize("step", [0, 12])
def test_cudss(problem, size, step):
    try:
        cudss_library()
    except BackendError as error:
        pytest.skip(str(error))
    features, mask, values = problem(*size, channels=16)
    same = {"sigma": 0.3, "alpha": 0.01, "global_step": step}
    ours = Propagator(features, **same, device="cuda", solver="cudss")
    cpu = Propagator(features, **same)
    for i in range(3):
        np.testing.assert_allclose(ours.solve(mask, values), cpu.solve(mask, values), atol=1e-3)
        mask.ravel()[i] ^= True
        mask.ravel()[9] = True


def test_no_growth_over_ten_thousand_solves(problem):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    features, mask, values = problem(32, 32)
    ours = Propagator(features, sigma=0.3, alpha=1.0, device="cuda")
    for i in range(4):  # all kernels are loaded then, and the edit is captured
        mask.ravel()[i] ^= True
        mask[0, 0] = True
        ours.solve(mask, values)
    before, _ = torch.cuda.mem_get_info()
    for i in range(10_000):
        mask.ravel()[i % mask.size] ^= True
        mask[0, 0] = True
        ours.solve(mask, values)
    assert before - torch.cuda.mem_get_info()[0] < 4 << 20


def test_tensors_of_torch_on_their_stream(problem):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    features, mask, values = problem(96, 64, channels=8)
    expected = Propagator(features, sigma=0.3, alpha=1.0).solve(mask, values)
    pinned = [torch.from_numpy(a).pin_memory() for a in (features, mask, values)]
    torch.cuda._sleep(200_000_000)  # what is given is not ready for a while
    given = [a.to("cuda", non_blocking=True) for a in pinned]
    ours = Propagator(given[0], sigma=0.3, alpha=1.0, device="cuda")
    found = torch.as_tensor(ours.solve(given[1], given[2]), device="cuda")
    np.testing.assert_allclose(found.cpu().numpy(), expected, atol=1e-9)


def test_two_solvers_agree_to_the_last_bit(problem):
    """Which block does what is not determined, and must not matter: a race would show here."""
    features, mask, values = problem(200, 190, channels=16)
    found = [
        Propagator(features, sigma=0.1, alpha=0.1, device="cuda").solve(mask, values)
        for _ in range(10)
    ]
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_several_threads_share_a_system(problem):
    """One thread's copies must not end another one's capture."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    features, mask, values = problem(96, 80, channels=8)
    same = {"sigma": 0.3, "alpha": 1.0}
    ours, cpu = Propagator(features, **same, device="cuda"), Propagator(features, **same)
    masks = [np.roll(mask, i, axis=1) for i in range(4)]
    expected = [cpu.solve(m, values) for m in masks]
    on_device = torch.from_numpy(values).cuda()
    worst = [np.inf] * 4

    def work(i: int) -> None:
        errors = []
        for _ in range(50):
            found = ours.solve(masks[i], on_device)
            errors.append(np.abs(found.numpy() - expected[i]).max())
            del found
        worst[i] = max(errors)

    crew = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert max(worst) < 1e-9


def test_several_pictures_and_threads_at_once(problem):
    problems = [problem(64 + 8 * i, 80, seed=i) for i in range(4)]
    expected = [Propagator(f, sigma=0.3, alpha=1.0).solve(m, v) for f, m, v in problems]
    worst = [np.inf] * 4

    def work(i: int) -> None:
        features, mask, values = problems[i]
        errors = []
        for _ in range(20):
            ours = Propagator(features, sigma=0.3, alpha=1.0, device="cuda")
            errors.append(np.abs(ours.solve(mask, values) - expected[i]).max())
        worst[i] = max(errors)

    crew = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert max(worst) < 1e-9
