"""Taking a network and its targets home."""

from __future__ import annotations

import inspect
import shutil
from dataclasses import dataclass
from pathlib import Path

from evokit.errors import UserError
from evokit.interfaces import Context
from evokit_activations.genome import ActivationTensors, Targets
from evokit_activations.models import read_network
from evokit_activations.networks import network
from evokit_activations.options import TargetFiles, TorchNetwork
from evokit_activations.targets.store import FOLDER, file_name

IMPORTS = {
    "from collections.abc import Mapping\n": "import json\nfrom collections.abc import Callable, Mapping\n",
    "import torch.nn.functional as F\n": "import torch.nn.functional as F\nfrom safetensors import safe_open\n",
}
USAGE = '''

def load(path: str) -> Callable[[Tensor], Tensor]:
    """The classifier in a file: ``(n, h, w, c)`` uint8 images to ``(n, classes)`` logits."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        fields = json.loads(file.metadata()["evokit"])["shape"]
    shape = Shape(**fields | {"image": tuple(fields["image"]), "channels": tuple(fields["channels"])})
    head = "statistics/"
    statistics = {name[len(head) :]: one for name, one in tensors.items() if name.startswith(head)}
    mean, std = (tensors[name][:, None, None] for name in ("mean", "std"))

    @torch.inference_mode()
    def classifier(images: Tensor) -> Tensor:
        pixels = (images.permute(0, 3, 1, 2) / 255 - mean) / std
        return forward(shape, tensors, pixels, statistics)[1]

    return classifier
'''


@dataclass(frozen=True)
class NetworkExport:
    """A network with the code that runs it. It needs nothing of options and run."""

    options: TorchNetwork
    context: Context

    def export(self, artifact: Path, out: Path) -> None:
        """Write ``network.safetensors`` and ``network.py``, whose ``load`` needs torch and safetensors alone.

        Args:
            artifact: What a contender for ``label_likelihood`` wrote.
            out: A directory, made if missing.
        """
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact, out / "network.safetensors")
        source = inspect.getsource(network)
        for before, after in IMPORTS.items():
            source = source.replace(before, after)
        (out / "network.py").write_text(source.rstrip("\n") + "\n" + USAGE, encoding="utf-8")


@dataclass(frozen=True)
class TargetExport:
    """The targets that a network learned from. It needs nothing of options and run."""

    options: TargetFiles
    context: Context

    def export(self, artifact: Path, out: Path) -> None:
        """Copy the targets: a safetensors file a shard.

        Args:
            artifact: What the contender wrote, where it wrote it.
            out: A directory, made if missing.

        Raises:
            UserError: The network learned from no targets, or they are not beside it any more.
        """
        targets = read_network(artifact).about["setting"].get("targets")
        if targets is None:
            raise UserError(f"{artifact} learned from labels: it has no targets to export")
        folder = next((one / FOLDER for one in artifact.parents if (one / FOLDER).is_dir()), None)
        if folder is None:
            raise UserError(f"the targets of {artifact} are not in its run directory any more")
        out.mkdir(parents=True, exist_ok=True)
        genes = ActivationTensors().from_json(targets)
        assert isinstance(genes, Targets)
        for shard in genes.each():
            shutil.copyfile(folder / file_name(shard), out / file_name(shard))
