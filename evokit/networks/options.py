"""What a recipe may say about a network of the user's own. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le, MinLen

from evokit.options import Count, Label, NonNegative, Positive, Probability

Objective = Literal["loss", "accuracy", "parameters", "multiply_adds"]
TUNED = ("optimizer", "lr", "weight_decay", "warmup", "schedule")
"""Fields of ``Training`` that a genome's parameters of these names take the place of."""
FROZEN = "frozen"
"""A genome's parameter of this name says what is frozen as well."""


@dataclass(frozen=True)
class OwnModule:
    """A network of the user's own.

    ``module`` is where a class or function that makes a ``torch.nn.Module`` lies, ``my_package:MyNet``, or its name in
    the Python file ``file``; ``options`` are its keywords. ``directory`` is a model directory of transformers instead,
    with weights or without; then ``options`` take the place of what its config says. ``frozen`` are patterns of the
    names of layers and parameters that are not trained, such as ``h.*.attn``; ``"*"`` is all of them. A pattern stands
    for a whole name or for the end of one.

    Raises:
        ValueError: There is neither a module nor a directory, or both.
    """

    module: str = ""
    file: Path | None = None
    directory: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.module) == bool(self.directory):
            raise ValueError("module: say either module, such as my_package:MyNet, or directory, one of transformers")
        if self.directory and self.file:
            raise ValueError("file: it belongs to module; a directory has its own code")


@dataclass(frozen=True)
class Adapters:
    """Low-rank adapters beside the linear layers that ``match``: ``y = layer(x) + alpha / rank * B(A x)``.

    ``low_rank`` names the genome's parameter that says the rank, one for all layers or a list with one for each, in the
    module's order; a rank of 0 is no adapter. ``where`` names a parameter that says at which of these layers, as names
    or patterns; dots lead into groups. B begins at 0. Both parameters must exist in every individual.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
    """

    match: str
    low_rank: str
    where: str | None = None
    alpha: Positive = 16.0


@dataclass(frozen=True)
class Training:
    """How parameters that are not frozen are trained: ``steps`` batches, none if 0.

    ``rungs`` are cheaper numbers of steps, the same training stopped early. ``warmup`` is the share of ``steps`` in
    which the learning rate rises from zero.
    """

    steps: Annotated[int, Ge(0)] = 100
    rungs: tuple[Count, ...] = ()
    batch: Count = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = 1e-3
    weight_decay: NonNegative = 0.0
    warmup: Probability = 0.0
    schedule: Literal["constant", "cosine"] = "constant"

    def __post_init__(self) -> None:
        steps = [*self.rungs, self.steps]
        if sorted(set(steps)) != steps:
            raise ValueError(f"rungs must ascend and stay below steps, got {steps}")


@dataclass(frozen=True)
class TorchModule(OwnModule):
    """A network of the user's own on validation, after training what is not frozen.

    ``layers`` says what individuals do to it. A pattern of names, such as ``h.*.mlp.c_fc``, stands for linear layers
    whose matrices are replaced by what a genome of ``layers`` expresses, as ``crystalline``; their biases stay. A
    mapping is an adapter, whose rank is a parameter of the genome ``space``. Of its other parameters those named
    ``lr``, ``weight_decay``, ``optimizer``, ``warmup`` and ``schedule`` take the place of ``training``'s,
    ``frozen`` names what is frozen as well, and all others take the place of the module's ``options``. Without
    ``layers`` a genome ``real_vector`` is the numbers of all parameters that are not frozen, which training begins
    with.

    Data are images, labelled texts, texts or a table. A batch of images is ``(n, channels, height, width)`` float32, of
    texts ``(n, length)`` token ids, of a table ``(n, inputs)``, standardised. The module returns ``(n, classes)``
    logits, of texts without labels ``(n, length, vocabulary)`` those of the next token, of a table ``(n,)`` or
    ``(n, 1)``. A ``forward`` with the arguments ``input_ids``, ``attention_mask`` or ``pixel_values`` gets them by
    name.

    ``loss`` is the mean cross-entropy in nats, of a table the mean squared error in units of the training targets'
    variance. ``parameters`` counts what is trained, ``multiply_adds`` those of replaced layers and adapters for each
    position. ``validation`` limits on how many examples it is measured. Work is counted in examples that the network
    reads.

    The cache knows the network by the source of the modules that it and its layers are written in, its options, and the
    files of its directory.

    Raises:
        ValueError: The first objective is neither loss nor accuracy, or layers are replaced and adapted at once.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"layers", "params", "vector"})

    layers: tuple[str | Adapters, ...] = ()
    training: Training = field(default_factory=Training)
    objectives: Annotated[tuple[Objective, ...], MinLen(1)] = ("loss",)
    length: Annotated[int, Ge(1), Le(2**20)] = 64
    """Tokens of a text that are read."""

    validation: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.objectives[0] not in ("loss", "accuracy") or len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives: the first must be loss or accuracy, and each may be named once")
        if self.replaced and self.adapters:
            raise ValueError("layers: either patterns, which a genome of layers fills, or adapters, not both")

    @property
    def replaced(self) -> tuple[str, ...]:
        """Patterns of layers that a genome fills."""
        return tuple(one for one in self.layers if isinstance(one, str))

    @property
    def adapters(self) -> tuple[Adapters, ...]:
        return tuple(one for one in self.layers if isinstance(one, Adapters))


@dataclass(frozen=True)
class TrainModule:
    """The champion's network, trained anew as the search trained it."""


@dataclass(frozen=True)
class FixedModule:
    """The network as it is, or with parameters of one's choosing, trained as individuals are.

    Each of ``parameters`` is what a genome of ``space`` might say, such as ``{rank: 4, lr: 1.0e-3}``, and tuned on
    validation; what it does not name is the recipe's, and no layer is replaced. ``label`` is its name in the results.
    """

    parameters: Annotated[tuple[Mapping[str, Any], ...], MinLen(1)] = ({},)
    label: Label = ""


@dataclass(frozen=True)
class ModuleState:
    """A directory with ``model.safetensors``, the state dict of the user's own module; of a directory of transformers
    one that ``from_pretrained`` loads."""
