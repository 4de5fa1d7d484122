import pytest

from evokit_activations.genome import Shard

from .tiny import job


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A job whose shards are all searched and stored."""
    one = job(tmp_path_factory.mktemp("run"))
    list(one.evaluate([Shard(index) for index in range(4)], one.budgets[-1]))
    return one
