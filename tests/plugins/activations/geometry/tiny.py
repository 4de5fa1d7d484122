"""A search for geometries of class targets in milliseconds."""

import json

import numpy as np

from evokit_activations.geometry.fitness import build_fitness
from evokit_activations.geometry.genome import GeometrySpace
from evokit_activations.geometry.options import GeometryGenome, HeldOutAccuracy, Rung
from evokit_activations.options import Network, Training

from ..tiny import context

OPTIONS = HeldOutAccuracy(
    model=Network(channels=(3, 4), normalise=True, whitening_patches=200),
    training=Training(epochs=4, rungs=(2,), batch=8),
    epochs=3,
    rungs=(Rung(epochs=1, folds=2), Rung(folds=2)),
)
SPACE = GeometrySpace(GeometryGenome(), 2)
EVOLVED_SPACE = GeometrySpace(GeometryGenome(confusion=(0.2, 0.2)), 2)
CENTRE = SPACE.express(SPACE.centre())


def fitness(options=OPTIONS, **changes):
    return build_fitness(options, context(**changes))


def measured(one, *geometries, budget=-1):
    return list(one.evaluate(geometries, one.budgets[budget]))


def evolved_run(run, repeats=0, seed=0, status="done", genome="class_geometry", **told):
    """What a finished run leaves of its champions, in the directory ``run``; ``told`` is of the fitness."""
    fitness = {"name": "held_out_accuracy", "model": {"channels": [3, 4]}, **told}
    recipe = {"fitness": fitness, "genome": {"name": genome, "confusion": [0.2, 0.2], "seeds": []}}
    summary = {"status": status, **({"repeats": [{}] * repeats} if repeats else {})}
    champions = [run / f"repeat-{number}" for number in range(repeats)] or [run]
    for number, folder in enumerate(champions):
        genes = EVOLVED_SPACE.random(np.random.default_rng(seed + number))
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(json.dumps(recipe))
        best = {"genes": EVOLVED_SPACE.to_json(genes)}
        (folder / "summary.json").write_text(json.dumps({"status": status, "best": best}))
    if repeats:
        (run / "summary.json").write_text(json.dumps(summary))
    return run
