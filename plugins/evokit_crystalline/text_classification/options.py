"""What a recipe may say about text classification and its contenders. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, MinLen

from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes


@dataclass(frozen=True)
class TextClassification:
    """How well classes of texts are told apart by the mean hidden state of a GPT-2 that nobody trains.

    The layers are the individual. The head, a multinomial logistic regression with the squared penalty ``1 / C``, is a
    convex problem with one solution; it is fitted on ``train_texts`` training texts and scored on ``validation_texts``
    of the validation split, every class as often. Of a text the first ``length`` tokens are read. Budgets are counted
    in tokens read; each of ``rungs`` is a number of training texts below ``train_texts``. The data must be labelled:
    ``prose_periods`` or ``labelled_text``.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"layers"})

    model: Sizes = field(default_factory=Sizes)
    train_texts: Annotated[int, Ge(2)] = 1500
    rungs: tuple[Annotated[int, Ge(2)], ...] = ()
    validation_texts: Annotated[int, Ge(2)] = 300
    length: Annotated[int, Ge(1)] = 32
    C: Annotated[float, Gt(0)] = 0.01
    metric: Literal["cross_entropy", "accuracy"] = "cross_entropy"
    continuous: Continuous = field(default_factory=Continuous)

    def __post_init__(self) -> None:
        if self.length > self.model.n_positions:
            raise ValueError(f"length must be at most n_positions, got {self.length} and {self.model.n_positions}")
        texts = [*self.rungs, self.train_texts]
        if sorted(set(texts)) != texts:
            raise ValueError(f"rungs must ascend and stay below train_texts, got {texts}")


@dataclass(frozen=True)
class Classify:
    """The champion as a classifier: its layers, and the head fitted on ``texts`` training texts.

    ``texts: null`` is as many as in the search.
    """

    texts: Annotated[int, Ge(2)] | None = None


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on which tokens a text has: logarithms of 1 + counts, scaled to length 1.

    It reads the same tokens of ``texts`` training texts (null: as many as in the search). Values of ``C``, the inverse
    of its penalty, are tuned on validation.
    """

    C: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (1.0, 10.0, 100.0)
    texts: Annotated[int, Ge(2)] | None = None
