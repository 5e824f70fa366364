"""What a bundle's two graphs hand on: the official network's superpixels, or plain cells."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from ...bundle import Bundle

__all__ = ["CELLS", "SUPERPIXELS", "Interface", "interface_of"]

_ANCHORS = frozenset({"mask", "colors"})


@dataclass(frozen=True)
class Interface:
    """Names of what goes from ``analyze`` to ``generate``, and what anchors are for the network.

    Attributes
    ----------
    handed : frozenset of str
        Outputs of the first graph that are inputs of the second.
    shown : frozenset of str
        Outputs of the first graph that only the runtime looks at.
    features : str
        The output that anchors are located on, (1, C, rows, columns).
    gray : bool
        Whether the second graph sees the picture again.
    association : str or None
        The output that says how far each pixel belongs to which superpixel, (1, 9, h', w'); None:
        places are the cells of a grid.
    sizes : str or None
        The output that says how large each superpixel is; None: all alike.
    needs_anchors : bool
        Whether there is no answer without any: otherwise the network's own is the automatic one.
    """

    handed: frozenset[str]
    shown: frozenset[str]
    features: str
    gray: bool
    association: str | None
    sizes: str | None
    needs_anchors: bool

    @property
    def graphs(self) -> Mapping[str, tuple[Set[str], Set[str]]]:
        """Names of inputs and outputs of both graphs."""
        gray = frozenset({"gray"})
        second = self.handed | _ANCHORS | (gray if self.gray else frozenset())
        return {"analyze": (gray, self.handed | self.shown), "generate": (second, {"ab"})}


SUPERPIXELS = Interface(
    handed=frozenset({"association", "tokens"}),
    shown=frozenset({"color_features", "probabilities", "sizes"}),
    features="color_features",
    gray=True,
    association="association",
    sizes="sizes",
    needs_anchors=True,
)
CELLS = Interface(
    handed=frozenset({"tokens", "middle", "fine"}),
    shown=frozenset({"probabilities"}),
    features="tokens",
    gray=False,
    association=None,
    sizes=None,
    needs_anchors=False,
)


def interface_of(bundle: Bundle) -> Interface:
    """The interface whose first graph the bundle's is most like; `check_graphs` has the last word.

    Parameters
    ----------
    bundle : Bundle
    """
    entry = bundle.manifest.graphs.get("analyze")
    outputs = {tensor.name for tensor in entry.outputs} if entry is not None else set()
    return CELLS if "middle" in outputs else SUPERPIXELS
