"""The official PyTorch implementation of DISCO, out of a clone of its repository, on the CPU.

The repository is github.com/MenghanXia/DisentangledColorization (MIT). It is written for CUDA:
its ``.cuda()`` calls are made to stay on the CPU, nothing else is changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray


class OfficialDisco:
    """Decoded uint8 picture in, uint8 picture out, as the repository's ``inference.py`` does.

    Parameters
    ----------
    folder : Path
        The clone.
    weights : mapping of str to Tensor
        State dict.
    """

    def __init__(self, folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
        sys.path[:0] = [str(folder), str(folder / "models")]
        sys.modules.setdefault("torchvision", ModuleType("torchvision"))  # for training only
        torch.Tensor.cuda = lambda self, *_args, **_kwargs: self  # type: ignore[method-assign]
        plain_device = torch.device
        torch.device = lambda *_args, **_kwargs: plain_device("cpu")  # type: ignore[assignment,misc]
        here = Path.cwd()
        os.chdir(folder / "main" / "colorizer")  # its tables are read from there
        try:
            import basic
            import model

            basic.ColorLabel.__init__.__defaults__ = (0.5, "cpu")
            self._basic = basic
            self._net = model.AnchorColorProb(
                inChannel=1, outChannel=313, sp_size=16, d_model=64, use_dense_pos=True,
                n_clusters=8, enhanced=True,
            ).eval()  # fmt: skip
            self._label = basic.ColorLabel(device="cpu")
        finally:
            torch.device = plain_device  # type: ignore[misc]
            os.chdir(here)
        self._net.load_state_dict(dict(weights))

    @torch.no_grad()
    def __call__(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The picture (multiples of 16 in size), and ab / 110 (2, H, W).

        What went in and the anchors' mask are kept as `gray` and `mask`.
        """
        import cv2

        np.random.seed(130)  # noqa: NPY002 - what its k-means draws from
        torch.manual_seed(130)
        lab = torch.from_numpy(
            cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).transpose(2, 0, 1)
        )[None]
        gray, colors = (lab[:, :1] - 50) / 50, lab[:, 1:] / 110
        self.gray = gray.numpy()
        _, refined, ab, affinity, _, mask = self._net(gray, colors, True, 0)
        # What inference.py also computes for every picture: the colours before refinement.
        guided = self._label.decode_ind2ab(refined, T=0)
        self._basic.upfeat(guided, affinity, 16, 16)
        self.mask = mask.numpy()
        merged = torch.cat([gray * 50 + 50, ab * 110], dim=1)[0].permute(1, 2, 0).numpy()
        picture = cv2.cvtColor(merged, cv2.COLOR_LAB2RGB)
        return (np.clip(picture, 0, 1) * 255).astype(np.uint8), ab[0].numpy()
