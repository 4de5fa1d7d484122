"""Images that are searched and learned in milliseconds."""

from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.fitness import build_fitness
from evokit_activations.genome import ActivationTensors
from evokit_activations.options import LabelLikelihood, Layer, Layerwise, Network, Training
from evokit_activations.shards.job import ShardJob
from tests.data.image_fixtures import striped_images

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


def split(n, seed, channels=1):
    return {"stripes": striped_images(n, channels, size=9, seed=seed)}


def context(directory=None, **changes):
    given = {"train": split(24, 0), "validation": split(12, 1), "data_digest": "tiny", "streams": Streams(3)} | changes
    return Context(directory=directory, **given)


def job(directory=None, search=SEARCH, options=OPTIONS, tensors=TENSORS, **changes):
    return ShardJob(search, tensors, build_fitness(options, context(directory, **changes)))


def measured(job, genes, budget=-1):
    """The one evaluation of some genes."""
    (evaluation,) = job.evaluate([genes], job.budgets[budget])
    return evaluation


def around(shards):
    """What a contender is built with beside a job."""
    return Context(Streams(0), fitness=shards)


TEST = split(15, 2)
