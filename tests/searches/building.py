"""Searches built as a recipe builds them, and runs of them."""

import json
from dataclasses import dataclass, replace
from typing import Any

from evokit.crossover.one_point import OnePoint
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.mutation.reset import Reset
from evokit.runs.checkpoint import load_checkpoint, save_checkpoint
from evokit.selection.tournament import Tournament
from evokit.streams import Streams
from tests.door import GENOME, SumFitness


def built(options, fitness=None, genome=GENOME, screens=(), seed=0, mutation=None, context=None, crossover=None):
    """The search that ``options`` make; ``screens`` are options too."""
    context = context or Context(Streams(seed), fitness=fitness or SumFitness(), genome=genome)
    parts = {"selection": Tournament(3), "crossover": crossover or OnePoint(), "mutation": mutation or Reset(0.2)}
    made = {
        **vars(context),
        "operators": {name: part.build(building_nested(context)) for name, part in parts.items()},
    }
    context = building_nested(Context(**made))
    screens = [screen.build(context) for screen in screens]
    return options.build(building_nested(replace(context, screens=screens)))


@dataclass(frozen=True)
class Part:
    """A checked section, as options hold one."""

    options: Any

    @property
    def name(self):
        return type(self.options).__name__.lower()


def building_nested(context):
    """A context that builds nested sections, or the options of one."""

    def build(part, **changes):
        return getattr(part, "options", part).build(building_nested(replace(context, **changes)))

    return replace(context, build=build)


def run(search, measure, n=None):
    """Step ``n`` times, or to the end; the search."""
    while not search.done and (n is None or search.generation < n):
        search.step(measure)
    return search


def portrait(search):
    """All that one can see of a search, comparable."""
    return json.dumps(
        [
            search.generation,
            [(one.key, one.fitness.values, one.parents, one.born_by) for one in search.population],
            [(one.key, one.fitness.values) for one in search.hall_of_fame()],
            [dict(record) for record in search.logbook],
        ]
    )


def through_a_file(state, folder):
    """The state as a resumed run sees it."""
    save_checkpoint(folder, 1, state)
    return load_checkpoint(folder)


def stopped_and_resumed(make, folder, weights):
    """Searches that were stopped after some generations, saved, and run to the end from what was saved.

    ``make`` gives a search and its measure, all on one ledger.
    """
    for stop in range(1, 10, 3):
        half, measure = make()
        run(half, measure, stop)
        state = through_a_file({"search": half.state_dict(), "measure": measure.state_dict()}, folder)
        resumed, measure = make()
        resumed.load_state_dict(state["search"])
        measure.load_state_dict(state["measure"], weights)
        yield run(resumed, measure), measure


def set_values(individuals, values):
    """Give fitness values without a measure; None leaves an individual unmeasured."""
    for one, value in zip(individuals, values, strict=True):
        if value is not None:
            one.fitness.values = (float(value),)
    return individuals


def person(genes, value=None, goal="min", genome=GENOME):
    one = make_individual(genome, genome.from_json(genes), weights_of({"value": goal}))
    return set_values([one], [value])[0]
