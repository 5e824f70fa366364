"""Checkpoints between two others."""

from __future__ import annotations

import torch
from click.testing import CliRunner

from export.cli import main
from export.training import checkpoint


def state(value, config):
    weights = {"a": torch.full((2,), value), "count": torch.tensor(3)}
    return {"method": "m", "config": config, "average": weights, "net": {}, "step": int(value)}


def test_weights_lie_between(tmp_path):
    first, second, other, out = (tmp_path / f"{n}.pt" for n in ("first", "second", "other", "out"))
    checkpoint.save(first, state(1.0, {"width": 8}))
    checkpoint.save(second, state(5.0, {"width": 8}))
    checkpoint.save(other, state(5.0, {"width": 9}))

    def mix(*arguments):
        return CliRunner().invoke(main, ["mix", *map(str, arguments), "--out", str(out)])

    assert mix(first, second, "--share", 0.25).exit_code == 0
    found = checkpoint.load(out)
    assert found["average"]["a"].tolist() == [2.0, 2.0]
    assert found["average"]["count"] == 3
    assert found["step"] == 5
    done = mix(first, other)
    assert done.exit_code == 1
    assert "are of two networks" in done.output
