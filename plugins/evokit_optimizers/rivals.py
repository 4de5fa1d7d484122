"""What a recipe may say about known optimizers, which are tuned. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt, MinLen

from evokit.options import NonNegative, Positive, added
from evokit_optimizers.rules.rule import Decay, Trick

Momentum = Annotated[float, Ge(0), Lt(1)]
Betas = tuple[Momentum, Momentum]


@dataclass(frozen=True)
class LrSchedule:
    """The factor on the learning rate, and ``averaging`` of weights for evaluation, as genomes have them: see
    ``evokit_optimizers.rules.schedule``."""

    warmup: Annotated[float, Ge(0), Lt(1)] = 0.0
    decay: Decay = "none"
    decay_span: Annotated[float, Gt(0)] = 1.0
    averaging: Annotated[float, Ge(0), Lt(1)] = added(0.0)

    def __post_init__(self) -> None:
        if self.decay_span > 1:
            raise ValueError(f"decay_span must be at most 1, got {self.decay_span}")


Schedules = Annotated[tuple[LrSchedule, ...], MinLen(1)]


@dataclass(frozen=True)
class Tuned:
    """A known optimizer whose options are lists: all their combinations are tuned on validation.

    The settings race over the fitness's budgets, ``lr`` and ``weight_decay`` are the article's by default.
    """

    method: ClassVar[str]

    lr: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-4, 1e-3, 1e-2)
    weight_decay: Annotated[tuple[NonNegative, ...], MinLen(1)] = (1e-5, 1e-4, 1e-3)
    schedule: Schedules = (LrSchedule(),)


@dataclass(frozen=True)
class Sgd(Tuned):
    """``torch.optim.SGD``; weight decay is L2."""

    method: ClassVar[str] = "sgd"

    momentum: Annotated[tuple[Momentum, ...], MinLen(1)] = (0.9,)
    nesterov: Annotated[tuple[bool, ...], MinLen(1)] = (False,)


@dataclass(frozen=True)
class Adam(Tuned):
    """``torch.optim.Adam``; weight decay is L2."""

    method: ClassVar[str] = "adam"

    betas: Annotated[tuple[Betas, ...], MinLen(1)] = ((0.9, 0.999),)
    eps: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-8,)


@dataclass(frozen=True)
class AdamW(Adam):
    """``torch.optim.AdamW``; weight decay is decoupled."""

    method: ClassVar[str] = "adamw"


@dataclass(frozen=True)
class NAdam(Adam):
    """``torch.optim.NAdam``; weight decay is L2."""

    method: ClassVar[str] = "nadam"


@dataclass(frozen=True)
class RmsProp(Tuned):
    """``torch.optim.RMSprop``; weight decay is L2. ``alpha`` is the average's memory."""

    method: ClassVar[str] = "rmsprop"

    alpha: Annotated[tuple[Momentum, ...], MinLen(1)] = (0.99,)
    momentum: Annotated[tuple[Momentum, ...], MinLen(1)] = (0.0,)
    eps: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-8,)


Tricks = Annotated[tuple[tuple[Trick, ...], ...], MinLen(1)]


@dataclass(frozen=True)
class Lion(Tuned):
    """Lion's published rule, run by the engine that runs evolved rules, since torch has none; decay is decoupled.

    ``tricks`` are sets of switches, those of the genome ``optimizer``; so in all that this engine runs.

    Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms".
    """

    method: ClassVar[str] = "lion"

    lr: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-5, 1e-4, 1e-3)
    betas: Annotated[tuple[Betas, ...], MinLen(1)] = ((0.9, 0.99),)
    tricks: Tricks = added(((),))  # noqa: RUF009 - a field


@dataclass(frozen=True)
class Soap(Tuned):
    """SOAP for matrices, Adam for vectors, run by the engine that runs evolved rules; decay is decoupled.

    Eigenvectors are taken in the first ten steps and each tenth. A convolution is a matrix with its output channels as
    rows; sides longer than 256 have no eigenvectors of their own.

    Source: Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam", with its frequency of 10.
    """

    method: ClassVar[str] = "soap"

    betas: Annotated[tuple[Betas, ...], MinLen(1)] = ((0.95, 0.95),)
    eps: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-8,)
    tricks: Tricks = added(((),))  # noqa: RUF009 - a field


@dataclass(frozen=True)
class Muon(Tuned):
    """Muon for the matrices of hidden layers, AdamW for all else, as its authors do.

    It is run by the engine that runs evolved rules, in float32: ``torch.optim.Muon`` iterates in bfloat16, which takes
    a CPU without its instructions ten times as long. A convolution is a matrix with its output channels as rows.
    ``adamw_lr`` and ``adamw_betas`` are those of the rest. ``tricks``, as of ``lion``, and ``ns_steps``, in which
    Newton and Schulz make a matrix orthogonal, are those of the matrices of hidden layers.

    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    """

    method: ClassVar[str] = "muon"

    lr: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-3, 1e-2, 1e-1)
    momentum: Annotated[tuple[Momentum, ...], MinLen(1)] = (0.95,)
    adamw_lr: Annotated[tuple[Positive, ...], MinLen(1)] = (1e-3,)
    adamw_betas: Annotated[tuple[Betas, ...], MinLen(1)] = ((0.9, 0.999),)
    tricks: Tricks = added(((),))  # noqa: RUF009 - a field
    ns_steps: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = added((5,))
