"""Image tasks that train in milliseconds."""

from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.options import Network, TrainedAccuracy
from tests.data.image_fixtures import striped_images

OPTIONS = TrainedAccuracy(
    tasks=("digits",),
    model=Network(channels=(2, 3), hidden=8),
    steps=12,
    rungs=(5,),
    seeds=2,
    batch=8,
    check_every=4,
)


def split(n, seed):
    """Grey and coloured images."""
    return {"digits": striped_images(n, 1, seed=seed), "photo_tiles": striped_images(n, 3, seed=seed + 1)}


def context(**changes):
    given = {"train": split(50, 0), "validation": split(20, 2), "data_digest": "tiny", "streams": Streams(3)} | changes
    return Context(**given)


TEST = split(30, 4)
