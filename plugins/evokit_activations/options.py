"""What a recipe may say about searching representations and learning them. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Lt, MinLen

from evokit.options import Count, NonNegative, Positive
from evokit_activations.genome import TENSORS

Momentum = Annotated[float, Ge(0), Lt(1)]
Convolutions = Literal[2, 4, 6]
Supervision = Literal["all", "skip_block_0"]
Schedule = Literal["constant", "one_cycle"]
Logits = Literal["own", "class"]

CODE_LOGIT = 5.0
"""Of the class's own logit above the others: a cross-entropy of 0.06 with ten classes."""


@dataclass(frozen=True)
class Network:
    """The network of the paper's A.1: a frozen whitening layer, blocks of convolutions, a linear head.

    ``channels`` has one entry a block, each of which halves the image; ``convolutions`` is how many the untrained
    network that is searched with has in a block. ``init: dirac`` makes every convolution an identity, as far as it has
    inputs; ``partial_dirac`` leaves the outputs beyond that random, as the code that the paper starts from does.
    ``normalise`` brings each block's output to zero mean and unit variance a sample, as the search does with children.
    """

    channels: Annotated[tuple[Count, ...], MinLen(1)] = (256, 256, 256)
    convolutions: Convolutions = 2
    init: Literal["partial_dirac", "dirac"] = "partial_dirac"
    normalise: bool = False
    whitening_patches: Count = 5000


@dataclass(frozen=True)
class Augment:
    """Random crops of the image padded by ``pad`` pixels, half of them mirrored if ``flip``.

    Searched targets stay those of the image as it is (``reused``, as in the paper) or are mirrored and shifted with it
    (``moved``), by whole positions, of which half a one counts as one towards the right and the bottom.
    """

    pad: Annotated[int, Ge(0)] = 2
    flip: bool = True
    targets: Literal["reused", "moved"] = "reused"


@dataclass(frozen=True)
class Training:
    """How long and in which batches every contender trains. The defaults are the paper's A.3.

    ``rungs`` are cheaper numbers of epochs that settings race over. ``batches: fixed`` keeps the composition of batches
    from epoch to epoch, in an order of its own each; ``shuffled`` draws them anew.
    """

    epochs: Count = 90
    rungs: tuple[Count, ...] = ()
    batch: Annotated[int, Ge(2)] = 2000
    batches: Literal["fixed", "shuffled"] = "fixed"
    augment: Augment | None = None

    def __post_init__(self) -> None:
        epochs = [*self.rungs, self.epochs]
        if sorted(set(epochs)) != epochs:
            raise ValueError(f"rungs must ascend and stay below epochs, got {epochs}")


@dataclass(frozen=True)
class LabelLikelihood:
    """Log-likelihood of an image's label given its representations, told as cross-entropy, mean over images.

    The representations are the outputs of the network's blocks and its logits; the network is the untrained one.
    ``stored`` is the precision of targets on disk; what is reported is measured on them as stored.
    """

    takes: ClassVar[frozenset[str]] = frozenset({TENSORS})
    objectives: ClassVar[tuple[str, ...]] = ("cross_entropy",)

    model: Network = field(default_factory=Network)
    training: Training = field(default_factory=Training)
    stored: Literal["bfloat16", "float16", "float32"] = "bfloat16"


@dataclass(frozen=True)
class Layer:
    """How one layer's population evolves.

    ``alpha`` is the mutation's strength in units of the parents' standard deviation, ``boost`` times that for
    explorers; ``smoothing`` is the number of 3x3 average poolings.
    """

    generations: Annotated[int, Ge(0)]
    alpha: NonNegative
    boost: NonNegative = 1.0
    smoothing: Annotated[int, Ge(0)] = 0


PAPER = (Layer(300, 0.3, 5.0, 5), Layer(100, 0.2, 3.0, 1), Layer(100, 0.1, 3.0, 1), Layer(10, 0.1))


@dataclass(frozen=True)
class Evolution:
    """How the representations of an image evolve; ``Layerwise`` says what the options mean."""

    layers: Annotated[tuple[Layer, ...], MinLen(2)] = PAPER
    parents: Count = 20
    explorers: Annotated[int, Ge(0)] = 100
    refiners: Annotated[int, Ge(0)] = 120
    noise: NonNegative = 0.3
    lanes: Count = 10
    select: Literal["image", "lanes"] = "image"

    @property
    def population(self) -> int:
        """Members of a generation."""
        return self.parents + self.explorers + self.refiners

    @property
    def smoothing(self) -> tuple[int, ...]:
        """Of each layer."""
        return tuple(layer.smoothing for layer in self.layers)


@dataclass(frozen=True)
class Cycles:
    """Search and learning in turns, ``number`` times search with learning in between.

    After each search but the last the network that was searched with learns what was found, for ``epochs`` in the
    batches of the contenders, and the next search begins with its activations and goes forward with it. All of it
    counts as search. The targets of the last search are the run's. ``logits`` as in ``learn_targets``.
    """

    number: Count = 1
    epochs: Count = 5
    lr: Positive = 1.0
    momentum: Momentum = 0.85
    weight_decay: NonNegative = 0.0
    schedule: Schedule = "one_cycle"
    kl: Positive = 0.03
    logits: Logits = "own"


@dataclass(frozen=True)
class Layerwise(Evolution):
    """Evolve the representations of each training image layer by layer, earlier layers fixed.

    ``layers`` has an entry for each block and one for the logits. Each generation of an image keeps its ``parents``
    best and adds ``explorers``, children of parents with boosted mutation, and ``refiners``, children of parents and
    explorers. The first population is as large as the others and comes from noise on the whitened image, ``noise``
    times each channel's standard deviation. Defaults are the paper's A.2.

    A ``shard`` of so many images is one job, whose targets are stored when it is done; it must divide the number of
    training images. ``lanes`` images are searched at once, which bounds the memory; it is part of the result, in the
    last bits. A generation of the run is ``shards`` shards, or what is learned between two ``cycles``. With ``select:
    image`` each image keeps its own best; ``lanes`` keeps the same candidates for all images searched at once, those
    best on their mean.
    """

    reads: ClassVar[frozenset[str]] = frozenset()
    genes: ClassVar[frozenset[str]] = frozenset({TENSORS})

    shard: Count = 50
    shards: Count = 8
    precision: Literal["float32", "bfloat16", "float64"] = "float32"
    cycles: Cycles = field(default_factory=Cycles)


@dataclass(frozen=True)
class Control:
    """Targets made another way, learned like the searched ones."""

    method: ClassVar[str]
    genes: ClassVar[frozenset[str]] = frozenset({TENSORS})


@dataclass(frozen=True)
class Unselected(Control):
    """The search with selection switched off: parents are drawn at random, with as many evaluations."""

    method: ClassVar[str] = "unselected"


@dataclass(frozen=True)
class FirstGeneration(Control):
    """The best of the first population: what noise on the input alone gives."""

    method: ClassVar[str] = "first_generation"


@dataclass(frozen=True)
class ClassCode(Control):
    """A fixed random code for each class and layer, the same for all its images, without any search."""

    method: ClassVar[str] = "class_code"


@dataclass(frozen=True)
class ClassMean(Control):
    """The mean of the untrained network's activations over each class's images, with ``class_code``'s logits.

    It is what ``average: class`` makes of representations that no search has changed.
    """

    method: ClassVar[str] = "class_mean"


Rates = Annotated[tuple[Positive, ...], MinLen(1)]
Momenta = Annotated[tuple[Momentum, ...], MinLen(1)]
Decays = Annotated[tuple[NonNegative, ...], MinLen(1)]
Depths = Annotated[tuple[Convolutions, ...], MinLen(1)]
Schedules = Annotated[tuple[Schedule, ...], MinLen(1)]


@dataclass(frozen=True)
class LearnTargets:
    """Networks trained to produce the searched representations (the paper's 4.2); options that are lists are tuned.

    The body learns from the mean squared error of each block's output, the head from ``kl`` times the divergence
    from the searched distribution, behind a stop-gradient. ``supervise: skip_block_0`` leaves the first block without a
    target of its own. With ``average: class`` every image learns the mean of what was found for its class, with
    ``none`` what was found for itself.

    ``logits`` says which the head learns: those that were found with the blocks (``own``, the paper's way), or those of
    ``class_code`` whatever was found (``class``), so that champion and controls differ in their blocks alone. It is no
    list, as champion and controls would then choose apart. With ``class`` as many networks again are trained with
    their own logits and compared with each other, which tells blocks and logits apart.
    """

    convolutions: Depths = (6,)
    supervise: Annotated[tuple[Supervision, ...], MinLen(1)] = ("all",)
    lr: Rates = (4.0,)
    momentum: Momenta = (0.85,)
    weight_decay: Decays = (0.0,)
    schedule: Schedules = ("constant",)
    kl: Rates = (0.03,)
    average: Annotated[tuple[Literal["none", "class"], ...], MinLen(1)] = ("none",)
    logits: Logits = "own"


@dataclass(frozen=True)
class Sgd:
    """Networks trained with cross-entropy through the whole network; all combinations of the lists are tuned."""

    convolutions: Depths = (2, 4, 6)
    lr: Rates = (0.1,)
    momentum: Momenta = (0.85,)
    weight_decay: Decays = (0.0,)
    schedule: Schedules = ("constant",)


@dataclass(frozen=True)
class FrozenBody:
    """The untrained network with a trained head: what the search begins with, learned from labels alone."""

    lr: Rates = (0.1, 1.0)
    momentum: Momenta = (0.85,)
    weight_decay: Decays = (0.0,)
    schedule: Schedules = ("constant",)
    convolutions: Annotated[tuple[Literal[2], ...], MinLen(1)] = (2,)


@dataclass(frozen=True)
class TorchNetwork:
    """A folder with the network as ``network.safetensors`` and the code that runs it, which needs torch alone."""


@dataclass(frozen=True)
class TargetFiles:
    """The targets that the network learned from, as memory-mapped safetensors files with their image's index."""
