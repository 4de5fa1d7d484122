import pytest
import torch

from evokit.errors import RunFailed
from evokit_activations.genome import Shard, Targets

from ..tiny import job, measured


@pytest.fixture
def shards(tmp_path):
    return job(tmp_path)


def test_targets_that_changed_on_disk_are_refused(shards):
    measured(shards, Shard(0))
    targets = shards.store.targets([Shard(0)])
    path = shards.store.path(Shard(0))
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(RunFailed, match="digests differ"):
        measured(shards, targets)
    path.write_bytes(b"")
    with pytest.raises(RunFailed, match="cannot be read"):
        measured(shards, targets)


def test_targets_that_are_gone_are_named(shards):
    with pytest.raises(RunFailed, match=r"search-00007\.safetensors cannot be read"):
        measured(shards, Targets("search", (7,), "x"))


def test_rows_of_targets_come_in_the_order_asked_for(shards):
    for index in (0, 1, 3):
        measured(shards, Shard(index))
    stored = shards.store.read(shards.store.targets([Shard(index) for index in (0, 1, 3)]))
    whole = torch.cat([shard.layers[0] for shard in stored.shards]).float()
    indices = torch.tensor([17, 0, 7, 0, 12])
    assert stored.images.tolist() == [*range(12), *range(18, 24)]
    assert torch.equal(stored.rows(indices)[0], whole[indices])
    assert stored.rows(indices)[-1].dtype == torch.float32
