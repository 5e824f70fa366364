"""Twenty people draw at once: how long each waits for colours, what the service needs, who is lost.

    python bench/studio_load.py [--sessions 20] [--frames 40] [--model lga] [--json FILE]

The studio runs as ``colordeploy studio`` starts it, over loopback. Each session sends a photo of
its own (so that no work is shared), prepares it, and draws as the page does: the next message when
the last is answered, without a rest, which no hand does for long. Latency is from message to frame.
At the end each session saves a PNG, which has to have the colours of its last frame. Held megabytes
are what the service says of pictures and canvases, and what its limit of memory counts; the peak
is of its process.

The bounds, on two cores: no session lost, 2 s at the 95th percentile of twenty, 300 MB and 100 MB
for each session at the peak. The command fails beyond them, unless ``--no-bounds``.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import struct
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import websockets
from PIL import Image
from studio_process import photo, studio

HEADER = struct.Struct("<8I")
P95_SECONDS = 2.0
MEGABYTES, OF_EACH = 300, 100


class Service:
    """Requests with the token."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.place = parts.netloc
        self.headers = {"authorization": f"Bearer {parts.query.partition('=')[2]}"}

    def _call(self, path: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(
            f"http://{self.place}/api/{path}", data=data, headers=self.headers
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()  # type: ignore[no-any-return]

    async def post(self, path: str, data: Any) -> bytes:
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return await asyncio.to_thread(self._call, path, content)

    async def get(self, path: str) -> bytes:
        return await asyncio.to_thread(self._call, path)


async def session(service: Service, number: int, frames: int, model: str) -> dict[str, Any]:
    """One person: seconds to be ready, and of each frame."""
    began = time.perf_counter()
    picture = json.loads(await service.post("pictures", photo((640 + number, 480))))
    wanted = {"picture": picture["id"], "model": model}
    canvas = json.loads(await service.post("canvases", wanted))
    ready, waits, points = time.perf_counter() - began, [], []
    address = f"ws://{service.place}/api/canvases/{canvas['id']}/live"
    view = {"size": 320}
    async with websockets.connect(
        address, additional_headers=service.headers, max_size=None, compression=None
    ) as socket:
        for frame in range(frames):
            points.append([100 + 6 * frame, 60 + 10 * frame])
            guidance = {"strokes": [{"points": points, "color": "#c04028", "width": 8}]}
            sent = time.perf_counter()
            await socket.send(json.dumps({"number": frame + 1, "guidance": guidance, "view": view}))
            data = await socket.recv()
            waits.append(time.perf_counter() - sent)
            if isinstance(data, str):
                raise RuntimeError(f"session {number}: {data}")
            head = HEADER.unpack_from(data)
            assert head[0] == frame + 1
    saved = await service.post(
        f"canvases/{canvas['id']}/renders", {"guidance": guidance, "view": view}
    )
    last = np.frombuffer(data, np.uint8, offset=HEADER.size).reshape(head[5], head[6], 4)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(saved)).convert("RGB")), last[..., :3])
    assert np.ptp(last[..., :3].astype(int), axis=-1).max() > 30
    held = json.loads(await service.get(f"canvases/{canvas['id']}"))["bytes"] + picture["bytes"]
    return {"ready": ready, "waits": waits, "held": held}


async def crowd(address: str, sessions: int, frames: int, model: str) -> list[Any]:
    service = Service(address)
    return await asyncio.gather(
        *(session(service, number, frames, model) for number in range(sessions)),
        return_exceptions=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--model", default="lga")
    parser.add_argument("--no-bounds", action="store_true")
    parser.add_argument("--note", default="", help="of the machine, kept in the file")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with studio() as (address, process):
        began = time.perf_counter()
        ends = asyncio.run(crowd(address, arguments.sessions, arguments.frames, arguments.model))
        seconds = time.perf_counter() - began
        status = Path(f"/proc/{process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
    well = [end for end in ends if isinstance(end, dict)]
    waits = np.sort([wait for end in well for wait in end["waits"]])
    found = {
        "sessions": arguments.sessions,
        "lost": len(ends) - len(well),
        "frames": len(waits),
        "frames_a_second": round(len(waits) / seconds, 1),
        "ready_median_s": round(float(np.median([end["ready"] for end in well])), 2),
        "median_ms": round(1000 * float(np.median(waits))),
        "p95_ms": round(1000 * float(np.quantile(waits, 0.95))),
        "held_megabytes": round(sum(end["held"] for end in well) / 1e6),
        "peak_megabytes": round(int(fields["VmHWM"].split()[0]) / 1e3),
        "model": arguments.model,
        "processors": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "note": arguments.note,
    }
    for name, value in found.items():
        print(f"{name:16s} {value}")
    for end in ends:
        if not isinstance(end, dict):
            print("lost:", repr(end))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    if not arguments.no_bounds:
        assert found["lost"] == 0
        assert found["p95_ms"] <= 1000 * P95_SECONDS
        assert found["peak_megabytes"] <= MEGABYTES + OF_EACH * arguments.sessions


if __name__ == "__main__":
    main()
