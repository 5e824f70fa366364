"""Archives of several folders, what they say of their sources, and a batch that is not finite."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from export.data.photos import PhotoArchive, licences, weights_licence
from export.training.log import read_log
from export.training.loop import Schedule, optimize

from .archive import write_archive


def test_several_folders_are_one_archive(tmp_path):
    folders = []
    for name, licence in (("a", "CC0"), ("b", "CC BY 4.0")):
        folder = tmp_path / name
        folder.mkdir()
        write_archive(folder, photos=5, held_out=2)
        with (folder / "index.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        with (folder / "index.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "source": name, "licence": licence} for row in rows)
        folders.append(folder)
    archive = PhotoArchive(folders, "train")
    assert archive.summary() == "6 photos: a 3 (CC0), b 3 (CC BY 4.0)"
    assert {photo.licence for photo in archive.photos} == {"CC0", "CC BY 4.0"}
    assert len(PhotoArchive(folders[0], "val").photos) == 2
    with pytest.raises(FileNotFoundError, match="must name a photo archive"):
        PhotoArchive([folders[0], tmp_path / "none"], "train")


class _Numbers:
    """Batches 0, 1, 2 ...; `summary` as of an archive."""

    summary = "numbers"

    def __init__(self, first: int, steps: int) -> None:
        self._range = range(first, steps)

    def __iter__(self):
        return iter(torch.tensor(float(i)) for i in self._range)


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x) * self.weight


def _train(out: Path, bad: set[int], steps: int, net: _Net) -> None:
    def losses(batch):
        x = torch.arange(4.0)[:, None] + batch
        if int(batch) in bad:
            x = x * float("inf")
        return net(x).square().mean(), {}

    schedule = Schedule(steps=steps, warmup=1, save_every=1000)
    optimize("toy", net, {}, schedule, lambda step: torch_batches(step, steps), losses, out)


def torch_batches(step: int, steps: int) -> torch.utils.data.IterableDataset:
    class Batches(_Numbers, torch.utils.data.IterableDataset):
        pass

    return Batches(step, steps)


def test_a_batch_that_is_not_finite_changes_nothing(tmp_path):
    net = _Net()
    _train(tmp_path / "a.pt", {2}, 5, net)
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())
    log = read_log(tmp_path / "a.log.jsonl")
    assert [record.get("skipped", 0) for record in log] == [0, 0, 1, 0, 0]
    assert int(net.norm.num_batches_tracked) == 4


def test_a_training_that_has_come_apart_ends(tmp_path):
    with pytest.raises(FloatingPointError, match="20 batches in a row"):
        _train(tmp_path / "b.pt", set(range(3, 99)), 60, _Net())


def test_weights_have_the_most_binding_licence_of_their_data():
    said = licences([("a", "public domain"), ("b", "CC BY 4.0")], "pairs")
    assert weights_licence(said) == "CC-BY-4.0"
    assert weights_licence(f"{said}; 3 pictures: c 3 (CC BY-SA 4.0)") == "CC-BY-SA-4.0"
    with pytest.raises(ValueError, match="--licence"):
        weights_licence("2 pairs: d 2 (licence not stated in the index)")
