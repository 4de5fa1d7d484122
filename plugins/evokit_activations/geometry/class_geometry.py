"""The geometry of class targets: what all images of a class learn in each block, by a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evokit_activations.options import CODE_LOGIT

Known = Literal["class_mean", "class_code", "hand"]

LR, KL = 4.0, 0.03  # of known geometries
PER_BLOCK = ("mean_share", "centring", "cluster_share", "own_share", "loss_weight")


@dataclass(frozen=True)
class ClassGeometry:
    """What networks learn. Of what there is a number a block, the first is that of the first block.

    Args:
        mean_share: How much of a class's target is the mean of its images' activations in the untrained network, in
            [0, 1]; the rest is the class's random smooth code.
        centring: How much of the mean over all classes is taken from each class's mean, in [0, 1].
        cluster_share: How much of a class's mean the mean of the image's cluster takes the place of, in [0, 1].
        own_share: How much of an image's target is its own activation in the untrained network, in [0, 1].
        loss_weight: Of each block's error.
        logit: Of the class itself, before logits are centred.
        confusion: Logit of another class whose target of the last block is the same, as a share of ``logit``; with
            other targets by their cosine.
        lr: Highest learning rate.
        kl: Weight of the head's divergence from the logits.
        clusters: Into how many clusters the images of each class fall.
    """

    mean_share: tuple[float, ...]
    centring: tuple[float, ...]
    cluster_share: tuple[float, ...]
    own_share: tuple[float, ...]
    loss_weight: tuple[float, ...]
    logit: float = CODE_LOGIT
    confusion: float = 0.0
    lr: float = LR
    kl: float = KL
    clusters: int = 1


def known_geometry(name: Known, n_blocks: int) -> ClassGeometry:
    """A geometry that needs no search.

    Args:
        name: ``class_mean`` and ``class_code`` are the targets of the controls of that name; ``hand`` has centred class
            means and in the last block codes, the rule of thumb that evolved geometries suggest.
        n_blocks: Of the network.
    """
    mean_share = {
        "class_mean": [1.0] * n_blocks,
        "class_code": [0.0] * n_blocks,
        "hand": [1.0] * (n_blocks - 1) + [0.0],
    }
    nothing, everything = (0.0,) * n_blocks, (1.0,) * n_blocks
    centring = everything if name == "hand" else nothing
    return ClassGeometry(tuple(mean_share[name]), centring, nothing, nothing, everything)
