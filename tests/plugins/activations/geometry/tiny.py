"""A search for geometries of class targets in milliseconds."""

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
CENTRE = SPACE.express(SPACE.centre())


def fitness(options=OPTIONS, **changes):
    return build_fitness(options, context(**changes))


def measured(one, *geometries, budget=-1):
    return list(one.evaluate(geometries, one.budgets[budget]))
