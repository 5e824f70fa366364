"""What a process may use, from synthetic control groups."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from colordeploy.native.resources import free_memory, processors

GIB = 1 << 30


def made(root, cgroup, files):
    """A tree of files below `root`, with a machine of 64 GiB."""
    files = {
        "proc/self/cgroup": cgroup,
        "proc/meminfo": f"MemTotal: {64 << 20} kB\nMemAvailable: {60 << 20} kB\n",
        **files,
    }
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return root


def test_the_machine_counts_where_nothing_else_is_said(tmp_path):
    root = made(tmp_path, "0::/\n", {})
    assert free_memory(root) == 60 * GIB
    assert processors(root) == len(os.sched_getaffinity(0))


@pytest.mark.fault(29)
@pytest.mark.parametrize("inside", [True, False])
def test_version_2_groups_up_to_the_outermost(tmp_path, inside):
    """In a container the path that the process sees may be that on the host."""
    top = "sys/fs/cgroup"
    own = f"{top}/" if inside else f"{top}/a/b/"
    root = made(
        tmp_path,
        "0::/a/b\n",
        {
            f"{own}memory.max": f"{4 * GIB}\n",
            f"{own}memory.current": f"{3 * GIB}\n",
            f"{own}memory.stat": f"anon 1\ninactive_file {GIB}\n",
            f"{own}cpu.max": "150000 100000\n",
        },
    )
    assert free_memory(root) == 2 * GIB
    assert processors(root) == min(2, len(os.sched_getaffinity(0)))


def test_an_outer_group_may_be_the_narrower(tmp_path):
    top = "sys/fs/cgroup"
    root = made(
        tmp_path,
        "0::/outer/inner\n",
        {
            f"{top}/outer/memory.max": f"{2 * GIB}\n",
            f"{top}/outer/memory.current": f"{GIB}\n",
            f"{top}/outer/inner/memory.max": "max\n",
            f"{top}/outer/inner/memory.current": "5\n",
            f"{top}/outer/cpu.max": "50000 100000\n",
            f"{top}/outer/inner/cpu.max": "max 100000\n",
        },
    )
    assert free_memory(root) == GIB
    assert processors(root) == 1


def test_version_1_groups(tmp_path):
    top = "sys/fs/cgroup"
    root = made(
        tmp_path,
        "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n",
        {
            f"{top}/memory/job/memory.limit_in_bytes": f"{8 * GIB}\n",
            f"{top}/memory/job/memory.usage_in_bytes": f"{7 * GIB}\n",
            f"{top}/memory/job/memory.stat": f"total_inactive_file {2 * GIB}\n",
            f"{top}/memory/memory.limit_in_bytes": "9223372036854771712\n",
            f"{top}/memory/memory.usage_in_bytes": "1\n",
            f"{top}/cpu,cpuacct/job/cpu.cfs_quota_us": "100000\n",
            f"{top}/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
        },
    )
    assert free_memory(root) == 3 * GIB
    assert processors(root) == 1


def test_unreadable_figures_are_passed_over(tmp_path):
    top = "sys/fs/cgroup"
    root = made(
        tmp_path,
        "odd\n0::/\n",
        {f"{top}/memory.max": "?\n", f"{top}/memory.current": "1\n", f"{top}/cpu.max": "1 0\n"},
    )
    assert free_memory(root) == 60 * GIB
    assert processors(root) == len(os.sched_getaffinity(0))


def limited(code, *, limit):
    """Runs code in a process with `ulimit -v`."""
    program = f"import resource, numpy as np\nresource.setrlimit(resource.{limit})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


SOLVE = """
from colordeploy.errors import SolverError
from colordeploy.native import propagate
mask = np.zeros((512, 512), bool)
mask[0, 0] = True
try:
    propagate(np.zeros((512, 512, 1)), mask, np.zeros((512, 512, 1)), sigma=1, alpha=1, threads=1)
except SolverError as error:
    print(error)
"""


@pytest.mark.fault(29)
@pytest.mark.skipif(sys.platform != "linux", reason="VmSize is Linux'")
@pytest.mark.parametrize("limit", ["RLIMIT_AS, (400 << 20,) * 2", "RLIMIT_DATA, (300 << 20,) * 2"])
def test_ulimit_is_an_error_with_advice(limit):
    done = limited(SOLVE, limit=limit)
    assert done.returncode == 0, done.stderr
    assert "512x512" in done.stdout
    assert "may still use" in done.stdout
    assert "working size" in done.stdout
