"""A customer's program type-checks strictly against the package."""

from __future__ import annotations

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")


def test_the_consumer_type_checks(tmp_path):
    consumer = Path(__file__).with_name("consumer.py")
    out, err, status = api.run(
        ["--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file=", str(consumer)]
    )
    assert status == 0, out + err


def test_a_wrong_use_is_found(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text(
        "import colordeploy\n"
        "canvas = colordeploy.load('lga').prepare('a.png')\n"
        "canvas.render([], output='png')\n"
        "canvas.render([], regoin=(0, 0, 1, 1))\n"
        "colordeploy.load('disco').prepare('a.png', anchors='many')\n"
    )
    out, _, status = api.run(
        ["--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file=", str(program)]
    )
    assert status == 1
    assert [line.split(":")[1] for line in out.splitlines() if ": error:" in line] == list("345")
