"""What a recipe may say about optimizers and the accuracy of networks that they train. Imports nothing heavy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, NamedTuple

from annotated_types import Ge

from evokit.data.image_sources import SetName
from evokit.networks.options import OwnModule
from evokit.options import Count, Positive, added, refuse_twice
from evokit_optimizers.rules.groups import Group
from evokit_optimizers.rules.known import KNOWN, Known
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import Clipping, Decay, Rule, Trick
from evokit_optimizers.rules.scheduled import SCHEDULED, VARIANTS, Scheduled
from evokit_optimizers.rules.search_space import Bounds, Rates
from evokit_optimizers.rules.terms import TERMS, Vocabulary
from evokit_optimizers.tasks.options import Language, Network, OneTask

ARTICLE_TERMS = ("GRAD", "MOMENTUM", "RMS_NORM", "ADAM_TERM", "SIGN_GRAD")

Seed = Known | Scheduled
SEEDS = {**KNOWN, **SCHEDULED}
Objective = Literal["accuracy", "step_cost"]
ACCURACY: tuple[Objective, ...] = ("accuracy",)


@dataclass(frozen=True)
class OptimizerGenome:
    """Update rules of 1 to ``max_terms`` distinct ``terms``. The fields are the recipe's options.

    ``seeds`` names known optimizers for the first population; with ``scheduled`` in their name they have a schedule and
    the middle of the ranges in which their kind is usually tuned. ``known`` means all of these that the terms and
    groups can say; ``tuned`` means two more of each, with numbers at the quarters of those ranges, so that the search's
    own first generation tunes them. A population needs room for all of them; the check tells where it has none.
    ``clippings`` and ``decays`` are what may be chosen, ``tricks`` what may be switched on:
    ``centralised`` gradients, ``cautious`` steps, which leave out what does not go down the gradient, and LAMB's
    ``trust_ratio``, by which the step of each tensor has the tensor's length. ``numbers_only`` names a known optimizer:
    then terms, weights, bias correction and the kind of weight decay are its own, only numbers, clipping, tricks and
    schedule evolve, and the seeds are that optimizer alone, at three settings if they are ``tuned``, or none if empty.
    ``groups`` of a network's parameters may each have a part of a rule, with terms and numbers of its own or the
    base's; those that are not named share one: ``hidden`` are weights between layers, ``first`` those of the first
    layer and of embeddings, ``last`` those of the last layer, ``vectors`` biases and scales. With ``rate_only`` nothing
    varies but the learning rates, all by one factor: for rules that ``init`` brings. A subclass with another
    ``vocabulary``, built by the same ``build_genome``, brings terms of its own.

    Raises:
        ValueError: A term is unknown or named twice, there is none, or a seed needs a term or group that is missing.
    """

    terms: tuple[str, ...] = ARTICLE_TERMS
    max_terms: Annotated[int, Ge(1)] = 4
    seeds: Literal["known", "tuned"] | tuple[Seed, ...] = ("sgd", "adam", "rmsprop")
    numbers_only: Seed | None = None
    groups: tuple[Group, ...] = added(())
    clippings: tuple[Clipping, ...] = ("none", "value", "norm")
    decays: tuple[Decay, ...] = ("none", "cosine", "linear")
    tricks: tuple[Trick, ...] = added(())
    bounds: Bounds = field(default_factory=Bounds)
    rates: Rates = field(default_factory=Rates)
    rate_only: bool = added(False)

    phenotype: ClassVar[str] = "optimizer"
    vocabulary: ClassVar[Vocabulary] = TERMS

    def __post_init__(self) -> None:
        for name in ("terms", "clippings", "decays"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name}: must be one or more, each once, got {list(values)}")
        for term in self.terms:
            if term not in self.vocabulary:
                raise ValueError(f"terms: no term is called {term!r}; there are {', '.join(self.vocabulary)}")
        for name in ("groups", "tricks", "seeds"):
            if not isinstance(values := getattr(self, name), str):
                refuse_twice(name, values)
        if self.numbers_only and self.terms != ARTICLE_TERMS:
            raise ValueError("terms: have no effect beside numbers_only, whose terms they are; leave them out")
        option = "numbers_only" if self.numbers_only else "seeds"
        for name in self.seed_names:
            if lacking := self._lacking(name):
                raise ValueError(f"{option}: {name} needs {lacking}")

    @property
    def seed_names(self) -> tuple[str, ...]:
        """The known optimizers of the first population."""
        if self.numbers_only:
            return (self.numbers_only,) if self.seeds else ()
        if isinstance(self.seeds, str):
            return tuple(name for name in SCHEDULED if not self._lacking(name))
        return self.seeds

    @property
    def seed_rules(self) -> tuple[Rule, ...]:
        """Their rules, and after them those with other numbers."""
        names = self.seed_names
        variants = VARIANTS if self.seeds == "tuned" else ()
        others = [rules[name] for rules in variants for name in names if name in rules]
        return (*(SEEDS[name] for name in names), *others)

    def _lacking(self, name: str) -> str:
        """What a known optimizer needs and the options do not have, in words; empty if they can say it."""
        rules = by_group(SEEDS[name]).values()
        terms = dict.fromkeys(term for rule in rules for term, _ in rule.terms)
        if not self.numbers_only and (absent := [term for term in terms if term not in self.terms]):
            return f"{', '.join(absent)} among the terms"
        if absent := [group for group, _ in SEEDS[name].parts if group not in self.groups]:
            return f"{', '.join(absent)} among the groups"
        most = max(len(rule.terms) for rule in rules)
        return f"max_terms of {most} at least" if most > self.max_terms else ""


@dataclass(frozen=True)
class OptimizerSpace(OptimizerGenome):
    """The rules that the genome ``optimizer`` with the same options can say, as a ``space`` of named parameters.

    So searches for spaces take them: ``optuna``, ``iterated_local_search``, and with them their way to tune numbers.
    Of a rule there are ``terms``, a subset; of each term in it a weight's ``size`` and ``sign``; numbers on the scales
    of ``bounds``, of betas ``1-beta1``; choices such as ``weight_decay: decoupled`` with their numbers where they are
    on, and only what matters beside the others. Each of ``groups`` has a part or none, such as ``hidden_part: true``;
    all values of a part, such as ``hidden.lr``, are its own, none the base's. What groups without a part have in common
    is the base's; if all groups are named, ``vectors`` always have it.

    Random rules are drawn as those of ``optimizer``, crossover and mutation are those of a space, so ``rates`` must be
    left out. ``seeds`` are the points of the known optimizers; what of them lies outside ``bounds`` is moved to the
    nearer one, and a choice that the options lack becomes their first one. With ``numbers_only`` the structure is fixed
    and is no parameter.

    Raises:
        ValueError: As for ``optimizer``, or there are rates.
    """

    genes: ClassVar[str] = "space"
    own_operators: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rates != Rates():
            raise ValueError(
                "rates: are those of the genome optimizer's operators, a space has its own; leave them out"
            )


@dataclass(frozen=True)
class Rung:
    """A cheaper budget: trainings of ``steps`` steps, of the first ``seeds`` alone if they are given.

    Schedules are ``cut``, so that a training is the beginning of that at full budget and a rate that falls late has not
    fallen yet, or ``whole``: over ``steps`` in place of the horizon, in trainings of their own, none of which goes on.
    """

    steps: Count
    seeds: Count | None = None
    schedule: Literal["cut", "whole"] = added("cut")


class Level(NamedTuple):
    """What one budget trains: ``steps`` of a schedule over ``horizon`` steps, for the first ``seeds`` seeds."""

    steps: int
    seeds: int
    horizon: int


@dataclass(frozen=True)
class TrainedAccuracy:
    """Share of validation images that freshly trained networks classify right, mean over tasks and seeds; of a text,
    share of the bytes that a small language model predicts right.

    ``tasks`` are sets of images of the data, all of them if empty. ``model`` is for images, ``language`` for text.
    ``steps`` is the horizon of schedules and the full budget; ``rungs`` are cheaper ones: the same trainings stopped
    early, the first of them, or shorter ones with their whole schedule. Work is counted in training steps of all tasks
    and seeds, so budgets are ``steps * tasks * seeds``; a training that goes on from a lower budget counts like one
    from the start, since no count may depend on which worker still holds its state.

    A loss that is not finite or above ``explosion`` in any training makes the individual ``diverged``; it is looked
    for every ``check_every`` steps. ``precision`` is that of forward and backward pass, parameters are float32.
    Contenders' networks are scored in float32. ``cache_mb`` bounds the memory for states that trainings go on from; it
    changes no value.

    ``together`` individuals of a batch are trained at once, as one network with as many sets of parameters. That pays
    for small networks on small images; their values differ in the last bits from those of networks trained alone, but
    not with their number or company.

    ``final_steps`` are further horizons at which every contender's networks are trained and tested, with the
    setting or rule that won at ``steps`` and its schedule stretched.

    ``module`` is a network of the user's own in the place of ``model`` and ``language``, ``my_package:MyNet`` or a
    mapping with the keys of ``torch_module`` that say what it is. It learns images, labelled texts or the next
    tokens of texts, of which it reads ``language.length``.

    ``objectives`` may have ``step_cost`` beside the accuracy: the floating-point operations of one step of the rule,
    counted by formula, mean over tasks; lower is better. Contenders are compared by accuracy all the same.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"optimizer"})

    tasks: tuple[SetName | OneTask, ...] = ()
    model: Network = field(default_factory=Network)
    language: Language = field(default_factory=Language)
    steps: Count = 200
    rungs: tuple[Count | Rung, ...] = ()
    seeds: Count = 2
    batch: Count = 128
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = True
    explosion: Positive = 50.0
    check_every: Count = 10
    cache_mb: Annotated[int, Ge(0)] = 256
    together: Count = 1
    final_steps: tuple[Count, ...] = ()
    module: str | OwnModule | None = added(None)  # noqa: RUF009 - a field
    objectives: tuple[Objective, ...] = added(ACCURACY)

    def __post_init__(self) -> None:
        if self.objectives[:1] != ACCURACY or len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives: must be accuracy, then others, each once, got {list(self.objectives)}")
        if not _ascends(self.ladder):
            steps, seeds, _ = map(list, zip(*self.ladder, strict=True))
            raise ValueError(f"rungs must ascend and stay below the full budget, got steps {steps}, seeds {seeds}")
        if self.steps in self.final_steps or len(set(self.final_steps)) < len(self.final_steps):
            raise ValueError(f"final_steps must be other numbers than steps, each once, got {list(self.final_steps)}")
        names = [task.name for task in self.members]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"tasks names {', '.join(repeated)} twice")
        if self.module and self.model != Network():
            raise ValueError("model: has no effect beside module, which is the network; leave one of them out")
        if self.module and self.language != Language(length=self.language.length):
            raise ValueError("language: of it only length has an effect beside module, which is the network")
        if self.module and (self.precision != "float32" or any(task.model or task.augment for task in self.members)):
            raise ValueError("module: a network of one's own is trained in float32, without a task's model and augment")

    @property
    def ladder(self) -> list[Level]:
        """What each budget trains, the last is full."""
        rungs = [Rung(rung) if isinstance(rung, int) else rung for rung in self.rungs]
        lower = [
            Level(rung.steps, rung.seeds or self.seeds, rung.steps if rung.schedule == "whole" else self.steps)
            for rung in rungs
        ]
        return [*lower, Level(self.steps, self.seeds, self.steps)]

    @property
    def own_module(self) -> OwnModule | None:
        """The user's network."""
        return OwnModule(self.module) if isinstance(self.module, str) else self.module

    @property
    def members(self) -> tuple[OneTask, ...]:
        """The tasks that are named, as mappings."""
        return tuple(OneTask(task) if isinstance(task, str) else task for task in self.tasks)


def _ascends(ladder: list[Level]) -> bool:
    """Whether budgets ascend, the last has most steps and seeds, and each that is cut is the beginning of the next."""
    full = ladder[-1]
    cut = [level for level in ladder if level.horizon == full.horizon]
    return (
        all(lower.steps * lower.seeds < higher.steps * higher.seeds for lower, higher in itertools.pairwise(ladder))
        and all(level.steps <= full.steps and level.seeds <= full.seeds for level in ladder)
        and all(a.steps <= b.steps and a.seeds <= b.seeds for a, b in itertools.pairwise(cut))
    )


@dataclass(frozen=True)
class TrainFresh:
    """Fresh networks trained with the champion, as many a seed as the search trained, at the search's horizon."""


@dataclass(frozen=True)
class TorchOptimizer:
    """One Python file with the champion as a ``torch.optim.Optimizer``."""
