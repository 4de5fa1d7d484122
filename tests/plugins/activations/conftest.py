import pytest

from evokit.genomes.individuals import make_individual
from evokit_activations.final import build_champion
from evokit_activations.genome import Shard
from evokit_activations.options import LearnTargets

from .tiny import TENSORS, around, job


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A job whose shards are all searched and stored."""
    one = job(tmp_path_factory.mktemp("run"))
    list(one.evaluate([Shard(index) for index in range(4)], one.budgets[-1]))
    return one


@pytest.fixture(scope="module")
def stored(shards):
    """The targets of all shards."""
    return shards.store.read(shards.store.targets([Shard(index) for index in range(4)]))


@pytest.fixture(scope="module")
def best(shards):
    """The individual that a search of all shards ends with."""
    targets = shards.store.targets([Shard(index) for index in range(4)])
    return make_individual(TENSORS, targets, (-1.0,))


@pytest.fixture(scope="module")
def learned(shards, best):
    """A contender that learns the targets, and its first network."""
    contender = build_champion(LearnTargets(convolutions=(2, 4), lr=(0.5, 1.0)), around(shards))
    scratch = shards.task.directory / "artifacts" / "champion" / "x"
    return contender, contender.fit(contender.settings(best)[0], 1, contender.budgets[-1], scratch)
