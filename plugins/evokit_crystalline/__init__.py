"""Crystalline latent space optimization: a GPT-2 whose matrices are chosen from libraries of structured ones."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.options import AdamW, Assemble, ClosedForm, Gpt2Loss, Transformers
from evokit_crystalline.text_options import BagOfWords, Classify, TextClassification

EXTRA = "neural"


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("genome", "crystalline", Crystalline, extra=EXTRA),
        Component("fitness", "gpt2_loss", Gpt2Loss, extra=EXTRA),
        Component("fitness", "text_classification", TextClassification, extra=EXTRA),
        Component("baseline", "bag_of_words", BagOfWords, fits="text_classification", extra=EXTRA),
        Component("final", "classify", Classify, fits="text_classification", extra=EXTRA),
        Component("baseline", "adamw", AdamW, fits="gpt2_loss", extra=EXTRA),
        Component("baseline", "closed_form", ClosedForm, fits="gpt2_loss", extra=EXTRA),
        Component("final", "assemble", Assemble, fits="gpt2_loss", extra=EXTRA),
        Component("export", "transformers", Transformers, fits="gpt2_loss", extra=EXTRA),
    ]
