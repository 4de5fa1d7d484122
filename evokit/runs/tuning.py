"""Settings of a contender: raced on validation, and the winner fitted with fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evokit.common.keys import digest
from evokit.genomes.individuals import ranked, weights_of
from evokit.interfaces import Contender, Evaluation, Individual, Measure, Score
from evokit.screens.race import Racing
from evokit.streams import Streams

KEEP = 0.5  # share of settings that survives each rung of a tuning race


@dataclass(frozen=True)
class Model:
    """A finished model of one contender and seed."""

    seed: int
    setting: Mapping[str, Any]
    evaluation: Evaluation


def seeds_of(streams: Streams, n: int) -> list[int]:
    """Seeds of the final fits, the same for every contender (common random numbers)."""
    return [streams.at("contender", index).entropy() % 2**31 for index in range(n)]


def tuned(
    contender: Contender, best: Individual | None, seed: int, measure: Measure
) -> tuple[Mapping[str, Any] | None, int]:
    """The setting that is best on validation, and how many there were; None if every one failed.

    Settings race over the contender's lower budgets; the best at full budget wins. A single one is not fitted here.
    The seed is none of the final ones, on which the winner would else be lucky.
    """
    settings = contender.settings(best)
    if len(settings) == 1:
        return settings[0], 1
    runners = _trials(settings, [seed], contender)
    measure.born(runners)
    race = tuning_race(contender)
    if race is not None:
        runners = race(runners, measure)
    measure(runners)
    measure.generation += 1  # the race was one, the seeds of its winner are the next
    valid = [one for one in ranked(runners) if one.fitness.valid]
    return (valid[0].genes["setting"] if valid else None), len(settings)


def tuning_race(contender: Contender) -> Racing | None:
    """What drops settings before they cost their full budget; None where there are no lower budgets."""
    if len(contender.budgets) == 1:
        return None
    goes_on = getattr(contender, "goes_on", False)
    return Racing(contender.budgets[:-1], KEEP, {"validation": contender.goal}, goes_on=goes_on)


def at_edge(setting: Mapping[str, Any], tried: Sequence[Mapping[str, Any]]) -> list[str]:
    """Numbers of a setting that are the largest or smallest of those tried, where more may be better.

    Those in a list, such as the betas of Adam, each for itself. Nothing is below 0, where an option that is never
    negative is off.

    >>> at_edge({"lr": 0.1, "decay": 0}, [{"lr": lr, "decay": decay} for lr in (0.1, 0.01) for decay in (0, 1)])
    ['lr 0.1 (largest of 2)']
    """
    all_numbers = [_numbers(one) for one in tried]
    edges = []
    for name, value in _numbers(setting).items():
        others = {one[name] for one in all_numbers if name in one}
        if len(others) > 1 and value != 0 and value in (min(others), max(others)):
            edges.append(f"{name} {value:g} ({'largest' if value == max(others) else 'smallest'} of {len(others)})")
    return edges


def _numbers(setting: Mapping[str, Any]) -> dict[str, float]:
    """By name, those in lists by name and place."""
    found: dict[str, float] = {}
    for name, value in setting.items():
        if isinstance(value, list | tuple):
            found |= _numbers({f"{name}.{at}": one for at, one in enumerate(value)})
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = value
    return found


def fitted(contender: Contender, setting: Mapping[str, Any], seeds: Sequence[int], measure: Measure) -> list[Model]:
    """One model per seed, one in all for a deterministic contender; those that failed are left out."""
    seeds = seeds[:1] if contender.deterministic else seeds
    trials = _trials([setting], seeds, contender)
    measure.born(trials)
    answers = zip(seeds, measure(trials), strict=True)
    return [Model(seed, setting, evaluation) for seed, evaluation in answers if evaluation.ok]


def _trials(settings: Sequence[Mapping[str, Any]], seeds: Sequence[int], contender: Contender) -> list[Individual]:
    weights = weights_of({"validation": contender.goal})
    trials = [{"setting": dict(setting), "seed": seed} for setting in settings for seed in seeds]
    return [Individual(trial, digest(trial), Score(weights), born_by="setting") for trial in trials]
