"""Image tasks that train in milliseconds."""

import numpy as np

from evokit.data.image_set import ImageSet, statistics
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.options import Network, TrainedAccuracy

OPTIONS = TrainedAccuracy(
    tasks=("digits",),
    model=Network(channels=(2, 3), hidden=8),
    steps=12,
    rungs=(5,),
    seeds=2,
    batch=8,
    check_every=4,
)


def image_set(n, channels=1, size=8, seed=0):
    """Bright stripes on noise; the class is the stripe's row."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, size, size, channels))
    images[np.arange(n), 2 * labels] += 130
    images = images.astype(np.uint8)
    return ImageSet(images, labels.astype(np.int64), ("a", "b", "c"), *statistics(images))


def split(n, seed):
    """Grey and coloured images."""
    return {"digits": image_set(n, 1, seed=seed), "photo_tiles": image_set(n, 3, seed=seed + 1)}


def context(**changes):
    given = {"train": split(50, 0), "validation": split(20, 2), "data_digest": "tiny", "streams": Streams(3)} | changes
    return Context(**given)


TEST = split(30, 4)
