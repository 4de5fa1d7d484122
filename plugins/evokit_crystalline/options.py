"""What a recipe may say about the genome, the GPT-2 loss, its contenders and its export. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, MinLen

from evokit.options import Count, Label, added, refuse_twice
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes

Schedule = Literal["constant", "cosine"]
Start = Literal["random", "fitness"]
GrownSeed = Literal["off", "hand"]


@dataclass(frozen=True)
class Crystalline:
    """Choose each layer's matrix from a library of structured ones. The fields are the recipe's options.

    Serves every fitness that takes ``layers``: names and shapes come from its slots.
    """

    library: LibraryOptions = field(default_factory=LibraryOptions)
    phenotype: ClassVar[str] = "layers"
    genes: ClassVar[str] = "index_vector"


@dataclass(frozen=True)
class Grown:
    """Say how each layer's crystals are made, and fit them, one place after the other, to the model with those before.

    A place is the attention or the MLP of a block; attentions come first, from input to output, then MLPs from output
    to input. Genes of a place that is ``on``: what each head looks at, or the ``scale`` of an MLP's random features; of
    the projection back to the residual stream its ``structure``, ``rank`` as a share of the content's directions or
    number of ``blocks``, and ``ridge``, ``damping`` and ``step`` of its fit. A fit is one Newton step of the loss: a
    regression of the working responses to the model's predictions, in closed form. On tokens that it was not fitted to
    shorter and shorter steps are tried as long as each is better than the one before; the best is taken, or none, so
    that no fit makes the model worse on these.

    Serves ``gpt2_loss`` with ``continuous: {fit: ...}``: crystals are fitted to training documents that the closed form
    left out. Of their blocks the first ``checked_tokens`` check each fit; the others, or ``fit_tokens`` of them, are
    fitted to. Features and targets of all of these count; the model's predictions, which take most of the time, are
    made for ``predicted_tokens`` of them and estimated for the others.

    Individuals that begin with the same places share their fits, which lie below the run's ``artifacts`` up to half a
    gigabyte. A value does not depend on what lies there, nor does work: each individual's is its validation tokens and
    those that all its fits read, wherever they came from.

    ``seeds`` are known individuals for searches that begin with such: all places ``off``, which is the closed form
    alone, and all on as a trial by ``hand`` had them.
    """

    fit_tokens: Count | None = None
    predicted_tokens: Count = 16_384
    checked_tokens: Count = 16_384
    seeds: tuple[GrownSeed, ...] = added(("off", "hand"))
    phenotype: ClassVar[str] = "layers"
    genes: ClassVar[str] = "space"
    own_operators: ClassVar[bool] = True

    def __post_init__(self) -> None:
        refuse_twice("seeds", self.seeds)


@dataclass(frozen=True)
class Gpt2Loss:
    """Mean next-token cross-entropy in nats over real tokens of the validation split.

    ``tokens`` is the full budget, ``rungs`` are cheaper ones; each is a prefix of the next and counted in tokens,
    whole blocks of ``block`` each. ``final_blocks_per_document`` limits how much of each document of a split a
    contender's model is scored on; null means all. ``precision`` is that of the head's products in search and training:
    ``auto`` is bfloat16 where the processor multiplies in it and the parts are not fitted. Test scores are always
    float32.

    ``objectives: [loss, madds]`` adds the arithmetic of the layers per token, to be searched with ``nsga2``: a dense
    block of ``(rows, columns)`` takes ``rows * columns`` multiply-adds; a ternary low-rank matrix takes an addition for
    each entry of its factors that is not 0 and a multiplication for each of its ranks, each of which counts as one.
    Attention, layer norms and the head, which no individual changes, are left out.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"layers"})

    model: Sizes = field(default_factory=Sizes)
    tokens: Annotated[int, Ge(1)] = 8192
    rungs: tuple[Annotated[int, Ge(1)], ...] = ()
    block: Annotated[int, Ge(2)] = 128
    continuous: Continuous = field(default_factory=Continuous)
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    final_blocks_per_document: Annotated[int, Ge(1)] | None = None
    objectives: Annotated[tuple[Literal["loss", "madds"], ...], MinLen(1)] = ("loss",)

    def __post_init__(self) -> None:
        if self.objectives not in (("loss",), ("loss", "madds")):
            raise ValueError("objectives must be [loss] or [loss, madds]: the champion is the best in the first")
        if self.block > self.model.n_positions:
            raise ValueError(f"block must be at most n_positions, got {self.block} and {self.model.n_positions}")
        budgets = [*self.rungs, self.tokens]
        if sorted(set(budgets)) != budgets:
            raise ValueError(f"rungs must ascend and stay below tokens, {self.tokens}, got {list(self.rungs)}")
        if self.continuous.fit is not None and self.precision == "bfloat16":
            raise ValueError("continuous.fit needs precision: float32; bfloat16 would round the head's bias away")
        if any(budget % self.block for budget in budgets):
            raise ValueError(f"tokens and rungs must be multiples of block ({self.block}), got {budgets}")


@dataclass(frozen=True)
class AdamW:
    """AdamW on all parameters, by default from a random start.

    Lists of ``lr``, ``weight_decay`` and ``schedule`` span a grid that is tuned on validation. ``steps`` and
    ``rungs`` count updates of ``batch`` blocks; ``warmup`` is the fraction of ``steps`` in which the learning rate
    rises from zero. The defaults are the paper's one setting (section 4.3).

    ``start: fitness`` begins with the fitness's continuous parts, closed forms included, and with random projections,
    of which those that write to the residual stream are zero, so that the first loss is that of the parts alone. A
    closed form is trained in the coordinates of its fit, with the head's bias apart from its rows.
    ``tied`` is whether the head of a random start is tied to the embedding; null follows the fitness's model.
    ``label`` is its name in the results.
    """

    steps: Annotated[int, Ge(1)] = 500
    rungs: tuple[Annotated[int, Ge(1)], ...] = ()
    lr: tuple[Annotated[float, Gt(0)], ...] = (5e-4,)
    weight_decay: tuple[Annotated[float, Ge(0)], ...] = (0.01,)
    schedule: tuple[Schedule, ...] = ("constant",)
    warmup: Annotated[float, Ge(0), Le(1)] = 0.0
    batch: Annotated[int, Ge(1)] = 8
    start: Start = "random"
    tied: bool | None = None
    label: Label = ""
    muon: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (self.lr and self.weight_decay and self.schedule):
            raise ValueError("lr, weight_decay and schedule need at least one value each")
        steps = [*self.rungs, self.steps]
        if sorted(set(steps)) != steps:
            raise ValueError(f"rungs must ascend and stay below steps, {self.steps}, got {list(self.rungs)}")
        if self.start == "fitness" and self.tied is not None:
            raise ValueError("tied belongs to start: random; the fitness's parts say whether theirs is")

    @property
    def builds_on(self) -> tuple[str, ...]:
        """Preparations of the fitness that its seconds must include."""
        return ("closed_form",) if self.start == "fitness" else ()


@dataclass(frozen=True)
class Muon(AdamW):
    """Muon on the matrices of the layers, AdamW on all other parameters; options as those of ``adamw``.

    One learning rate serves both, as Muon's updates have AdamW's root mean square (Liu et al. 2025, Muon is Scalable
    for LLM Training, section 2.2), and momentum is 0.95 with Nesterov's step, as in Jordan et al. 2024, Muon. Queries,
    keys and values are one matrix.
    """

    muon: ClassVar[bool] = True


@dataclass(frozen=True)
class Assemble:
    """The champion as a GPT-2: its matrices in place of the projections.

    ``remaps`` says up to how many linear maps of its hidden states, one after the other, are tried in the head, fitted
    in closed form as an alternating search fits them; validation says how many are used. ``hybrid`` trains the
    continuous parts on by AdamW, with the options of that baseline, its crystals held fast; else nothing is trained.
    Of a closed form what was fitted is trained: positions and norms, on which the crystals rely, stay.
    """

    remaps: Annotated[int, Ge(0)] = 0
    hybrid: AdamW | None = None

    def __post_init__(self) -> None:
        if self.remaps and self.hybrid is not None:
            raise ValueError("remaps and hybrid are two ways to finish a champion: choose one")


@dataclass(frozen=True)
class ClosedForm:
    """The fitness's continuous parts as a GPT-2, with all crystals zero or with one random individual's.

    ``remaps`` as in ``assemble``.
    """

    crystals: Literal["zero", "random"] = "zero"
    remaps: Annotated[int, Ge(0)] = 0

    @property
    def builds_on(self) -> tuple[str, ...]:
        """Preparations of the fitness that its seconds must include."""
        return ("closed_form",) if self.crystals == "zero" else ("closed_form", "library")


@dataclass(frozen=True)
class LibraryFile:
    """The crystals of the best individuals that the search measured, in a file that a library takes them from.

    ``individuals`` says of how many, the best first. Another run names the file by ``library: {saved: FILE}`` and the
    kind ``saved`` in the options of genome ``crystalline``, in ``kinds`` where ``learned`` stands otherwise: its
    individuals choose among these crystals, and those that were measured are among the first ones. Crystals belong to
    the continuous parts that they were fitted beside: with others any choice of them is worth what it is worth there.
    What they cost was spent by the run that saved them and is not counted by those that take them.
    """

    individuals: Count = 8


@dataclass(frozen=True)
class Transformers:
    """A directory that ``transformers.GPT2LMHeadModel.from_pretrained`` loads, tokenizer included."""
