"""The contest: champion and baselines fitted on validation, frozen, then scored once on the sealed test (C2, C3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evokit.execution import CHAMPION
from evokit.individuals import ranked, weights_of
from evokit.interfaces import Contender, Evaluation, Goal, Individual, Measure, Score
from evokit.keys import digest
from evokit.rundir import file_digest, now
from evokit.screens.race import Racing
from evokit.statistics import Verdict, verdict
from evokit.streams import Streams
from evokit.trials import TrialGenome, Trials
from evokit.workplace import BASELINE

if TYPE_CHECKING:
    from evokit.run import Run

KEEP = 0.5  # share of settings that survives each rung of a tuning race


@dataclass(frozen=True)
class Model:
    """A finished model of one contender and seed."""

    seed: int
    setting: Mapping[str, Any]
    evaluation: Evaluation


@dataclass
class Entry:
    """What takes part under one name: the champion, a trained baseline, or a control search."""

    name: str
    phase: str  # prefix of its rows and costs in the ledger, and the job that fits its models
    contender: Contender | None = None
    models: list[Model] = field(default_factory=list)
    n_settings: int = 1
    searched: float | None = None  # best value that a control search measured
    skipped: str = ""  # why it does not take part
    scores: np.ndarray | None = None  # (n_units,) on the sealed test, mean over seeds

    @property
    def validation(self) -> float | None:
        """Mean over seeds of the models' validation values."""
        if self.models:
            return float(np.mean([model.evaluation.values[0] for model in self.models]))
        return self.searched


class Contest:
    """Who takes part in a run, and how it ends."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.champion: Entry | None = None
        self.baselines: list[Entry] = []
        self.verdicts: list[Verdict] = []
        self.opening: int | None = None

    def enter_baseline(self, name: str) -> None:
        """Fit a trained baseline, or let a control search spend the search's measured work."""
        run = self._run
        entry = Entry(name, BASELINE + name)
        self.baselines.append(entry)
        run.progress.phase(f"Baseline {name}")
        part = run.workplace.baseline(name)
        if hasattr(part, "fit"):
            self._fit(entry, None)
            return
        limit = run.ledger.work("search")
        if limit == 0:
            entry.skipped = "it gets the search's measured work, and there was no search yet"
            run.progress.note(f"{name} is skipped: {entry.skipped}")
            return
        best = run.run_to_work(entry.phase, part, limit)
        if best is None:
            entry.skipped = "every individual failed"
            return
        entry.searched = best.fitness.values[0]
        if run.workplace.final is not None:
            self._fit(entry, best)

    def enter_champion(self) -> None:
        """Make the champion's finished model, if the fitness has one."""
        self.champion = Entry(CHAMPION, CHAMPION)
        if self._run.workplace.final is not None:
            self._run.progress.phase("Champion")
            self._fit(self.champion, self._run.champion)

    def decide(self) -> None:
        """Freeze every model, open the seal, score, and compute a verdict per rival."""
        run = self._run
        if run.parts.data is None or self.champion is None or not self.champion.models:
            return
        entries = [entry for entry in (self.champion, *self.baselines) if entry.models]
        frozen = self._freeze(entries)
        self.opening = run.ledger.opening("final", frozen, now())
        run.progress.phase("Test")
        with run.costed("test"):
            for entry in entries:
                entry.scores = self.score(entry, run.parts.data.test, self.opening)
        ours, contender = self.champion.scores, self.champion.contender
        assert ours is not None
        assert contender is not None
        self.verdicts = [
            verdict(entry.name, ours, entry.scores, contender.goal, self._speaks_of(entry))
            for entry in self.baselines
            if entry.scores is not None
        ]

    def score(self, entry: Entry, test: Any, opening: int) -> np.ndarray:
        """``(n_units,)`` test metric, mean over seeds; what this opening scored already is not scored again."""
        assert entry.contender is not None
        known = self._run.ledger.scores(opening)
        for model in entry.models:
            if (entry.name, model.seed) not in known:
                path = self._run.directory.path / model.evaluation.artifact
                units = np.asarray(entry.contender.score(path, test), dtype=float)
                self._run.ledger.add_score(opening, entry.name, model.seed, units.tolist())
                known[entry.name, model.seed] = units.tolist()
        per_seed = np.array([known[entry.name, model.seed] for model in entry.models])
        return np.asarray(per_seed.mean(axis=0))

    def rival(self) -> Entry | None:
        """The baseline that is best on validation: the one that the verdict is about."""
        entered = [entry for entry in self.baselines if entry.scores is not None and entry.validation is not None]
        sign = 1 if self._run.goal == "min" else -1
        return min(entered, key=lambda entry: sign * entry.validation, default=None)  # type: ignore[operator]

    def _fit(self, entry: Entry, best: Individual | None) -> None:
        run = self._run
        seeds = seeds_of(run.parts.context.streams, run.recipe.final.seeds)
        # What depends on the end of a search gets rows of its own, so that an extended run may ask for another.
        phase = entry.phase if best is None else f"{entry.phase}/{best.key[:8]}"
        trials = run.workplace.job(entry.phase).fitness
        assert isinstance(trials, Trials)
        contender = trials.contender
        measure = run.measure(phase, TrialGenome(), entry.phase, batch=1)
        with run.costed(phase):
            entry.models, entry.n_settings = fit_models(contender, best, seeds, measure)
        entry.contender = contender
        if not entry.models:
            entry.skipped = "every fit failed: " + run.ledger.rows(phase)[-1].evaluation.message
            run.progress.note(f"{entry.name}: {entry.skipped}")
        run.progress.best(entry.validation, "validation", contender.goal)

    def _freeze(self, entries: Sequence[Entry]) -> str:
        """Write every model's digest into the ledger; returns the digest of the set."""
        digests = []
        for entry in entries:
            for model in entry.models:
                path = self._run.directory.path / model.evaluation.artifact
                one = file_digest(path)
                self._run.ledger.freeze(entry.name, model.seed, model.evaluation.artifact, one)
                digests.append([entry.name, model.seed, one])
        return digest(digests)

    def _speaks_of(self, entry: Entry) -> str:
        assert self.champion is not None
        assert self.champion.contender is not None
        unit, n_seeds = self.champion.contender.unit, len(entry.models)
        theirs = "one model" if n_seeds == 1 else f"the mean of {n_seeds} models"
        return f"{unit}s of the test split; speaks of this champion against {theirs} of {entry.name}, not of the method"


def seeds_of(streams: Streams, n: int) -> list[int]:
    """Seeds of the final fits, the same for every contender (common random numbers)."""
    return [streams.at("contender", index).entropy() % 2**31 for index in range(n)]


def fit_models(
    contender: Contender, best: Individual | None, seeds: Sequence[int], measure: Measure
) -> tuple[list[Model], int]:
    """Tune on validation by a race, then fit the winner with every seed.

    Settings race with the first seed over the contender's lower budgets; the best at full budget wins.

    Returns:
        One model per seed (one in all for a deterministic contender; those that failed are left out), and how many
        settings were tried.
    """
    objectives: Mapping[str, Goal] = {"validation": contender.goal}
    weights = weights_of(objectives)
    seeds = seeds[:1] if contender.deterministic else seeds
    runners = [_trial(setting, seeds[0], weights) for setting in contender.settings(best)]
    n_settings = len(runners)
    measure.born(runners)
    if n_settings > 1 and len(contender.budgets) > 1:
        runners = Racing(contender.budgets[:-1], KEEP, objectives)(runners, measure)
    evaluations = {one.key: evaluation for one, evaluation in zip(runners, measure(runners), strict=True)}
    valid = [one for one in ranked(runners) if one.fitness.valid]
    if not valid:
        return [], n_settings
    setting = valid[0].genes["setting"]
    models = [Model(seeds[0], setting, evaluations[valid[0].key])]
    others = [_trial(setting, seed, weights) for seed in seeds[1:]]
    measure.generation += 1  # the race was one, the other seeds of its winner are the next
    measure.born(others)
    answers = zip(seeds[1:], measure(others), strict=True)
    models += [Model(seed, setting, evaluation) for seed, evaluation in answers if evaluation.ok]
    return models, n_settings


def _trial(setting: Mapping[str, Any], seed: int, weights: tuple[float, ...]) -> Individual:
    trial = {"setting": dict(setting), "seed": seed}
    return Individual(trial, digest(trial), Score(weights), born_by="setting")
