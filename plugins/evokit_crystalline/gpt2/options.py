"""What a recipe may say about a GPT-2's continuous parts. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from evokit.options import added


@dataclass(frozen=True)
class Continuous:
    """Where everything but the projections' matrices comes from.

    ``random`` is the initial distribution of transformers, as in the paper; ``pretrained`` reads the model that
    ``source`` names, a directory or a name on the Hugging Face hub. ``fit`` sets them in closed form from the training
    split instead, without any gradient: word frequencies (``unigram``), a truncated SVD of the smoothed log bigram
    ratio (``bigram_svd``), or that and Newton steps for every row of the input embedding and of the head in turn
    (``bigram_newton``; of ``sweeps`` the first leaves the head as the SVD has it). The head must not be tied.
    ``discount`` smooths the counts; ``context_pseudo_counts`` and ``word_pseudo_counts`` the steps. Every tenth
    document of the training split is left to the crystals that are ``learned``; of the others ``fit_tokens`` are
    counted, in whole blocks drawn once and for all runs, null means all.

    Training tokens that the fit leaves out decide two more things about ``bigram_newton``: which of ``caps``, or none,
    limits the norms of the input embedding's rows, and how many of ``more_sweeps`` are taken, each capped anew: the
    first that does not help on these tokens is not taken. ``more_pseudo_counts`` are the ``context_pseudo_counts`` of
    these sweeps: many, because nearer to its minimum a row follows too far what was counted of its context. Refits have
    fewer blocks then.

    With ``lessons`` crystals learn from a share of the training documents in place of a part of that tenth. The fit
    counts the others first; crystals are fitted to what it lacks on their lessons, which it has never read; then at
    most ``last_sweeps`` count the lessons as well, each checked as above. So crystals have more tokens, and the model
    they end in has counted nearly all of the training split: one document in thirty is left to refits and checks.
    """

    init: Literal["random", "pretrained"] = "random"
    source: str | None = None
    fit: Literal["unigram", "bigram_svd", "bigram_newton"] | None = None
    discount: Annotated[float, Gt(0), Lt(1)] = 0.75
    context_pseudo_counts: Annotated[float, Ge(0)] = 1.0
    word_pseudo_counts: Annotated[float, Ge(0)] = 20.0
    sweeps: Annotated[int, Ge(1)] = 2
    fit_tokens: Annotated[int, Ge(1)] | None = None
    caps: tuple[Annotated[float, Gt(0)], ...] = added(())
    more_sweeps: Annotated[int, Ge(0)] = added(0)
    more_pseudo_counts: Annotated[float, Ge(0)] = added(80.0)
    lessons: Annotated[float, Ge(0), Lt(1)] = added(0.0)
    last_sweeps: Annotated[int, Ge(1)] = added(2)

    @property
    def checked(self) -> bool:
        """Whether training tokens that the fit leaves out decide how far it goes."""
        return bool(self.caps) or self.more_sweeps > 0 or self.lessons > 0

    def __post_init__(self) -> None:
        if self.fit is not None and self.init != "random":
            raise ValueError("fit replaces init: name one of the two")
        if self.fit_tokens is not None and self.fit is None:
            raise ValueError("fit_tokens limits what a fit counts: it needs fit")
        if self.checked and self.fit != "bigram_newton":
            raise ValueError("caps, more_sweeps and lessons go on where Newton steps end: they need fit: bigram_newton")
        if self.lessons and self.fit_tokens is not None:
            raise ValueError(
                "lessons leave out whole documents, fit_tokens blocks: remove fit_tokens, or set lessons: 0"
            )
        if (self.init == "pretrained") != (self.source is not None):
            raise ValueError("source belongs to init: pretrained, which needs it: a directory or a name on the hub")
