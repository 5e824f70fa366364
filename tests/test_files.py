"""Files are written whole or not at all, through whatever is in the place."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from pathlib import Path

import pytest

from colordeploy.errors import InputError
from colordeploy.files import check_writable, write_whole, writing


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_whole_or_not_at_all(tmp_path, failure):
    target = tmp_path / "a.bin"
    write_whole(target, b"before")

    def fail() -> None:
        with writing(target) as file:
            file.write(b"half of it")
            raise failure

    with pytest.raises((InputError, KeyboardInterrupt)):
        fail()
    assert target.read_bytes() == b"before"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.fault(26)
def test_a_pipe_is_written_through(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    check_writable(pipe)
    write_whole(pipe, bytes(range(256)) * 1000)
    reader.join(10)
    assert found == [bytes(range(256)) * 1000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.fault(26)
def test_a_device_is_written_through(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.write_bytes(b"")
    except PermissionError:
        pytest.skip("device nodes cannot be made here")
    write_whole(device, b"gone")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert names(tmp_path) == ["null"]


@pytest.mark.fault(27)
def test_links(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/real")
    write_whole(tmp_path / "link", b"1")  # dangling
    write_whole(tmp_path / "link", b"2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "real").read_bytes() == b"2"
    (tmp_path / "loop").symlink_to("loop")
    for function in (lambda p: write_whole(p, b"3"), check_writable):
        with pytest.raises(InputError, match=r"cannot write .*loop"):
            function(tmp_path / "loop")


@pytest.mark.fault(27)
@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_what_cannot_be_moved_over_is_written_directly(tmp_path, monkeypatch, caplog, number):
    """A bind-mounted file (as in containers)."""
    target = tmp_path / "mounted"
    target.write_bytes(b"something longer than what comes")

    def busy(source, destination):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", busy)
    with caplog.at_level(logging.WARNING, "colordeploy"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert "mounted cannot be moved into place and is written directly" in caplog.text
    assert names(tmp_path) == ["mounted"]
    with pytest.raises(InputError, match="cannot write"):  # nothing there to write into
        write_whole(tmp_path / "other", b"new")
    assert names(tmp_path) == ["mounted"]


@pytest.mark.fault(27)
def test_a_file_in_a_closed_folder_is_written_directly(tmp_path, monkeypatch, caplog):
    target = tmp_path / "open"
    target.write_bytes(b"something longer than what comes")
    original = Path.open

    def closed(self, mode="r", *others, **named):
        if "x" in mode:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return original(self, mode, *others, **named)

    monkeypatch.setattr(Path, "open", closed)
    with caplog.at_level(logging.WARNING, "colordeploy"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert "written directly" in caplog.text
    with pytest.raises(InputError, match=r"cannot write .*fresh: Permission denied"):
        write_whole(tmp_path / "fresh", b"new")


def test_what_cannot_be_written_is_found_out_before(tmp_path):
    check_writable(tmp_path / "new")
    assert names(tmp_path) == []
    for target, word in (
        (tmp_path, "directory"),
        (tmp_path / "no" / "file", "no folder"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("/proc/new"), "cannot write"),
    ):
        with pytest.raises(InputError, match=word):
            check_writable(target)
        with pytest.raises(InputError, match="cannot write"):
            write_whole(target, b"1")


@pytest.mark.fault(24)
def test_names_of_250_bytes(tmp_path):
    target = tmp_path / ("\N{GRINNING FACE}" * 62 + "ab")  # 250 bytes in UTF-8
    write_whole(target, b"1")
    assert target.read_bytes() == b"1"
