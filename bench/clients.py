"""Memory and throughput of one model that several clients share: how large a server has to be.

    python bench/clients.py [--model disco ...] [--clients 1 8] [--size 1024x768] [--pictures 16]
                            [--out FILES]

Each row is a process of its own: the pictures are shared out among the clients (a thread each),
with and without a limit of renders at once (``max_concurrency``). Megabytes are of the process's
resident memory: loaded, at its peak, and after the clients have gone and `colordeploy.trim`.
Two threads; throughput in pictures a second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

THREADS = 2
LIMITS = (None, 1, 2)


def resident() -> tuple[float, float]:
    """Megabytes now and at the peak."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(fields[name].split()[0]) / 1e3 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def served(model: str, clients: int, limit: int | None, size: tuple[int, int], count: int) -> Any:
    """One row, in this process."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    import colordeploy
    from colordeploy.bench.measure import query
    from colordeploy.bench.workload import jobs, method_of

    with (
        colordeploy.load(model, device="cpu", threads=THREADS, max_concurrency=limit) as loaded,
        ThreadPoolExecutor(clients) as pool,
    ):
        work = jobs(method_of(loaded), size)
        before, _ = resident()
        begin = time.perf_counter()
        list(
            pool.map(lambda i: query(loaded, work[i % len(work)], None, edits=False), range(count))
        )
        seconds = time.perf_counter() - begin
        _, peak = resident()
        colordeploy.trim()
        after, _ = resident()
    return {"loaded": before, "peak": peak, "after": after, "pictures a second": count / seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--size", default="1024x768")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("bench/results/clients"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    height, _, width = given.size.partition("x")
    size = int(height), int(width)
    if given.one:
        print(json.dumps(served(*json.loads(given.one), size, given.pictures)))
        return
    lines = [
        f"{given.size}, {THREADS} threads, {given.pictures} pictures; MB of resident memory",
        f"{'':10s}{'clients':>9s}{'at once':>9s}{'loaded':>9s}{'peak':>9s}{'after':>9s}{'1/s':>9s}",
    ]
    print("\n".join(lines), flush=True)
    record = []
    for model in given.model or ("disco", "lga", "sscn", "rasc"):
        for clients in given.clients:
            for limit in LIMITS if clients > 1 else (None,):
                command = [sys.executable, __file__, "--one", json.dumps([model, clients, limit])]
                command += ["--size", given.size, "--pictures", str(given.pictures)]
                row = json.loads(subprocess.check_output(command, text=True))
                record.append({"model": model, "clients": clients, "at once": limit, **row})
                lines.append(
                    f"{Path(model).name:10s}{clients:9d}{limit or 'all':>9}{row['loaded']:9.0f}"
                    f"{row['peak']:9.0f}{row['after']:9.0f}{row['pictures a second']:9.2f}"
                )
                print(lines[-1], flush=True)
    given.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    given.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
