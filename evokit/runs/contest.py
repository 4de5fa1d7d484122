"""The contest: champion and baselines fitted on validation, frozen, then scored once on the sealed test (C2, C3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from evokit.assembly.directory import file_digest, now
from evokit.assembly.jobs import CHAMPION, Refits
from evokit.assembly.parts import Parts
from evokit.assembly.trials import TrialGenome, Trials
from evokit.assembly.workplace import BASELINE
from evokit.common.keys import digest
from evokit.genomes.individuals import feasible_value
from evokit.interfaces import Contender, Individual, Variant
from evokit.measuring.executors import Executor
from evokit.measuring.repeated import Repeated
from evokit.runs.confirming import Confirmed
from evokit.runs.controls import run_to_work
from evokit.runs.openings import registered
from evokit.runs.resources import Resources
from evokit.runs.tuning import Model, at_edge, fitted, seeds_of, tuned
from evokit.searches.elites import Elites
from evokit.statistics.averages import mean
from evokit.statistics.verdicts import Verdict, corrected, verdict


@dataclass
class Entry:
    """What takes part under one name: the champion, a trained baseline, or a control search."""

    name: str
    phase: str  # prefix of its rows and costs in the ledger, and the job that fits its models
    contender: Contender | None = None
    models: list[Model] = field(default_factory=list)
    n_settings: int = 1
    at_edge: Sequence[str] = ()  # numbers of the setting beyond which nothing was tried
    setting: Mapping[str, Any] | None = None  # of the models
    searched: float | None = None  # best value that a control search measured of the feasible
    violation: float = 0.0  # of constraints, by the best of a control search
    confirmed: Confirmed | None = None  # of a control search, on fresh data
    builds_on: Sequence[str] | None = ()  # preparations of the fitness that its costs include; None: all
    refits: Refits = ()  # of the fitness that a search ended with
    shown: str = ""  # what a control found, for people
    front: Sequence[Individual] = ()  # of a control search, with several objectives
    elites: Elites | None = None  # of a control search, where the run's own keeps an archive of them
    skipped: str = ""  # why it does not take part
    inspection: Mapping[str, Any] = field(default_factory=dict)  # what else its contender shows of its first model
    scores: np.ndarray | None = None  # (n_models, n_units) on the sealed test
    variants: dict[str, Entry] = field(default_factory=dict)  # more models of the same setting, such as longer trained
    searches: bool = False  # a control, which is no training

    @property
    def all(self) -> list[Entry]:
        """Itself and its variants, those that have models."""
        return [entry for entry in (self, *self.variants.values()) if entry.models]

    @property
    def seed_scores(self) -> list[float]:
        """Of each model on the sealed test, mean over units."""
        return [] if self.scores is None else list(mean(self.scores, axis=1).tolist())

    @property
    def validation(self) -> float | None:
        """Mean over seeds of the models' validation values."""
        if self.models:
            return float(mean([model.evaluation.values[0] for model in self.models]))
        return self.searched


class Contest:
    """Who takes part in a run, and how it ends."""

    def __init__(self, run: Resources) -> None:
        self._run = run
        self.champion: Entry | None = None
        self.baselines: list[Entry] = []
        self.verdicts: list[Verdict] = []
        self.opening: int | None = None
        self.register: dict[str, Any] | None = None  # who opened the same units so far
        self._beside: dict[str, Repeated] = {}  # baselines whose models are made while others measure

    def begin_beside(self) -> None:
        """Let trained baselines be fitted while search and controls go on, where there are workers for that.

        A fit is given a setting and a seed, and its worker builds all else of the recipe. So those of a baseline, which
        is told of no champion and of no refits, need nothing that a search finds.
        """
        run, aside = self._run, self._run.executor.aside
        if aside is None or self._beside:
            return
        for name, _ in run.parts.named_baselines():
            if hasattr(run.workplace.baseline(name), "fit"):
                program, told = partial(self._fit_aside, name), partial(self._tell_beside, name)
                self._beside[name] = Repeated(BASELINE + name, program, aside, told)
        for one in self._beside.values():
            one.go_on()
        aside.begin()
        self._show_beside()

    def enter(self, best: Individual | None, refits: Refits) -> None:
        """All baselines, and the champion if there is one; last those baselines that are fitted beside the others."""
        self.begin_beside()
        names = [name for name, _ in self._run.parts.named_baselines()]
        for name in names:
            if name not in self._beside:
                self.enter_baseline(name, refits)
        if best is not None:
            self.enter_champion(best, refits)
        for name in self._beside:
            self.enter_baseline(name, refits)
        self.baselines.sort(key=lambda entry: names.index(entry.name))

    def enter_baseline(self, name: str, refits: Refits) -> None:
        """Fit a trained baseline, or let a control search spend the measured work of the search, which made refits."""
        run = self._run
        entry = Entry(name, BASELINE + name)
        self.baselines.append(entry)
        run.progress.phase(f"Baseline {name}")
        part = run.workplace.baseline(name)
        if hasattr(part, "fit"):
            section = dict(run.parts.named_baselines())[name]
            entry.builds_on = tuple(getattr(section.options, "builds_on", ()))
            self._fit(entry, None)
            return
        entry.builds_on, entry.searches = None, True
        limit = run.ledger.work("search")
        if limit == 0:
            entry.skipped = "it gets the search's measured work, and there was no search yet"
            run.progress.note(f"{name} is skipped: {entry.skipped}")
            return
        best, entry.confirmed, entry.refits, entry.elites = run_to_work(run, entry.phase, name, limit, refits)
        if best is None:
            entry.skipped = "every individual failed"
            return
        entry.searched, entry.violation = feasible_value(best), best.fitness.violation
        genome, search = (part.genome, part.search) if isinstance(part, Parts) else (run.parts.genome, part)
        entry.front = search.front()
        entry.shown = genome.show(best.genes) if hasattr(genome, "show") else ""
        if run.workplace.final is not None:
            self._fit(entry, best)

    def enter_champion(self, best: Individual, refits: Refits) -> None:
        """Make the champion's finished model, if the fitness has one, which was refitted so in the search."""
        self.champion = Entry(CHAMPION, CHAMPION, refits=refits, builds_on=None)
        if self._run.workplace.final is not None:
            self._run.progress.phase("Champion")
            self._fit(self.champion, best)

    @property
    def entries(self) -> list[Entry]:
        """All that have models, the champion first."""
        assert self.champion is not None
        return [one for entry in (self.champion, *self.baselines) for one in entry.all]

    def inspect(self) -> None:
        """Ask contenders what else they show of their first models, at the cost of a phase; no verdict needs it."""
        entries = [one for one in (self.champion, *self.baselines) if one is not None and one.models]
        asked = [(one, inspect) for one in entries if (inspect := getattr(one.contender, "inspect", None)) is not None]
        if not asked:
            return
        run = self._run
        run.progress.phase("Inspect")
        with run.costed("inspect"):
            for entry, inspect in asked:
                try:
                    entry.inspection = inspect(run.directory.path / entry.models[0].evaluation.artifact)
                except Exception as error:  # the run is what counts
                    run.progress.note(f"{entry.name} cannot be inspected: {type(error).__name__}: {error}", keep=True)

    def decide(self) -> None:
        """Freeze every model, open the seal, score, and compute a verdict per rival; nothing of it without a test."""
        run = self._run
        if not run.recipe.final.test or run.parts.data is None or self.champion is None or not self.champion.models:
            return
        self.open("final", run.parts.data.test, run.recipe.path.name)
        run.progress.phase("Test")
        self.judge(run.parts.data.test, "test")

    def open(self, reason: str, split: Any, recipe: str) -> None:
        """Freeze every model, then open a sealed split: a row in the ledger and one in the machine's register.

        Args:
            reason: ``final`` for the test split, ``unseal`` for the vault.
            split: What is opened.
            recipe: Name of its file, for the register.
        """
        run = self._run
        self.opening = run.ledger.opening(reason, self._freeze(self.entries), now())
        self.register = registered(run.ledger, self.opening, split, run.parts, recipe, run.directory.path)

    def judge(self, split: Any, phase: str) -> None:
        """Score every model on the split that was opened, at the cost of a phase, and compute a verdict per rival."""
        assert self.champion is not None
        assert self.opening is not None
        with self._run.costed(phase):
            for entry in self.entries:
                self._score(entry, split, self.opening)
        self.verdicts = self._judged(self.champion, self.baselines)
        for name, ours in self.champion.variants.items():
            rivals = [entry.variants[name] for entry in self.baselines if name in entry.variants]
            self.verdicts += self._judged(ours, rivals)

    def _judged(self, ours: Entry, rivals: Sequence[Entry]) -> list[Verdict]:
        """A verdict per rival that was scored, corrected for their number."""
        assert self.champion is not None
        contender = self.champion.contender
        assert contender is not None
        if ours.scores is None:
            return []
        return corrected(
            [
                verdict(entry.name, *paired_scores(ours, entry), contender.goal, _speaks_of(contender, ours, entry))
                for entry in rivals
                if entry.scores is not None
            ]
        )

    def _score(self, entry: Entry, split: Any, opening: int) -> None:
        """Score each model on the split; what this opening scored already is not scored again."""
        assert entry.contender is not None
        known = self._run.ledger.scores(opening)
        for model in entry.models:
            if (entry.name, model.seed) not in known:
                path = self._run.directory.path / model.evaluation.artifact
                units = np.asarray(entry.contender.score(path, split), dtype=float)
                self._run.ledger.add_score(opening, entry.name, model.seed, units.tolist())
                known[entry.name, model.seed] = units.tolist()
        scores = np.array([known[entry.name, model.seed] for model in entry.models])
        entry.scores = None
        if lost := int((~np.isfinite(scores)).sum()):
            entry.skipped = f"{lost:,} of {scores.size:,} scores of its models are not finite"
            self._run.progress.note(f"{entry.name}: {entry.skipped}", keep=True)
        else:
            entry.scores = scores

    def rival(self) -> Entry | None:
        """The baseline that is best on validation: the one that the verdict is about."""
        entered = [entry for entry in self.baselines if entry.scores is not None]
        return min(entered, key=_loss, default=None)

    def _fit(self, entry: Entry, best: Individual | None) -> None:
        run = self._run
        # What depends on the end of a search gets rows of its own, so that an extended run may ask for another.
        phase = entry.phase if best is None else f"{entry.phase}/{best.key[:8]}"
        if entry.refits:
            phase += f"-{len(entry.refits)}"  # the same genes after another refit make another model
        with run.costed(phase):
            if entry.name in self._beside:
                self._finish(entry.name)
            self._make_models(entry, best, phase)
        if entry.skipped:
            run.progress.note(f"{entry.name}: {entry.skipped}")
        assert entry.contender is not None
        run.progress.best(entry.validation, "validation", entry.contender.goal)

    def _fit_aside(self, name: str, executor: Executor) -> None:
        """The same of a baseline, as far as its answers are there; at its turn all of them are."""
        entry = Entry(name, BASELINE + name)
        self._make_models(entry, None, entry.phase, executor)
        if entry.skipped:
            self._run.progress.note(f"{name}: {entry.skipped}", keep=True)

    def _tell_beside(self, name: str) -> None:
        error = self._beside[name].error
        if error is not None:
            self._run.progress.note(f"{name} cannot be fitted, which ends the run after all others: {error}", keep=True)
        self._show_beside()

    def _show_beside(self, but: str = "") -> None:
        self._run.progress.beside([name for name, one in self._beside.items() if not one.ended and name != but])

    def _finish(self, name: str) -> None:
        """Wait for a baseline that is fitted beside others."""
        aside, one = self._run.executor.aside, self._beside[name]
        assert aside is not None
        while not one.ended:
            self._show_beside(but=name)
            aside.wait()
        self._show_beside()
        if one.error is not None:
            raise one.error

    def _make_models(self, entry: Entry, best: Individual | None, phase: str, executor: Executor | None = None) -> None:
        """Tune a contender on validation and fit the winner with every seed, variants included."""
        run = self._run
        tuning, *seeds = seeds_of(run.parts.context.streams, 1 + run.recipe.final.seeds)
        trials = run.workplace.job(entry.phase, entry.refits).fitness
        assert isinstance(trials, Trials)
        entry.contender = contender = trials.contender
        measure = run.measure(phase, TrialGenome(), entry.phase, batch=1, refits=entry.refits, aside=executor)
        variants: Mapping[str, Variant] = getattr(contender, "variants", dict)()
        if contender.deterministic:
            tuning = seeds[0]  # so that the winner's only model is the one that was tuned
        setting, entry.n_settings = tuned(contender, best, tuning, measure)
        if setting is not None:
            entry.at_edge = at_edge(setting, contender.settings(best))
            entry.setting, entry.models = setting, fitted(contender, setting, seeds, measure)
            for name, variant in variants.items():
                of = {**setting, **variant.keys}
                entry.variants[name] = Entry(
                    f"{entry.name}, {name}",
                    phase,
                    contender,
                    fitted(contender, of, seeds, measure),
                    n_settings=entry.n_settings,
                    setting=of,
                    builds_on=entry.builds_on,
                )
        if not entry.models:
            entry.skipped = "every fit failed: " + run.ledger.rows(phase)[-1].evaluation.message

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


def _speaks_of(contender: Contender, ours: Entry, theirs: Entry) -> str:
    n = [len(ours.models), len(theirs.models)]
    trainings = "" if max(n) == 1 else f" and trainings, {n[0]} of ours and {n[1]} of theirs"
    return f"over {contender.unit}s{trainings}; speaks of this champion, not of the method"


def _loss(entry: Entry) -> float:
    """Validation of a scored entry, lower is better: its contender's goal may be another than the search's."""
    assert entry.contender is not None
    assert entry.validation is not None
    return entry.validation if entry.contender.goal == "min" else -entry.validation


def paired_scores(ours: Entry, theirs: Entry) -> tuple[np.ndarray, np.ndarray]:
    """Scores of both, row by row of the same seed; the one row of a deterministic side stands against all of the other.

    A seed that failed on one side is left out on both. Without a common one the means over seeds are compared.
    """
    assert ours.scores is not None
    assert theirs.scores is not None
    if any(entry.contender is not None and entry.contender.deterministic for entry in (ours, theirs)):
        return ours.scores, theirs.scores
    seeds = [[model.seed for model in entry.models] for entry in (ours, theirs)]
    common = [seed for seed in seeds[0] if seed in seeds[1]]
    if not common:
        return mean(ours.scores, axis=0), mean(theirs.scores, axis=0)
    rows = [[all_seeds.index(seed) for seed in common] for all_seeds in seeds]
    return ours.scores[rows[0]], theirs.scores[rows[1]]
