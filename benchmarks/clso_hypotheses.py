"""The CLSO paper's hypotheses (section 6.1) on the models of a run's contenders: regularisation and exploration.

python benchmarks/clso_hypotheses.py runs/clso_ablation

Regularisation: loss on documents of the training split and on the validation split, and their difference. Documents of
the two differ, so a gap alone says little; how gaps differ between methods does. Exploration: the share of validation
tokens at which two models hold the same word most likely, and the share at which either is right. Of a run with repeats
all are looked at. The test split stays closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import numpy as np
import torch

from evokit.assembly.parts import assemble
from evokit.common.text import table
from evokit.data.text import Documents, document_blocks
from evokit.runs.launch import open_recipe
from evokit.statistics.intervals import mean_interval
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.files import read_model
from evokit_crystalline.gpt2.measuring import document_losses, groups
from evokit_crystalline.models import ModelContender

BLOCKS_PER_DOCUMENT = 2
CHUNK = 256  # tokens whose logits are held at once


@click.command(help=__doc__)
@click.argument("run", type=click.Path(exists=True, path_type=Path))
def main(run: Path) -> None:
    folders = sorted(run.glob("repeat-*")) or [run]
    found = [dict(_models(folder)) for folder in folders]
    names = [name for name in found[0] if all(name in one for one in found)]
    rows = []
    for name in names:
        train, validation = (np.mean([one[name][split] for one in found], axis=0) for split in ("train", "validation"))
        difference = f"{validation.mean() - train.mean():+.3f}"
        rows.append((name, _with_interval(train), _with_interval(validation), difference, _share(found, name, "truth")))
    click.echo(table(("model", "training documents", "validation documents", "difference", "right word"), rows))
    click.echo()
    head = ("same word most likely", *names)
    click.echo(table(head, [(name, *(_share(found, name, other) for other in names)) for name in names]))
    if len(found) > 1:
        click.echo("\nThe same method in two repeats:")
        between = [(name, f"{_between_repeats(found, name):.3f}") for name in names]
        click.echo(table(("model", "same word most likely"), between))


def _models(folder: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Name, document losses and most likely words of each contender's first model; and the truth."""
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["final"] is None:
        raise click.ClickException(f"{folder} has no finished models yet")
    parts = assemble(recipe, directory.path)
    models = ModelContender(parts.fitness)
    for entry in (summary["final"], *summary["baselines"]):
        for one in (entry, *entry["variants"]):
            if one["artifacts"]:
                tensors, _ = read_model(directory.path / one["artifacts"][0])
                yield one["name"], _looked_at(models, tensors, parts.context.train, parts.context.validation)


def _looked_at(
    models: ModelContender, tensors: Mapping[str, torch.Tensor], train: Documents, validation: Documents
) -> dict[str, np.ndarray]:
    frame, layers = models.frame(tensors, "float32"), models.layers(tensors)
    losses = {}
    for name, split in (("train", train), ("validation", validation)):
        blocks = document_blocks(split, models.fitness.options.block, BLOCKS_PER_DOCUMENT)
        losses[name] = document_losses(frame, layers, blocks, len(split))
    words = []
    for group in groups(blocks):
        with torch.no_grad():
            hidden = model.hidden(frame.parts, layers, frame.sizes, torch.from_numpy(group.inputs)).flatten(0, 1)
            words += [(chunk @ frame.head.weight.T).argmax(1) for chunk in hidden.split(CHUNK)]
    return losses | {"words": torch.cat(words).numpy(), "truth": blocks.targets.ravel()}


def _share(found: list[dict[str, dict[str, np.ndarray]]], name: str, other: str) -> str:
    """Of real tokens, the mean over repeats."""
    shares = []
    for one in found:
        truth = one[name]["truth"]
        theirs = truth if other == "truth" else one[other]["words"]
        shares.append((one[name]["words"] == theirs)[truth >= 0].mean())
    return f"{np.mean(shares):.3f}"


def _between_repeats(found: list[dict[str, dict[str, np.ndarray]]], name: str) -> float:
    words = [one[name]["words"][one[name]["truth"] >= 0] for one in found]
    return float(np.mean([(a == b).mean() for i, a in enumerate(words) for b in words[:i]]))


def _with_interval(values: np.ndarray) -> str:
    mean, (low, high) = mean_interval(values)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
