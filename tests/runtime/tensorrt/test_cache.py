"""The cache: found again, whole or not at all, shared by users, processes and GPUs."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from colordeploy import CancelToken, files
from colordeploy.errors import BackendError, Cancelled
from colordeploy.runtime.tensorrt.cache import EngineCache, NewPlan, engine_key

PARTS = {"model": "m", "precision": "fp32", "options": {"architectures": ["sm_86", "sm_89"]}}
PLANS = {
    "one": NewPlan(b"a plan\nwith lines\n\x00\xff" * 1000, None, 1.5),
    "two": NewPlan(b"another", 0.01, 2.5),
}


def build():
    return PLANS


def read(file):
    return {plan.graph: file.read(plan.graph) for plan in file.plans}


def wanted():
    return {graph: new.plan for graph, new in PLANS.items()}


def test_found_again_by_everything_it_depends_on(tmp_path):
    cache = EngineCache(tmp_path / "engines")
    assert cache.get(PARTS) is None
    file = cache.put(PARTS, PLANS)
    assert read(file) == read(cache.get(PARTS)) == wanted()
    assert [(p.graph, p.error, p.seconds) for p in file.plans] == [
        ("one", None, 1.5),
        ("two", 0.01, 2.5),
    ]
    assert cache.get(dict(reversed(PARTS.items()))) == file
    for change in ({"precision": "fp16"}, {"options": {"architectures": []}}, {"more": 1}):
        assert cache.get({**PARTS, **change}) is None
        assert engine_key({**PARTS, **change}) != engine_key(PARTS)
    assert [p.name for p in cache.folder.iterdir()] == [file.path.name]
    cache.put(PARTS, {"one": NewPlan(b"new")})
    assert read(cache.get(PARTS)) == {"one": b"new"}


@pytest.mark.parametrize("keep", [0, 5, 30, 100, -1])
def test_a_damaged_file_is_no_engine(tmp_path, keep):
    cache = EngineCache(tmp_path)
    path = cache.put(PARTS, PLANS).path
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.get(PARTS) is None
    assert [engine.parts for engine in cache.entries()] == [{}]
    file, new = cache.get_or_build(PARTS, build)
    assert new
    assert read(file) == wanted()


def test_a_changed_byte_and_another_name_are_noticed(tmp_path):
    cache = EngineCache(tmp_path)
    path = cache.put(PARTS, PLANS).path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    file = cache.get(PARTS)
    assert file.read("one") == PLANS["one"].plan
    with pytest.raises(BackendError, match=r"is damaged.*'two' is not there or not whole"):
        file.read("two")
    with pytest.raises(BackendError, match="'three' is not there"):
        file.read("three")
    assert not file.whole
    mended, new = cache.get_or_build(PARTS, build)  # what is damaged is no reason not to build
    assert new
    assert mended.whole
    assert read(mended) == wanted()
    path.unlink()
    with pytest.raises(BackendError, match="cannot be read"):
        file.read("one")
    cache.put({**PARTS, "model": "other"}, PLANS).path.rename(path)
    assert cache.get(PARTS) is None


def test_what_this_user_may_not_read_is_not_called_damaged(tmp_path, monkeypatch):
    cache = EngineCache(tmp_path)
    file = cache.put(PARTS, PLANS)
    real = Path.open

    def opened(self, *arguments, **options):
        if self == file.path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)  # root may read everything
    monkeypatch.setattr(os, "access", lambda path, mode: path != file.path)
    (found,) = cache.entries()
    assert found.parts == {}
    assert "not readable by this user" in found.fault


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_others_may_read_what_the_umask_allows(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        file = EngineCache(tmp_path / "engines").put(PARTS, PLANS)
    finally:
        os.umask(before)
    assert file.path.stat().st_mode & 0o777 == mode


def test_reading_takes_no_lock_and_writes_nothing(tmp_path, monkeypatch):
    cache = EngineCache(tmp_path)
    cache.put(PARTS, PLANS)

    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "read-only file system")

    real = os.open

    def opened(path, flags, *arguments, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse()
        return real(path, flags, *arguments, **options)

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(os, "open", opened)
    for name in ("mkdir", "unlink", "rename", "replace"):
        monkeypatch.setattr(os, name, refuse)
    file, new = cache.get_or_build(PARTS, build)
    assert not new
    assert read(file) == wanted()
    assert len(cache.entries()) == 1
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(BackendError, match=r"no engine can be kept.*COLORDEPLOY_ENGINES"):
        cache.get_or_build({**PARTS, "more": 1}, build)


def test_files_that_vanish_meanwhile(tmp_path, monkeypatch):
    cache = EngineCache(tmp_path)
    cache.put(PARTS, PLANS)
    real = Path.glob
    monkeypatch.setattr(
        Path, "glob", lambda self, pattern: [*real(self, pattern), self / "gone.engines"]
    )
    assert [file.parts["model"] for file in cache.entries()] == ["m"]
    assert len(cache.clear()) == 1


def test_clear_chooses_and_may_only_look(tmp_path):
    cache = EngineCache(tmp_path)
    for model in ("one", "two", "three"):
        cache.put({**PARTS, "model": model}, PLANS)
    (tmp_path / "broken.engines").write_bytes(b"damaged")
    assert cache.entries()[0].size > len(PLANS["one"].plan)
    would = cache.clear(lambda file: file.parts.get("model") != "one", dry_run=True)
    assert [file.parts["model"] for file in would] == ["one"]
    assert len(cache.entries()) == 4
    assert len(cache.clear(lambda file: file.parts.get("model") != "one")) == 1
    assert len(cache.clear()) == 3
    assert list(tmp_path.iterdir()) == []


def test_clear_leaves_what_others_build(tmp_path, monkeypatch):
    """In the midst of writing: neither the scratch file nor the lock goes."""
    cache = EngineCache(tmp_path)
    cache.put({**PARTS, "model": "old"}, PLANS)
    old = tmp_path / ".colordeploy-0123456789abcdef"
    old.write_bytes(b"of a process that was killed long ago")
    os.utime(old, (1, 1))
    (tmp_path / "left.lock").touch()
    inside, go_on = threading.Event(), threading.Event()
    real = os.fsync

    def slow(number):
        inside.set()
        assert go_on.wait(20)
        real(number)

    monkeypatch.setattr(files.os, "fsync", slow)
    results = []
    builder = threading.Thread(target=lambda: results.append(cache.get_or_build(PARTS, build)))
    builder.start()
    assert inside.wait(20)
    before = {path.name for path in tmp_path.iterdir()}
    assert [file.parts["model"] for file in cache.clear()] == ["old"]
    assert {path.name for path in tmp_path.iterdir()} == {
        name for name in before if name.endswith(".lock") or name.startswith(".colordeploy")
    } - {old.name, "left.lock"}
    go_on.set()
    builder.join(20)
    assert read(results[0][0]) == wanted()


def test_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORDEPLOY_ENGINES", str(tmp_path / "named"))
    assert EngineCache().folder == tmp_path / "named"
    assert EngineCache(tmp_path).folder == tmp_path
    monkeypatch.delenv("COLORDEPLOY_ENGINES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert EngineCache().folder.name == "engines"
    assert EngineCache().entries() == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = EngineCache(tmp_path / "file" / "engines")
    with pytest.raises(BackendError, match="COLORDEPLOY_ENGINES"):
        cache.put(PARTS, PLANS)
    with pytest.raises(BackendError, match="COLORDEPLOY_ENGINES"):
        cache.get_or_build(PARTS, build)


@pytest.mark.parametrize("kind", [BackendError, KeyboardInterrupt])
def test_a_failed_build_leaves_nothing(tmp_path, kind):
    cache = EngineCache(tmp_path)

    def fail():
        raise kind("no")

    with pytest.raises(kind):
        cache.get_or_build(PARTS, fail)
    assert list(tmp_path.iterdir()) == []
    assert cache.get_or_build(PARTS, build)[1]


def test_waiting_is_said_and_ends(tmp_path):
    cache, inside, go_on = EngineCache(tmp_path), threading.Event(), threading.Event()

    def slow():
        inside.set()
        assert go_on.wait(20)
        return PLANS

    builder = threading.Thread(target=lambda: cache.get_or_build(PARTS, slow))
    builder.start()
    assert inside.wait(20)
    waited: list[float] = []
    with pytest.raises(BackendError, match=r"another process has been building m-fp32-.*more than"):
        cache.get_or_build(PARTS, build, waiting=waited.append, timeout=0.3)
    assert len(waited) >= 1
    token = CancelToken()
    threading.Timer(0.1, token.cancel).start()
    with pytest.raises(Cancelled):
        cache.get_or_build(PARTS, build, cancel=token)
    go_on.set()
    builder.join(20)
    assert not cache.get_or_build(PARTS, build)[1]


def _build(folder, queue):
    def slow():
        (Path(folder) / f"built-{multiprocessing.current_process().pid}").touch()
        time.sleep(0.5)
        return PLANS

    file, new = EngineCache(folder).get_or_build(PARTS, slow)
    queue.put((read(file) == wanted(), new))


def test_two_processes_build_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_build, args=(tmp_path, queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(results) == [(True, False), (True, True)]
    assert len(list(tmp_path.glob("built-*"))) == 1
