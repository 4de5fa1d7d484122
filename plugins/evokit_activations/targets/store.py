"""Targets on disk: one safetensors file a shard, under its name only when whole, memory-mapped when read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from evokit.common.files import write_atomically
from evokit.common.keys import digest, digest_bytes
from evokit.errors import RunFailed
from evokit_activations.genome import Shard, Targets, written

FOLDER = "targets"
LOGITS = "logits"


class TargetStore:
    """The folder of a run's targets.

    Args:
        directory: Of the run.
        dtype: Of the representations on disk; logits and labels keep theirs.
    """

    def __init__(self, directory: Path, dtype: torch.dtype) -> None:
        self.folder, self.dtype = directory / "artifacts" / FOLDER, dtype

    def path(self, shard: Shard) -> Path:
        return self.folder / file_name(shard)

    def network_path(self, key: str) -> Path:
        """Where a network that learned a cycle's targets is, by its key."""
        return self.folder / f"proposal-{key}.safetensors"

    def write(self, shard: Shard, first_image: int, layers: Sequence[Tensor]) -> Path:
        """Store what was found for a shard.

        Args:
            shard: Whose targets they are.
            first_image: Index of its first image.
            layers: ``(images, ...)`` of each layer, the logits last.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = stored(layers, self.dtype)
        about = written(shard) | {"first_image": first_image, "digest": _digest(tensors)}
        path = self.path(shard)
        write_atomically(path, save(tensors, {"evokit": json.dumps(about)}))
        return path

    def targets(self, shards: Sequence[Shard]) -> Targets:
        """The genes of what is stored of these shards, which are of one method and cycle."""
        digests = [StoredShard(self.path(shard)).digest for shard in shards]
        first = shards[0]
        indices = tuple(shard.index for shard in shards)
        return Targets(first.method, indices, digest(digests), first.cycle, first.network)

    def read(self, targets: Targets, *, verified: bool = False) -> StoredTargets:
        """Memory-mapped targets.

        Args:
            targets: Which.
            verified: Read every byte and compare its digest, not only the one that the file tells.

        Raises:
            RunFailed: What is on disk is something else.
        """
        shards = [StoredShard(self.path(shard)) for shard in targets.each()]
        digests = [_digest(shard.tensors) if verified else shard.digest for shard in shards]
        if digest(digests) != targets.digest:
            raise RunFailed(f"the targets in {self.folder} are not those that the run found: digests differ")
        return StoredTargets(shards)


class StoredShard:
    """One file of targets; its tensors are pages of the file.

    Raises:
        RunFailed: There is no such file, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                self.tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
                about = json.loads(file.metadata()["evokit"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise RunFailed(f"the targets {path} cannot be read: {error}") from error
        self.path = path
        self.digest: str = about["digest"]
        self.first_image: int = about["first_image"]

    @property
    def layers(self) -> list[Tensor]:
        """``(images, ...)`` of each layer as stored, the logits last."""
        blocks = sorted(name for name in self.tensors if name != LOGITS)
        return [self.tensors[name] for name in (*blocks, LOGITS)]


@dataclass(frozen=True)
class StoredTargets:
    """Targets of all images of some shards.

    Args:
        shards: In their order; all of one size.
    """

    shards: Sequence[StoredShard]

    @property
    def images(self) -> Tensor:
        """``(n,)`` int64 indices of the images that have targets."""
        return torch.cat([torch.arange(len(one.tensors[LOGITS])) + one.first_image for one in self.shards])

    def rows(self, indices: Tensor) -> list[Tensor]:
        """Targets in float32, ``(k, ...)`` of each layer, the logits last.

        Args:
            indices: ``(k,)`` int64, into ``images``.
        """
        size = len(self.shards[0].tensors[LOGITS])
        parts: list[list[Tensor]] = []
        order = torch.argsort(indices, stable=True)
        number, counts = torch.unique_consecutive(indices[order] // size, return_counts=True)
        for shard, of_shard in zip(number.tolist(), torch.split(order, counts.tolist()), strict=True):
            parts.append([layer[indices[of_shard] % size] for layer in self.shards[shard].layers])
        back = torch.argsort(order)
        return [torch.cat(layer).float()[back] for layer in zip(*parts, strict=True)]


def file_name(shard: Shard) -> str:
    """Of a shard's targets."""
    cycle = f"cycle{shard.cycle}-" if shard.cycle else ""
    return f"{shard.method}-{cycle}{shard.index:05d}.safetensors"


def stored(layers: Sequence[Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Tensors by name as they are written."""
    tensors = {f"block{block}": one.to(dtype).cpu().contiguous() for block, one in enumerate(layers[:-1])}
    return tensors | {LOGITS: layers[-1].float().cpu().contiguous()}


def _digest(tensors: dict[str, Tensor]) -> str:
    pieces = [
        [name, str(one.dtype), list(one.shape), digest_bytes(one.contiguous().view(torch.uint8).numpy().tobytes())]
        for name, one in sorted(tensors.items())
    ]
    return digest(pieces)
