"""The cache: found again, never half written, built once by several processes."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from colordeploy.errors import BackendError
from colordeploy.runtime.tensorrt.cache import EngineCache, engine_key

PARTS = {"model": "m", "graph": "g", "sha256": "0", "options": {"architectures": ["sm_89"]}}
PLAN = b"a plan\nwith lines\n\x00\xff" * 1000


def test_found_again_by_everything_it_depends_on(tmp_path):
    cache = EngineCache(tmp_path / "engines")
    assert cache.get(PARTS) is None
    path = cache.put(PARTS, PLAN)
    assert cache.get(PARTS) == PLAN
    assert cache.get(dict(reversed(PARTS.items()))) == PLAN
    for change in ({"sha256": "1"}, {"options": {"architectures": []}}, {"more": 1}):
        assert cache.get({**PARTS, **change}) is None
        assert engine_key({**PARTS, **change}) != engine_key(PARTS)
    assert [p.name for p in cache.folder.iterdir()] == [path.name]
    cache.put(PARTS, b"another")
    assert cache.get(PARTS) == b"another"
    cache.drop(PARTS)
    assert cache.get(PARTS) is None


@pytest.mark.parametrize("keep", [0, 5, 30, 100, -1])
def test_a_damaged_file_is_no_engine(tmp_path, keep):
    cache = EngineCache(tmp_path)
    path = cache.put(PARTS, PLAN)
    content = path.read_bytes()
    path.write_bytes(content[:keep])
    assert cache.get(PARTS) is None
    assert [engine.parts for engine in cache.engines()] == [{}]
    assert cache.get_or_build(PARTS, lambda: PLAN) == (PLAN, True)
    assert cache.get(PARTS) == PLAN


def test_a_changed_byte_and_another_key_are_noticed(tmp_path):
    cache = EngineCache(tmp_path)
    path = cache.put(PARTS, PLAN)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert cache.get(PARTS) is None
    other = cache.put({**PARTS, "graph": "other"}, PLAN)
    other.rename(path)  # a file under a wrong name
    assert cache.get(PARTS) is None


def test_list_and_clear(tmp_path):
    cache = EngineCache(tmp_path)
    for model in ("one", "two"):
        cache.put({**PARTS, "model": model}, PLAN)
    (tmp_path / "left.part").write_bytes(b"killed while writing")
    assert [engine.parts["model"] for engine in cache.engines()] == ["one", "two"]
    assert cache.engines()[0].size > len(PLAN)
    assert cache.clear("one")[0] == 1
    assert [engine.parts["model"] for engine in cache.engines()] == ["two"]
    count, size = cache.clear()
    assert (count, size > len(PLAN)) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_ENGINES", str(tmp_path / "named"))
    assert EngineCache().folder == tmp_path / "named"
    assert EngineCache(tmp_path).folder == tmp_path
    monkeypatch.delenv("COLORDEPLOY_ENGINES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert EngineCache().folder.name == "engines"
    assert EngineCache().engines() == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = EngineCache(tmp_path / "file" / "engines")
    with pytest.raises(BackendError, match="COLORDEPLOY_ENGINES"):
        cache.put(PARTS, PLAN)
    with pytest.raises(BackendError, match="COLORDEPLOY_ENGINES"):
        cache.get_or_build(PARTS, lambda: PLAN)


def test_a_failed_build_leaves_nothing(tmp_path):
    cache = EngineCache(tmp_path)

    def fail():
        raise BackendError("no")

    with pytest.raises(BackendError, match="no"):
        cache.get_or_build(PARTS, fail)
    assert cache.engines() == []
    assert cache.get_or_build(PARTS, lambda: PLAN) == (PLAN, True)


def _build(folder, queue):
    def build():
        (Path(folder) / f"built-{multiprocessing.current_process().pid}").touch()
        time.sleep(0.5)
        return PLAN

    waited = []
    queue.put(EngineCache(folder).get_or_build(PARTS, build, waiting=lambda: waited.append(1)))


def test_two_processes_build_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_build, args=(tmp_path, queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(results) == [(PLAN, False), (PLAN, True)]
    assert len(list(tmp_path.glob("built-*"))) == 1
