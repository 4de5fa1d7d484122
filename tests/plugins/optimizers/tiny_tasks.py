"""Image tasks that train in milliseconds."""

from dataclasses import replace

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.fitness import build_fitness, build_tasks
from evokit_optimizers.options import OptimizerGenome, TrainedAccuracy
from evokit_optimizers.plain_genome import Rules
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.tasks.options import Network
from tests.data.image_fixtures import striped_images

GENOME = Rules(OptimizerGenome())
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


def fitness_of(options=OPTIONS, **changes):
    """The fitness of a run on tiny images."""
    return build_fitness(options, context(**changes))


def tasks_of(**changes):
    """The tasks of changed options."""
    given = context()
    return build_tasks(replace(OPTIONS, **changes), given.train, given.validation, "cpu")


def contender(build, options, fitness):
    """A contender of a run whose genome is the article's."""
    return build(options, Context(Streams(0), fitness=fitness, genome=GENOME))


def champion_setting(one):
    """The only setting of the champion's contender, where Adam won."""
    best = make_individual(GENOME, KNOWN["adam"], weights_of({"accuracy": "max"}))
    (only,) = one.settings(best)
    return only


TEST = split(30, 4)
