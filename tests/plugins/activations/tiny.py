"""Images that are searched and learned in milliseconds."""

import numpy as np

from evokit.data.image_set import ImageSet, statistics
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.genome import ActivationTensors
from evokit_activations.job import ShardJob
from evokit_activations.options import LabelLikelihood, Layer, Layerwise, Network, Training

OPTIONS = LabelLikelihood(
    model=Network(channels=(3, 4), whitening_patches=200), training=Training(epochs=4, rungs=(2,), batch=8)
)
SEARCH = Layerwise(
    layers=(Layer(3, 0.3, 2.0, 2), Layer(2, 0.2, 2.0, 1), Layer(2, 0.1)),
    parents=2,
    explorers=3,
    refiners=4,
    noise=0.1,
    shard=6,
    lanes=3,
    shards=2,
)
TENSORS = ActivationTensors()


def image_set(n, channels=1, size=9, seed=0):
    """Bright stripes on noise; the class is the stripe's row."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, size, size, channels))
    images[np.arange(n), 2 * labels] += 130
    images = images.astype(np.uint8)
    return ImageSet(images, labels.astype(np.int64), ("a", "b", "c"), *statistics(images))


def split(n, seed, channels=1):
    return {"stripes": image_set(n, channels, seed=seed)}


def context(directory=None, **changes):
    given = {"train": split(24, 0), "validation": split(12, 1), "data_digest": "tiny", "streams": Streams(3)} | changes
    return Context(directory=directory, **given)


def job(directory=None, search=SEARCH, options=OPTIONS, tensors=TENSORS, **changes):
    return ShardJob(search, tensors, options.build(context(directory, **changes)))


TEST = split(15, 2)
